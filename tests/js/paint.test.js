import assert from "node:assert/strict";
import { test } from "node:test";
import { Bars } from "../../static/timeline/paint/bars.js";
import { density } from "../../static/timeline/overview.js";
import { Crowd, STACK } from "../../static/timeline/paint/crowd.js";
import { drawFlags } from "../../static/timeline/paint/flags.js";
import { Ink, inkOf, INKS } from "../../static/timeline/paint/inks.js";
import { Pyramid } from "../../static/timeline/paint/lod.js";
import { Lane } from "../../static/recording/lane.js";
import { MarkKind, ROUTINE_MARKS } from "../../static/generated/records.js";
import { read, sample } from "./sample.js";

const bars = (await read(sample("bars"))).model;
const viewOf = (startNs, endNs, widthPx = 1000) => ({ startNs, spanNs: endNs - startNs, widthPx });

function drawn(model, lane, view) {
  const rects = [];
  new Bars(model).draw(lane, view, model.lastNs, (ink, x, width, index) => rects.push({ ink, x, width, index }));
  return rects;
}

test("a million bars come to at most a few rectangles a pixel", () => {
  for (const lane of bars.lanes.slice(2)) {
    assert.equal(lane.length, 250_000);
    assert.ok(drawn(bars, lane, viewOf(0, bars.lastNs)).length < 2100);
  }
});

test("at any zoom the drawn bars cover the lane without overlapping by more than a pixel", () => {
  const lane = bars.lanes[2];
  for (let spanNs = bars.lastNs - 1e9; spanNs > 1e4; spanNs /= 7) {
    const view = viewOf(1e9, 1e9 + spanNs);
    let right = -8;
    for (const { x, width } of drawn(bars, lane, view)) {
      assert.ok(x >= right - 2.01, `${x} begins before ${right} at ${spanNs}`);
      right = Math.max(right, x + width);
    }
    assert.ok(right >= 998);
  }
});

test("wide bars are drawn exactly as they are", async () => {
  const { model } = await read(sample("gevent"));
  const lane = model.lanes.find((one) => one.name === "func1");
  const rects = drawn(model, lane, viewOf(0, 2100e6, 2100));
  const wait = rects.find(({ ink }) => ink === Ink.WAITING);
  assert.ok(Math.abs(wait.x - 24) < 1e-9 && Math.abs(wait.width - 2000) < 1e-9);
});

test("panning by whole pixels changes no merged colour", () => {
  const lane = bars.lanes[3];
  const spanNs = 2 ** 31;
  const colours = (shiftPx) => {
    const view = viewOf(1e9 + (shiftPx * spanNs) / 1024, 1e9 + spanNs + (shiftPx * spanNs) / 1024, 1024);
    const row = new Map();
    for (const { ink, x, width } of drawn(bars, lane, view)) for (let px = Math.round(x); px < Math.round(x + width); px++) row.set(px + shiftPx, ink);
    return row;
  };
  const [still, moved] = [colours(0), colours(16)];
  let different = 0;
  for (let px = 20; px < 1000; px++) if (still.get(px) !== moved.get(px)) different++;
  assert.ok(different <= 10, `${different} pixels flickered`);
});

test("a long bar among short ones keeps its exact ends, however far one looks from", () => {
  const lane = bars.lanes[2];
  const long = [];
  for (let i = 0; i + 1 < lane.length; i++) if (lane.startOf(i + 1) - lane.startOf(i) === 40e6 && inkOf(bars, lane, i) !== Ink.RUNNING) long.push(i); // short ones around it run for the most part
  const view = viewOf(0, bars.lastNs, 4000);
  const rects = drawn(bars, lane, view);
  const exact = rects.filter(({ index }) => long.includes(index));
  assert.ok(exact.length > long.length * 0.8, `${exact.length} of ${long.length}`);
  for (const { index, x, width } of exact) {
    assert.ok(Math.abs(x - (lane.startOf(index) / bars.lastNs) * 4000) < 1e-6);
    assert.ok(Math.abs(width - (40e6 / bars.lastNs) * 4000) < 1e-6);
  }
});

/** Every cell of every level, as the pyramid hands it out. */
function cellsOf(pyramid, untilNs) {
  const all = [];
  for (let leastNs = pyramid.baseNs; leastNs < untilNs; leastNs *= 2) pyramid.cells(0, untilNs, leastNs, (ink, from, to, part) => all.push([leastNs, ink, from, to, part.toFixed(3)]));
  return all;
}

test("a pyramid that grew with its lane has lost nothing at any level", () => {
  const whole = bars.lanes[4];
  const grown = new Lane(1, null, whole.kind, "", 0, 0, 0);
  const push = (from, to) => {
    for (let i = from; i < to; i++) grown.enter(whole.startOf(i), whole.stateOf(i), 0);
  };
  push(0, 3000);
  const early = new Pyramid(bars, grown);
  for (const [from, to] of [[3000, 3001], [3001, 9000], [9000, 60_000], [60_000, 61_234]]) {
    push(from, to);
    early.extend();
  }
  const endNs = grown.startOf(grown.length - 1);
  const covered = (cells) => cells.reduce((sum, [, , from, to]) => sum + to - from, 0);
  const perLevel = new Map();
  for (const cell of cellsOf(early, endNs)) perLevel.set(cell[0], [...(perLevel.get(cell[0]) ?? []), cell]);
  for (const [leastNs, cells] of perLevel) {
    assert.ok(covered(cells) > endNs * 0.99, `level of ${leastNs} covers ${covered(cells)} of ${endNs}`);
    assert.ok(cells.every(([, ink]) => ink !== Ink.NONE), `level of ${leastNs} has empty cells`);
  }
});

