import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockReader, Framer, RecordingError } from "../../static/recording/decode.js";
import { random, read, sample } from "./sample.js";

const summary = (model) => ({
  lanes: model.lanes.map((lane) => [lane.name, lane.kind, lane.t, [...lane.startNs.data.subarray(0, lane.length)], [...lane.state.data.subarray(0, lane.length)], lane.marks]),
  flows: model.flows.length,
  output: model.output.map(({ t, stream, bytes }) => [t, stream, [...bytes]]),
  end: model.end,
});

test("any chunking gives the same recording", async () => {
  const bytes = sample("gevent");
  const whole = summary((await read(bytes, [bytes.length])).model);
  assert.deepEqual(summary((await read(bytes, [1])).model), whole);
  const numbers = random(7);
  for (let round = 0; round < 30; round++) {
    const sizes = Array.from({ length: 40 }, () => 1 + Math.floor(numbers.next().value ** 3 * 900));
    assert.deepEqual(summary((await read(bytes, sizes)).model), whole);
  }
});

test("deflated blocks come in the order of the stream, however long each takes", async () => {
  const { model } = await read(sample("lanes"), [1000, 50000, 3, 200000]);
  assert.equal(model.lanes.length, 10_004);
  assert.equal(model.stateCount, 60_000);
  assert.equal(model.end.outcome, "finished");
  const task = model.lanes.at(-1);
  assert.deepEqual([...task.state.data.subarray(0, task.length)], [2, 1, 25, 2, 1, 40]);
});

test("times are exact where an absolute clock is beyond 2^53", async () => {
  const { model } = await read(sample("gevent"));
  const func1 = model.lanes.find((lane) => lane.name === "func1");
  assert.deepEqual([...func1.startNs.data.subarray(0, func1.length)], [20e6, 22e6, 24e6, 2024e6, 2026e6]);
});

test("a torn recording is read to its last whole block, and resumed there", async () => {
  const whole = sample("gevent");
  const torn = sample("torn-end");
  const { model, reader } = await read(torn);
  assert.equal(model.end, null);
  assert.ok(reader.consumedBytes < torn.length);
  reader.resume();
  await reader.push(whole.subarray(reader.consumedBytes));
  assert.equal(model.end.outcome, "finished");
  assert.equal(reader.consumedBytes, whole.length);
});

test("a lost connection within the magic word or a block's header resumes too", async () => {
  const whole = sample("gevent");
  for (let cut = 0; cut < 120; cut++) {
    const { model, reader } = await read(whole.subarray(0, cut));
    reader.resume();
    await reader.push(whole.subarray(reader.consumedBytes));
    assert.equal(model.end.outcome, "finished", `cut at ${cut}`);
  }
});

test("what is no recording is refused in words", async () => {
  const broken = (change) => {
    const bytes = sample("gevent").slice();
    change(bytes);
    return read(bytes);
  };
  await assert.rejects(broken((bytes) => (bytes[0] = 65)), { message: /not a Schedscope recording/ });
  await assert.rejects(broken((bytes) => (bytes[7] = 9)), { message: /format 9 .* reads 1/ });
  await assert.rejects(broken((bytes) => (bytes[12] = 99)), { message: /unknown kind 99/ });
  await assert.rejects(broken((bytes) => (bytes[11] = 200)), { message: /over the bound/ });
});

test("a block that inflates to another size than it says is refused", async () => {
  const bytes = sample("lanes").slice();
  const view = new DataView(bytes.buffer);
  let at = 8;
  while (bytes[at + 5] !== 1) at += 24 + view.getUint32(at, true);
  for (const by of [-8, 8]) {
    const wrong = bytes.slice();
    new DataView(wrong.buffer).setUint32(at + 12, view.getUint32(at + 12, true) + by, true);
    await assert.rejects(read(wrong), RecordingError);
  }
});

test("only a RecordingError comes of any damage", async () => {
  const good = sample("gevent");
  const numbers = random(3);
  for (let round = 0; round < 400; round++) {
    const bytes = good.slice();
    for (let i = 0; i < 4; i++) bytes[Math.floor(numbers.next().value * bytes.length)] = Math.floor(numbers.next().value * 256);
    await read(bytes).catch((error) => assert.ok(error instanceof RecordingError, `${error.stack}`));
  }
});

test("the framer counts what it has consumed", () => {
  const bytes = sample("gevent");
  const framer = new Framer();
  const blocks = framer.receive(bytes);
  assert.equal(framer.consumedBytes, bytes.length);
  assert.equal(blocks.at(-1).kind, 10);
  assert.equal(new BlockReader(() => {}).consumedBytes, 0);
});
