// The facts' sentences and the bars they lead to, on recordings of known shape.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { percent } from "../../static/common/format.js";
import { t, tParts, use } from "../../static/common/i18n.js";
import { figureText, whyText } from "../../static/facts/expected.js";
import { placeOfPair, placeOfSpan, placeOfSum } from "../../static/facts/places.js";
import { sentences } from "../../static/facts/sentences.js";
import { State } from "../../static/generated/records.js";
import { read, ROOT, sample } from "./sample.js";

const catalogue = (lang) => JSON.parse(readFileSync(join(ROOT, `static/i18n/${lang}.json`), "utf8"));
/** The document of app/core/facts.py for a run of which nothing is to be told: each test says only what is different. */
const NOTHING = { wall_ns: 1e9, parallelism: 1, cores: { reported: 2, given: null, wanted_ns: 0, taken_ns: 0 }, reads: { copies: 0, refused: 0 }, threads: [], gils: [], stall: null, deadlock: null };
const plain = (model, facts) => sentences(model, facts).map((sentence) => sentence.map((piece) => piece.text ?? piece).join("").replaceAll("\u2009", " "));

test("a share is never rounded up to all nor down to nothing", () => {
  const cases = [[0, "0 %"], [1, "100 %"], [0.5, "50 %"], [0.0042, "0.42 %"], [0.0000001, "0.01 %"], [0.9873, "99 %"], [0.9999, "99.9 %"]];
  for (const [share, text] of cases) assert.equal(percent(share).replace("\u2009", " "), text);
});

test("a text in pieces is the text", () => {
  use("en", { a: "{x} of {y}, {x}" });
  assert.deepEqual(tParts("a"), [{ name: "x" }, " of ", { name: "y" }, ", ", { name: "x" }]);
});

test("a sum leads to its longest bar, a span to the bar it is", async () => {
  const { model } = await read(sample("gevent"));
  const lane = model.lanes.find(({ name }) => name === "func1");
  const sum = placeOfSum(model, lane, [State.WAIT_TIMER]);
  assert.equal(lane.stateOf(sum.bar.index), State.WAIT_TIMER);
  assert.equal(sum.startNs, lane.startOf(0));
  const [startNs, endNs] = [lane.startOf(sum.bar.index), lane.endOf(sum.bar.index, model.lastNs)];
  // The recording's own clock: its start is what the first time is after.
  const t0 = -model.sinceStart(0);
  const span = placeOfSpan(model, { lane: lane.id, t_ns: t0 + startNs, duration_ns: endNs - startNs });
  assert.deepEqual(span.bar, sum.bar);
  assert.ok(span.startNs < startNs && span.endNs > endNs);
});

test("who made whom wait leads to a wait for the GIL of the one that waited", async () => {
  const { model } = await read(sample("threads"));
  const gil = model.lanes.find(({ name }) => name === "GIL");
  const [holder, waiter] = gil.parent.children.filter(({ holder: number }) => number >= 0);
  const { bar } = placeOfPair(model, gil, holder, waiter);
  assert.equal(bar?.lane, waiter);
  assert.equal(waiter.stateOf(bar.index), State.GIL_WAIT);
});