test("the finest level holds the time spent in each ink", () => {
  const lane = bars.lanes[2];
  const whole = new Array(INKS).fill(0);
  for (let i = 0; i + 1 < lane.length; i++) whole[inkOf(bars, lane, i)] += lane.startOf(i + 1) - lane.startOf(i);
  const found = new Array(INKS).fill(0);
  const pyramid = new Pyramid(bars, lane);
  pyramid.cells(0, bars.lastNs, pyramid.baseNs, (ink, from, to) => (found[ink] += to - from));
  assert.ok(found[Ink.RUNNING] > whole[Ink.RUNNING] && found[Ink.RUNNING] < whole[Ink.RUNNING] * 1.6);
});

const crowdOf = (lanes, packed) => {
  const crowd = new Crowd(packed);
  for (const lane of packed ? [] : lanes) crowd.add(lane);
  return crowd;
};

test("a glance counts every lane once at every time", async () => {
  const { model } = await read(sample("lanes"));
  const tasks = model.lanes.slice(4);
  const counts = density(tasks, 1300e6, model.lastNs, 650);
  for (let i = 0; i < 650; i++) assert.ok(counts.reduce((sum, column) => sum + column[i], 0) <= 10_000 + 1e-3);
  for (let i = 205; i < 450; i++) assert.ok(Math.abs(counts[STACK.indexOf(Ink.WAITING)][i] - 10_000) < 1e-3);
});

/** The mean number in each state, bar by bar: slow and plainly right. */
function slowMeans(lanes, view, columns) {
  const means = STACK.map(() => new Float64Array(columns));
  const columnNs = view.spanNs / columns;
  for (const lane of lanes) {
    for (let i = 0; i < lane.length; i++) {
      const place = STACK.indexOf(inkOf(bars, lane, i));
      if (place < 0) continue;
      const [from, to] = [lane.startOf(i) - view.startNs, lane.endOf(i, Infinity) - view.startNs];
      for (let c = Math.max(0, Math.floor(from / columnNs)); c < columns && c * columnNs < to; c++) means[place][c] += (Math.min(to, (c + 1) * columnNs) - Math.max(from, c * columnNs)) / columnNs;
    }
  }
  return means;
}

test("a crowd shows the exact mean of every state at every zoom, however it was put together", async () => {
  const { model } = await read(sample("lanes"));
  const tasks = model.lanes.slice(4, 1004);
  const whole = crowdOf(tasks);
  const packed = crowdOf(tasks, crowdOf(tasks).pack());
  const late = crowdOf([]);
  const grown = tasks.map((lane) => new Lane(lane.id, null, lane.kind, "", 0, 0, 0));
  for (const lane of grown) late.add(lane);
  // Lane after lane, as a live run never comes: every one of them has to be sorted in among the others.
  grown.forEach((lane, n) => {
    for (let i = 0; i < tasks[n].length; i++) lane.enter(tasks[n].startOf(i), tasks[n].stateOf(i), 0);
    if (n % 100 === 0) late.at(0);
  });
  for (const [startNs, endNs, columns] of [[-1e8, 1.4e9, 150], [0, 60e6, 211], [45e6, 46e6, 300], [1.04e9, 1.1e9, 64], [50_000_123, 50_000_923, 90]]) {
    const view = viewOf(startNs, endNs, columns);
    const right = slowMeans(tasks, view, columns);
    for (const crowd of [whole, packed, late]) {
      const means = crowd.means(view, Infinity, columns);
      right.forEach((column, place) => column.forEach((value, i) => assert.ok(Math.abs(means[place][i] - value) < 1e-3, `place ${place}, column ${i} of ${startNs}: ${means[place][i]} instead of ${value}`)));
    }
  }
  assert.equal(whole.at(50e6).reduce((sum, one) => sum + one, 0), 1000);
  assert.ok(crowdOf(tasks).means(viewOf(0, 1e9), 5e8, 100)[STACK.indexOf(Ink.WAITING)].every((value, i) => i < 50 || value === 0), "nothing is known after the edge");
});

test("what a broker says by the hundred is a short tick; anything else is as high as its row", () => {
  const heights = (whats) => {
    const marks = whats.map((what, i) => ({ t: (i + 1) * 100, kind: MarkKind.BROKER, text: JSON.stringify({ what }) }));
    const ticks = [];
    const batch = { push: (_x, _y, width, height) => width === 1.5 && ticks.push(height) };
    const palette = { heights: { markPx: 8 }, smallPx: 12 }; // no room for words
    drawFlags({ view: viewOf(0, 1000), palette }, { measure: () => 0 }, marks, 0, 40, { printed: batch, grave: batch, texts: [] });
    return ticks;
  };
  assert.deepEqual(heights(ROUTINE_MARKS), [5, 5, 5]);
  assert.deepEqual(heights(["queue.declare", "unroutable"]), [34, 34]);
});
