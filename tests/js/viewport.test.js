import assert from "node:assert/strict";
import { test } from "node:test";
import * as viewport from "../../static/timeline/viewport.js";
import { random } from "./sample.js";

const numbers = random(11);
const next = () => numbers.next().value;
const anyView = () => ({ startNs: (next() - 0.2) * 10 ** (next() * 13), spanNs: 10 ** (2.4 + next() * 11), widthPx: 50 + Math.floor(next() * 3000) });
const near = (a, b, scale) => assert.ok(Math.abs(a - b) <= scale * 1e-6 + 1e-6, `${a} is not ${b}`);

test("time to pixels and back", () => {
  for (let i = 0; i < 2000; i++) {
    const view = anyView();
    const xPx = (next() - 0.5) * 4 * view.widthPx;
    near(viewport.timeToPx(view, viewport.pxToTime(view, xPx)), xPx, view.widthPx * 10 + Math.abs(view.startNs / view.spanNs) * 1e-6);
  }
});

test("panning there and back is where one was", () => {
  for (let i = 0; i < 2000; i++) {
    const view = anyView();
    const dx = (next() - 0.5) * 5000;
    near(viewport.pan(viewport.pan(view, dx), -dx).startNs, view.startNs, Math.abs(view.startNs) * 1e-6 + view.spanNs);
  }
});

test("zooming keeps the time under the pointer, and there and back is where one was", () => {
  for (let i = 0; i < 2000; i++) {
    const view = anyView();
    const xPx = next() * view.widthPx;
    const factor = Math.exp((next() - 0.5) * 3);
    const zoomed = viewport.zoomAt(view, factor, xPx);
    near(viewport.pxToTime(zoomed, xPx), viewport.pxToTime(view, xPx), view.spanNs);
    if (zoomed.spanNs > viewport.LEAST_SPAN_NS) {
      const back = viewport.zoomAt(zoomed, 1 / factor, xPx);
      near(back.startNs, view.startNs, view.spanNs + Math.abs(view.startNs) * 1e-3);
      near(back.spanNs, view.spanNs, view.spanNs);
    }
  }
});

test("a clamped view stays clamped, is no wider than everything, and never loses it", () => {
  for (let i = 0; i < 2000; i++) {
    const bounds = { startNs: 0, endNs: 10 ** (3 + next() * 10) };
    const once = viewport.clamp(anyView(), bounds);
    const twice = viewport.clamp(once, bounds);
    near(twice.startNs, once.startNs, once.spanNs);
    near(twice.spanNs, once.spanNs, once.spanNs);
    assert.ok(once.spanNs <= viewport.fit(bounds, 100).spanNs * (1 + 1e-9) || once.spanNs === viewport.LEAST_SPAN_NS);
    assert.ok(once.startNs < bounds.endNs && viewport.endOf(once) > bounds.startNs);
  }
});

test("what is revealed is in sight", () => {
  for (let i = 0; i < 2000; i++) {
    const view = anyView();
    const startNs = next() * 1e10;
    const endNs = startNs + 10 ** (next() * 9);
    const shown = viewport.reveal(view, startNs, endNs);
    assert.ok(shown.startNs <= startNs + 1 && viewport.endOf(shown) >= endNs - 1);
  }
});

test("the live length is round, ahead of the edge, and never shrinks as it grows", () => {
  let before = 0;
  for (let edgeNs = 1e6; edgeNs < 1e12; edgeNs *= 1.03) {
    const length = viewport.roundLength(edgeNs);
    assert.ok(length > edgeNs && length >= before);
    before = length;
  }
});
