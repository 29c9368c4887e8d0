// Recordings that tests/samples.py makes, read into blocks and models. Not a test.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlockReader } from "../../static/recording/decode.js";
import { Model } from "../../static/recording/model.js";

export const ROOT = new URL("../../", import.meta.url).pathname;
const OURS = join(ROOT, ".venv/bin/python");
export const PYTHON = existsSync(OURS) ? OURS : "python3";

const made = new Map();

/** The bytes of one shape of tests/samples.py. */
export function sample(shape) {
  if (!made.has(shape)) {
    const folder = mkdtempSync(join(tmpdir(), "samples-"));
    execFileSync(PYTHON, [join(ROOT, "tests/samples.py"), shape, join(folder, "file")]);
    made.set(shape, new Uint8Array(readFileSync(join(folder, "file"))));
    rmSync(folder, { recursive: true });
  }
  return made.get(shape);
}

/** A recording read in pieces of the given sizes (the last size repeats). */
export async function read(bytes, sizes = [65536]) {
  const model = new Model();
  const reader = new BlockReader((block) => model.take(block));
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)];
    await reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { model, reader };
}

/** Numbers from 0 to 1 that are the same at every run. */
export function* random(seed = 1) {
  let state = seed >>> 0;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}
