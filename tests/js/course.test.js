// What the page keeps of the visitor: for which parameters a question is asked, and which runs are compared.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { use } from "../../static/common/i18n.js";
import { meets, suited, valueTexts, whenText } from "../../static/page/conditions.js";
import { compared, earlierRuns, keepRun, ownRuns } from "../../static/page/history.js";
import { sampleLabel } from "../../static/page/sample.js";
import { ROOT } from "./sample.js";

const english = () => use("en", JSON.parse(readFileSync(join(ROOT, "static/i18n/en.json"), "utf8")));
const THREADS = { name: "threads", kind: "int", title: { zh: "线程数", en: "Threads" }, unit: null };
const WAIT = { name: "seconds", kind: "float", title: { zh: "每次等待", en: "Each wait" }, unit: "s" };

test("conditions are a value, one of several, or a range", () => {
  assert.ok(meets({ threads: 4, variant: "a" }, { threads: { minimum: 2, maximum: null }, variant: ["a", "b"] }));
  assert.ok(!meets({ threads: 1 }, { threads: { minimum: 2 } }));
  assert.ok(!meets({ threads: 4 }, { seconds: 1 }));
  assert.deepEqual(suited({ threads: 1, variant: "c", other: 5 }, { threads: { minimum: 2 }, variant: ["a", "b"] }), { threads: 2, variant: "a", other: 5 });
  english();
  assert.equal(whenText({ threads: { minimum: 2 }, seconds: 1 }, [THREADS, WAIT]), "Threads: ≥ 2; Each wait: 1\u2009s");
});

test("a run is compared with the sequential variant, one's own before the sample; else with one's last other run", () => {
  const run = (id, parameters, wallNs = 1e9) => ({ id, parameters, wallNs });
  const now = run("now", { variant: "processes", most: 4 });
  const earlier = [run("", { variant: "threads", most: 4 }), run("a", { variant: "threads", most: 4 }, 4e9), run("b", { variant: "threads", most: 2 }), now];
  assert.equal(compared(now, earlier, { variant: "threads" })?.other.id, "a");
  assert.deepEqual(compared(now, earlier.slice(0, 1), { variant: "threads" }), { other: earlier[0], speedUp: true });
  assert.deepEqual(compared(now, earlier, null), { other: earlier[2], speedUp: false });
  assert.equal(compared(now, [now, earlier[0]], null), null);
  assert.equal(compared(earlier[1], [earlier[1]], { variant: "threads" }), null);
});

test("what the browser keeps of runs is bounded, and garbage in it is nothing", () => {
  const kept = new Map();
  globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  for (let i = 0; i < 50; i++) keepRun("x", { id: `r${i}`, parameters: { n: i }, wallNs: 1 + i });
  keepRun("x", { id: "r49", parameters: { n: 49 }, wallNs: 7 });
  assert.equal(earlierRuns("x").length, 20);
  assert.equal(earlierRuns("x").at(-1).wallNs, 7);
  for (const garbage of ["{", "5", "null", '[null, {"id": 3}]']) {
    kept.set("runs:x", garbage);
    assert.deepEqual(earlierRuns("x"), []);
  }
  delete globalThis.localStorage;
});

test("a sample is labelled with date, machine and versions", () => {
  english();
  const label = sampleLabel({ created_s: 1795559875, machine: { system: "Linux", kernel: "6.18.44-x", cpu: "A CPU", cores: 2 }, interpreter: { implementation: "CPython", version: "3.14.1", free_threaded: true } });
  assert.equal(label, "2026-11-24 · Linux 6.18, A CPU, 2 cores · CPython 3.14.1t");
});

test("a run is among the visitor's own from its start; what was known of it stays known when it has ended", () => {
  const kept = new Map();
  globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  keepRun("y", { id: "a", startedMs: 5, parameters: { n: 1 }, wallNs: 0 });
  assert.deepEqual([ownRuns("y").length, earlierRuns("y").length], [1, 0]);
  keepRun("y", { id: "a", parameters: { n: 1 }, wallNs: 9 });
  assert.deepEqual(earlierRuns("y"), [{ id: "a", startedMs: 5, parameters: { n: 1 }, wallNs: 9 }]);
  delete globalThis.localStorage;
});

test("a choice is called by its label in the page's language, or by its own name", () => {
  const variant = { name: "variant", kind: "choice", title: { zh: "用什么等", en: "Wait with" }, unit: null, labels: { own: { zh: "自己等", en: "by oneself" } } };
  english();
  assert.deepEqual(valueTexts({ variant: "own", seconds: 2, other: 1 }, [variant, WAIT]), ["Wait with: by oneself", "Each wait: 2\u2009s"]);
  assert.equal(whenText({ variant: ["own", "epoll"] }, [variant]), "Wait with: by oneself or epoll");
  use("zh", JSON.parse(readFileSync(join(ROOT, "static/i18n/zh.json"), "utf8")));
  assert.deepEqual(valueTexts({ variant: "own" }, [variant]), ["用什么等：自己等"]);
});
