import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrangement } from "../../static/timeline/arrangement.js";
import { Families, familyName, MANY } from "../../static/timeline/families.js";
import { layout as layoutOf, layoutInto as layoutIntoOf, ordered } from "../../static/timeline/layout.js";
import { LaneKind } from "../../static/generated/records.js";
import { Lane } from "../../static/recording/lane.js";
import { read, sample } from "./sample.js";

const HEIGHTS = { leastPx: 0, rowPx: 28, thinPx: 24, stripPx: 12, densityPx: 140, counterPx: 56, markPx: 17 };
const layout = (lanes, arrangement = new Arrangement(), heights = HEIGHTS) => layoutOf(lanes, arrangement, new Families(), heights);
const layoutInto = (lanes, roomPx) => layoutIntoOf(lanes, new Arrangement(), new Families(), HEIGHTS, roomPx);
const namesOf = (rows) => [...rows].map((row) => row.lane.name);
const modelOf = async (shape) => (await read(sample(shape))).model;

test("rows follow the tree, one below the other", async () => {
  const rows = layout((await modelOf("gevent")).lanes);
  assert.deepEqual([...rows].map((row) => [row.depth, row.lane.name]), [[0, "demo.py"], [1, "MainThread"], [2, "gevent hub"], [3, "func1"], [3, "func2"]]);
  let yPx = 0;
  for (const row of rows) {
    assert.equal(row.yPx, yPx);
    yPx += row.heightPx;
  }
  assert.equal(rows.heightPx, yPx);
});

test("cores come first, and the GIL above the threads that take it", async () => {
  assert.deepEqual(namesOf(layout((await modelOf("threads")).lanes)), ["core 0", "core 1", "demo.py", "GIL", "Thread-0", "Thread-1", "Thread-2"]);
});

test("a folded lane hides what is under it", async () => {
  const { lanes } = await modelOf("gevent");
  const arrangement = new Arrangement();
  arrangement.set({ kind: "lane", lane: lanes[2] }, false);
  assert.deepEqual(namesOf(layout(lanes, arrangement)), ["demo.py", "MainThread"]);
});

test("many lanes of one name are one row until they are unfolded", async () => {
  const { lanes } = await modelOf("lanes");
  const arrangement = new Arrangement();
  const folded = [...layout(lanes, arrangement)];
  assert.equal(folded.length, 4);
  assert.equal(folded[3].family.members.length, 10_000);
  assert.equal(folded[3].family.name, "sleeper");
  assert.ok(folded[3].family.members.length > MANY);
  arrangement.set(folded[3], true);
  assert.equal(layout(lanes, arrangement).length, 10_004);
});

test("only rows in sight are made, and each is found by its place, its number and its lane", async () => {
  const { lanes } = await modelOf("lanes");
  const arrangement = new Arrangement();
  arrangement.set(layout(lanes).at(3), true);
  const rows = layout(lanes, arrangement);
  for (const topPx of [0, 500, 100_000, rows.heightPx - 300]) {
    const { rows: inSight, first } = rows.between(topPx, topPx + 300);
    assert.ok(inSight.length <= 300 / 24 + 2);
    assert.ok(inSight[0].yPx <= topPx && inSight.at(-1).yPx < topPx + 300);
    inSight.forEach((row, i) => {
      assert.deepEqual(rows.at(first + i), row);
      assert.equal(rows.indexAt(row.yPx), first + i);
      if (row.kind === "lane") assert.deepEqual(rows.rowOf(row.lane), row);
    });
  }
  assert.equal(rows.indexAt(-1), -1);
  assert.equal(rows.indexAt(rows.heightPx + 1), -1);
});

test("few rows grow into the room, many keep their size", async () => {
  const roomy = layoutInto((await modelOf("gevent")).lanes, 400);
  assert.ok(roomy.rows.heightPx <= 400 && roomy.rows.heightPx > 200);
  assert.equal(layoutInto((await modelOf("gevent")).lanes, 100).heights, HEIGHTS);
});

test("what asyncio.run() does at its end is a thin row", () => {
  const machine = new Lane(0, null, LaneKind.MACHINE, "", 0, 0, 0);
  for (const name of ["Task-1 main", "Task-9 BaseEventLoop.shutdown_asyncgens"]) machine.add(new Lane(machine.children.length + 1, machine, LaneKind.TASK, name, 1, 1, 0));
  assert.deepEqual([...layout([machine])].map((row) => row.heightPx), [28, 12]);
});

test("whatever a lane is folded under is unfolded for it", async () => {
  const { lanes } = await modelOf("lanes");
  const arrangement = new Arrangement();
  arrangement.set({ kind: "lane", lane: lanes[1] }, false);
  arrangement.openTo(lanes.at(-1), new Families());
  assert.ok(layout(lanes, arrangement).rowOf(lanes.at(-1)));
});