test("the most telling facts, in both languages; what was not observed says so", async () => {
  const { model } = await read(sample("threads"));
  const gil = model.lanes.find(({ name }) => name === "GIL");
  model.header.machine = { cores: 2 };
  model.header.observers = { kernel: "unavailable: not allowed", gil: "exact" };
  const facts = { ...NOTHING, parallelism: 0.978, cores: { reported: 2, given: null, wanted_ns: null, taken_ns: null }, gils: [{ lane: gil.id, held_ns: 9e8, utilisation: 0.987, handovers: 51, handovers_per_s: 51.2, longest_wait: null }] };
  use("en", catalogue("en"));
  assert.deepEqual(plain(model, facts), ["Effective parallelism 0.98 of 2 cores.", "The GIL was held 99 % of the time and changed hands 51 times a second."]);
  assert.match(plain(model, { ...facts, parallelism: null })[0], /not observed \(not allowed\)/);
  const nothing = { lane: gil.id, t_ns: 0, duration_ns: 5 };
  assert.deepEqual(plain(model, { ...facts, reads: { copied_bytes: 65536, copies: 1, copy_ns: 12000, longest_copy: nothing, refused: 6302, first_refused: nothing } }).slice(2), ["Reads copied 65.5 kB into the program (1 ×, 12 µs in all).", "6 302 calls found nothing and came back at once (EAGAIN)."]);
  const lying = { reported: 2, given: 1.08, wanted_ns: 2e9, taken_ns: 5e8 };
  assert.deepEqual(plain(model, { ...facts, cores: lying }).slice(1, 3), ["Before the run this machine gave 1.1 cores; 2 are reported.", "Other programs had 25 % of the core time it wanted."]);
  assert.equal(plain(model, { ...facts, cores: { ...lying, taken_ns: 1e8, given: null } }).length, 2);
  const thread = gil.parent.children.find(({ holder }) => holder >= 0);
  const stall = { lane: thread.id, t_ns: 0, duration_ns: 9e8, culprit: thread.id, ready_together: 3, cause: { lane: thread.id, t_ns: 0, duration_ns: 1e9, state: "sleep", reason: null, text: null, file: "a.py", line: 80 } };
  assert.equal(plain(model, { ...facts, stall })[2], `${thread.name} blocked its loop for 1 s (sleep, line 80): 3 others were ready and could not run.`);
  const own = { ...stall, cause: null };
  assert.equal(plain(model, { ...facts, stall: { ...own, culprit_ns: 8e8 } })[2], `${thread.name} kept its loop busy for 900 ms: 3 others were ready and could not run.`);
  assert.equal(plain(model, { ...facts, stall: { ...own, culprit_ns: 3e8, ready_together: 10000 } })[2], `${thread.name} was ready for 900 ms before its turn; others ready meanwhile: 9 999.`);
  const messages = { published: 12, delivered: 0, acked: 0, redelivered: 0, returned: 0, unroutable: 0, lost: 9 };
  assert.equal(plain(model, { ...facts, messages })[0], "Messages: 12 published, 0 delivered, 9 lost in the crash.");
  use("zh", catalogue("zh"));
  assert.equal(plain(model, { ...facts, messages })[0], "消息：发布 12，投递 0，崩溃时丢失 9。");
  assert.match(plain(model, { ...facts, stall })[2], /堵了 1 s（睡眠|sleep/);
  assert.match(plain(model, { ...facts, gils: [{ ...facts.gils[0], handovers: 0 }] })[1], /从未易手/);
});

test("figures have the unit their name ends in; what explains a failure is said", () => {
  use("en", catalogue("en"));
  assert.deepEqual([figureText("sum_ns", 4.006e9), figureText("state_share", 0.069), figureText("at_once", 1.0001), figureText("lanes", 12000)].map((text) => text.replaceAll("\u2009", " ")), ["4.01 s", "6.9 %", "1", "12 000"].map((text, i) => (i === 1 ? percent(0.069).replace("\u2009", " ") : text)));
  assert.equal(whyText({ why: "few-cores", figures: { cores_used: 1, cores_reported: 2, cores_given: 1.12 } }), "this machine gave you 1.12 cores");
  assert.equal(whyText({ why: "not permitted here", figures: {} }), "not permitted here");
  assert.equal(t("expected.holds", { says: "x" }), "As expected: x.");
});

test("a deadlock is told first, with who holds what and waits for whom", async () => {
  const { model } = await read(sample("threads"));
  const [a, b] = model.lanes.filter(({ tid }) => tid > 0);
  const wait = (lane, has, wants, holder) => ({ lane: lane.id, has, wants, holder: holder.id, t_ns: 0, duration_ns: 5e9, state: "lock", reason: null, text: null, file: null, line: 7 });
  const deadlock = { since_ns: 5e9, waits: [wait(a, "Lock one", "Lock two", b), wait(b, "Lock two", "Lock one", a)] };
  const facts = { ...NOTHING, wall_ns: 6e9, deadlock };
  use("en", catalogue("en"));
  assert.equal(plain(model, facts)[0], `Deadlock: ${a.name} holds one and waits for two, which ${b.name} holds; ${b.name} holds two and waits for one, which ${a.name} holds.`);
  use("zh", catalogue("zh"));
  assert.equal(plain(model, facts)[0], `死锁：${a.name} 持有 one，在等 ${b.name} 持有的 two；${b.name} 持有 two，在等 ${a.name} 持有的 one。`);
  assert.equal(plain(model, { ...facts, deadlock: null }).some((text) => text.startsWith("死锁")), false);
});

test("of a free-threaded interpreter it is said that there is no GIL, not that it was missed", async () => {
  const { model } = await read(sample("threads"));
  model.header = { ...model.header, interpreter: { version: "3.14", free_threaded: true }, observers: { gil: "none: a free-threaded interpreter" } };
  use("en", catalogue("en"));
  assert.equal(plain(model, NOTHING).at(-1), "This interpreter has no GIL.");
});
