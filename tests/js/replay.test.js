// The cursor, scheduling events, search, and a recording handed over from one thread to another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { use } from "../../static/common/i18n.js";
import { LaneKind } from "../../static/generated/records.js";
import { Model } from "../../static/recording/model.js";
import { buffersOf, unpack } from "../../static/recording/pack.js";
import { Shop } from "../../static/recording/shop.js";
import { Cursor } from "../../static/timeline/cursor.js";
import { eventFrom, lineAt } from "../../static/timeline/events.js";
import { Families } from "../../static/timeline/families.js";
import { Bars } from "../../static/timeline/paint/bars.js";
import { find } from "../../static/timeline/search.js";
import { readFileSync } from "node:fs";
import { read, ROOT, sample } from "./sample.js";

use("en", JSON.parse(readFileSync(`${ROOT}static/i18n/en.json`, "utf8")));
const { model } = await read(sample("gevent"));

/** As the page gets a finished recording: through the shop, and over to another thread. */
async function handedOver(shape) {
  const shop = new Shop();
  const bytes = sample(shape);
  for (let at = 0; at < bytes.length; at += 50_000) await shop.do({ kind: "gather", data: bytes.subarray(at, at + 50_000) });
  const { packed } = await shop.do({ kind: "finish" });
  const there = globalThis.structuredClone(packed, { transfer: [...buffersOf(packed)] });
  const filled = new Model();
  unpack(filled, there);
  return filled;
}

test("a recording handed over is the same as one read block by block", async () => {
  for (const shape of ["gevent", "asyncio", "threads", "torn-end", "lanes"]) {
    const [whole, there] = [(await read(sample(shape))).model, await handedOver(shape)];
    for (const name of ["header", "end", "strings", "lastNs", "stateCount", "seen", "output", "t0"]) assert.deepEqual(there[name], whole[name], `${shape}: ${name}`);
    assert.equal(there.lanes.length, whole.lanes.length);
    whole.lanes.forEach((lane, i) => {
      const other = there.lanes[i];
      for (const name of ["id", "kind", "name", "pid", "tid", "t", "holder", "length", "marks"]) assert.deepEqual(other[name], lane[name], `${shape}: lane ${i} ${name}`);
      assert.equal(other.parent?.id, lane.parent?.id);
      for (const name of ["startNs", "state", "detail"]) assert.deepEqual(other[name].whole(), lane[name].whole());
      assert.deepEqual(other.counter && [other.counter.t.whole(), other.counter.value.whole(), other.counter.max], lane.counter && [lane.counter.t.whole(), lane.counter.value.whole(), lane.counter.max]);
    });
    for (const name of ["t", "t2", "from", "to", "kind", "detail"]) assert.deepEqual(there.flows[name].whole(), whole.flows[name].whole());
    assert.deepEqual(there.flows.between(0, 1e12, 600), whole.flows.between(0, 1e12, 600));
    for (let i = 0; i < whole.detailCount; i++) assert.deepEqual(there.detail(i), whole.detail(i));
  }
});

test("what was summed up and merged elsewhere draws as if it had been done here", async () => {
  const [whole, there] = [(await read(sample("lanes"))).model, await handedOver("lanes")];
  const view = { startNs: 0, spanNs: 1.3e9, widthPx: 700 };
  const meansOf = (one) => new Families(one.derived).of(one.lanes[3]).families[0].crowd.means(view, one.lastNs, 700).map((column) => column.slice());
  assert.equal(there.derived.crowds.size, 1);
  assert.deepEqual(meansOf(there), meansOf(whole));
  const [bars, moved] = [(await read(sample("bars"))).model, await handedOver("bars")];
  assert.equal(moved.derived.pyramids.size, 4);
  const drawn = (one) => {
    const rects = [];
    new Bars(one).draw(one.lanes[3], { startNs: 1e9, spanNs: 3e9, widthPx: 1000 }, one.lastNs, (...rect) => rects.push(rect));
    return rects;
  };
  assert.deepEqual(drawn(moved), drawn(bars));
});

test("a file that is no recording is refused in words, and nothing at all is no model", async () => {
  const shop = new Shop();
  await assert.rejects(shop.do({ kind: "gather", data: new TextEncoder().encode("not a recording") }), /not a Schedscope recording/);
  assert.deepEqual(await new Shop().do({ kind: "finish" }), { packed: null });
});

test("the cursor stands, plays at its speed, stops at the end, and goes back to the newest", () => {
  const cursor = new Cursor();
  const told = [];
  const end = cursor.subscribe((moment) => told.push(moment));
  cursor.move(5e6);
  cursor.setSpeed(0.5);
  cursor.play(true);
  cursor.advance(1000, 1e9, false);
  cursor.advance(1100, 1e9, false);
  assert.equal(cursor.tNs, 55e6);
  cursor.advance(1e7, 1e9, false);
  assert.deepEqual([cursor.tNs, cursor.playing], [1e9, false]);
  cursor.play(true);
  cursor.advance(0, 1e9, true);
  cursor.advance(16, 1e9, true);
  assert.equal(cursor.playing, true, "at the edge of a live run it waits for more");
  cursor.move(null);
  assert.deepEqual([cursor.tNs, cursor.playing], [null, false]);
  cursor.setSpeed(1e9);
  assert.equal(cursor.speed, 10);
  end();
  const before = told.length;
  cursor.move(3);
  assert.equal(told.length, before);
});

test("going event by event from the start meets each change of what is scheduled once, in order, and the same back", async () => {
  for (const shape of ["gevent", "asyncio"]) {
    const { model: one } = await read(sample(shape));
    const kinds = new Set([LaneKind.THREAD, LaneKind.TASK, LaneKind.GREENLET]);
    const all = one.lanes.filter(({ kind }) => kinds.has(kind)).flatMap((lane) => Array.from({ length: lane.length }, (_, index) => [lane.startOf(index), lane.id, index])).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).filter((one, i, every) => one[0] !== every[i + 1]?.[0] || one[1] !== every[i + 1]?.[1]).slice(0, 900);
    const walk = (tNs, lane, by, most) => {
      const met = [];
      for (let bar = eventFrom(one, tNs, lane, by); bar && met.length < most; bar = eventFrom(one, tNs, lane, by)) {
        [tNs, lane] = [bar.lane.startOf(bar.index), bar.lane.id];
        met.push([tNs, lane, bar.index]);
      }
      return met;
    };
    const forth = walk(-1, -1, 1, all.length);
    assert.deepEqual(forth, all);
    const [lastNs, lastLane] = forth.at(-1);
    assert.deepEqual(walk(lastNs, lastLane, -1, all.length), forth.slice(0, -1).reverse());
  }
});

test("the line at the cursor is that of what changed last", () => {
  const func1 = model.lanes.find(({ name }) => name === "func1");
  assert.equal(lineAt(model, 500e6, null), 5);
  assert.equal(lineAt(model, 500e6, { lane: func1, index: 0 }), 5);
  assert.equal(lineAt(model, 10e6, null), 0);
});

test("a search finds lanes, reasons, places in the script and printed lines, in order of time", () => {
  const found = (text) => find(model, text).map(({ lane, index }) => `${lane.name} ${index}`);
  assert.ok(found("FUNC2").includes("func2 0"));
  assert.deepEqual(found("demo.py:5").map((one) => one.split(" ")[0]), ["func1", "func2"]);
  assert.ok(found("第二步").length >= 2);
  assert.ok(found("timer").length >= 2);
  assert.deepEqual(found("no such thing"), []);
  assert.deepEqual(found("  "), []);
  const times = find(model, "func").map(({ lane, index }) => lane.startOf(index));
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
});
