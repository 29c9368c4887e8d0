import assert from "node:assert/strict";
import { test } from "node:test";
import { Folding, layout, layoutInto, MANY, rowAt, visibleRows } from "../../static/timeline/layout.js";
import { LaneKind } from "../../static/generated/records.js";
import { Lane } from "../../static/recording/lane.js";
import { read, sample } from "./sample.js";

const HEIGHTS = { rowPx: 28, thinPx: 24, stripPx: 12, densityPx: 140, counterPx: 56, markPx: 17 };
const modelOf = async (shape) => (await read(sample(shape))).model;

test("rows follow the tree, one below the other", async () => {
  const { rows, heightPx } = layout((await modelOf("gevent")).machine, new Folding(), HEIGHTS);
  assert.deepEqual(rows.map((row) => [row.depth, row.lane.name]), [[0, "demo.py"], [1, "MainThread"], [2, "gevent hub"], [3, "func1"], [3, "func2"]]);
  let yPx = 0;
  for (const row of rows) {
    assert.equal(row.yPx, yPx);
    yPx += row.heightPx;
  }
  assert.equal(heightPx, yPx);
});

test("cores come first, and the GIL above the threads that take it", async () => {
  const { rows } = layout((await modelOf("threads")).machine, new Folding(), HEIGHTS);
  assert.deepEqual(rows.map((row) => row.lane.name), ["core 0", "core 1", "demo.py", "GIL", "Thread-0", "Thread-1", "Thread-2"]);
});

test("a folded lane hides what is under it", async () => {
  const { machine, lanes } = await modelOf("gevent");
  const folding = new Folding();
  folding.set(lanes[2], "lane", false);
  assert.deepEqual(layout(machine, folding, HEIGHTS).rows.map((row) => row.lane.name), ["demo.py", "MainThread"]);
});

test("many lanes are one row until they are unfolded", async () => {
  const { machine, lanes } = await modelOf("lanes");
  const folding = new Folding();
  const folded = layout(machine, folding, HEIGHTS).rows;
  assert.equal(folded.length, 4);
  assert.equal(folded[3].members.length, 10_000);
  assert.ok(folded[3].members.length > MANY);
  folding.set(folded[3].lane, "density", true);
  assert.equal(layout(machine, folding, HEIGHTS).rows.length, 10_004);
  assert.equal(lanes.length, 10_004);
});

test("only rows in sight are found, by their place", async () => {
  const { machine } = await modelOf("lanes");
  const folding = new Folding();
  folding.set(layout(machine, folding, HEIGHTS).rows[3].lane, "density", true);
  const { rows, heightPx } = layout(machine, folding, HEIGHTS);
  for (const topPx of [0, 500, 100_000, heightPx - 300]) {
    const [first, stop] = visibleRows(rows, topPx, topPx + 300);
    assert.ok(stop - first <= 300 / 24 + 2);
    assert.ok(rows[first].yPx <= topPx && rows[stop - 1].yPx < topPx + 300);
  }
  assert.equal(rowAt(rows, -1), -1);
  assert.equal(rowAt(rows, heightPx + 1), -1);
});

test("few rows grow into the room, many keep their size", async () => {
  const roomy = layoutInto((await modelOf("gevent")).machine, new Folding(), HEIGHTS, 400);
  assert.ok(roomy.heightPx <= 400 && roomy.heightPx > 200);
  const tight = layoutInto((await modelOf("gevent")).machine, new Folding(), HEIGHTS, 100);
  assert.equal(tight.heights, HEIGHTS);
});

test("what asyncio.run() does at its end is a thin row", () => {
  const machine = new Lane(0, null, LaneKind.MACHINE, "", 0, 0, 0);
  for (const name of ["Task-1 main", "Task-9 BaseEventLoop.shutdown_asyncgens"]) machine.children.push(new Lane(machine.children.length + 1, machine, LaneKind.TASK, name, 1, 1, 0));
  assert.deepEqual(layout(machine, new Folding(), HEIGHTS).rows.map((row) => row.heightPx), [28, 12]);
});

test("whatever a lane is folded under is unfolded for it", async () => {
  const { machine, lanes } = await modelOf("lanes");
  const folding = new Folding();
  folding.set(lanes[1], "lane", false);
  folding.openTo(lanes.at(-1));
  assert.ok(layout(machine, folding, HEIGHTS).rows.some((row) => row.kind === "lane" && row.lane === lanes.at(-1)));
});