test("a pinned lane stands at the top too, and is looked for there", async () => {
  const { lanes } = await modelOf("gevent");
  const arrangement = new Arrangement();
  arrangement.pin(lanes.at(-1));
  const rows = layout(lanes, arrangement);
  assert.deepEqual(namesOf(rows), ["func2", "demo.py", "MainThread", "gevent hub", "func1", "func2"]);
  assert.equal(rows.rowOf(lanes.at(-1)).pinned, true);
  assert.equal(rows.pinnedPx, rows.at(1).yPx);
  arrangement.pin(lanes.at(-1));
  assert.equal(layout(lanes, arrangement).pinnedPx, 0);
});

test("a lane changes places with its neighbour, and the whole arrangement goes through an address", async () => {
  const { lanes } = await modelOf("gevent");
  const arrangement = new Arrangement();
  const [func1, func2] = lanes.slice(-2);
  assert.ok(arrangement.move(func2, [func1, func2], -1));
  assert.ok(!arrangement.move(func2, [func2, func1], -1));
  arrangement.pin(func1);
  arrangement.set({ kind: "lane", lane: lanes[2] }, false);
  const again = new Arrangement();
  again.fromTexts(arrangement.toTexts());
  assert.deepEqual(again.toTexts(), arrangement.toTexts());
  again.set({ kind: "lane", lane: lanes[2] }, true);
  assert.deepEqual(namesOf(layout(lanes, again)), ["func1", "demo.py", "MainThread", "gevent hub", "func2", "func1"]);
});

test("names that differ in their number only are one family", () => {
  const groups = [["Task-1 work", "Task-22 work"], ["worker-1", "worker-17", "worker_2"], ["Greenlet-3", "Greenlet-4"], ["fetch #1", "fetch"], ["Thread-1 (work)", "Thread-27 (work)"]];
  for (const names of groups) assert.equal(new Set(names.map(familyName)).size, 1, names.join());
  assert.notEqual(familyName("Task-1 work"), familyName("Task-1 rest"));
});

test("lanes of many kinds of work are a row for each; where every name is its own, they are one", () => {
  const machine = new Lane(0, null, LaneKind.MACHINE, "", 0, 0, 0);
  const add = (name) => machine.add(new Lane(machine.children.length + 1, machine, LaneKind.TASK, name, 1, 1, 0));
  for (let i = 0; i < 300; i++) add(`Task-${i} ${i % 3 ? "fetch" : "parse"}`);
  add("Task-300 main");
  const rows = [...layout([machine, ...machine.children])];
  assert.deepEqual(rows.map((row) => row.family?.name ?? row.lane.name), ["Task-300 main", "parse", "fetch"]);
  for (let i = 0; i < 100; i++) add(`user ${String.fromCharCode(97 + (i % 26))}${String.fromCharCode(97 + Math.floor(i / 26))}x`);
  const mixed = [...layout([machine, ...machine.children])];
  assert.deepEqual(mixed.map((row) => [row.kind, row.family?.members.length]), [["density", 401]]);
});

test("threads with a strip of CPU time each are one row; one with an event loop keeps its own", () => {
  const process = new Lane(0, null, LaneKind.PROCESS, "", 1, 0, 0);
  const lanes = [process];
  const add = (parent, kind, name) => (lanes.push(new Lane(lanes.length, parent, kind, name, 1, 0, 0)), parent.add(lanes.at(-1)), lanes.at(-1));
  const families = new Families();
  const rows = () => [...layoutOf([process], new Arrangement(), families, HEIGHTS)].map((row) => row.family?.members.length ?? row.lane.name);
  for (let i = 1; i <= 1000; i++) add(process, LaneKind.THREAD, `Thread-${i} (work)`);
  assert.deepEqual(rows(), [1000]);
  for (const thread of lanes.slice(1)) add(thread, LaneKind.CPU, "");
  assert.deepEqual(rows(), [1000]);
  add(lanes[7], LaneKind.LOOP, "asyncio");
  assert.deepEqual(rows(), ["Thread-7 (work)", "", "asyncio", 999]);
});

test("child processes stand below their parent's threads, in the order of their beginning", () => {
  const process = new Lane(1, null, LaneKind.PROCESS, "parent", 1, 1, 1);
  const lane = (id, kind, name, t) => new Lane(id, process, kind, name, 1, 1, t);
  const lanes = [lane(2, LaneKind.PROCESS, "second", 30), lane(3, LaneKind.PROCESS, "first", 20), lane(4, LaneKind.THREAD, "thread", 40)];
  assert.deepEqual(ordered(lanes).map(({ name }) => name), ["thread", "first", "second"]);
});
