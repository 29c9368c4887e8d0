// @ts-check
/** Which message's arrow lies under a point of the plot, and when a lane had its next one. No DOM. */
import { isMessage } from "./broker.js";
import { barBox } from "./paint/box.js";
import { pxToSpan, pxToTime, timeToPx } from "./viewport.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */

const REACH_PX = 4;
/** Nobody can point at one of more than these. */
const MOST = 400;

/** The number of the flow, -1 for none. @param {import("../recording/model.js").Model} model @param {import("./rows.js").Rows} rows @param {import("./viewport.js").View} view @param {{x: number, y: number}} point */
export function messageAt(model, rows, view, { x, y }) {
  const { flows, lanes } = model;
  const [atNs, reachNs] = [pxToTime(view, x), pxToSpan(view, REACH_PX)];
  const { found } = flows.between(atNs - reachNs, atNs + reachNs, MOST, (i) => isMessage(model, i));
  let [best, bestPx] = [-1, Infinity];
  for (const i of found) {
    const [from, to] = [flows.from, flows.to].map(({ data }) => rows.of(/** @type {Lane} */ (lanes[data[i] ?? 0])));
    if (!from || !to) continue;
    const [a, b] = [barBox(from, rows.yOf(from), rows.palette), barBox(to, rows.yOf(to), rows.palette)];
    const [start, end] = [a.y + a.height / 2, b.y > a.y ? b.y : b.y + b.height];
    const awayPx = Math.abs(timeToPx(view, flows.t.data[i] ?? 0) - x);
    if (y >= Math.min(start, end) && y <= Math.max(start, end) && awayPx < bestPx) [best, bestPx] = [i, awayPx];
  }
  return best;
}

/** When the next or previous message came to a lane of the broker, to one below it, or left it; null where there is none. @param {import("../recording/model.js").Model} model @param {number} atNs @param {Lane} lane @param {1 | -1} by */
export function messageTimeFrom(model, atNs, lane, by) {
  const { flows, lanes } = model;
  const isIts = (/** @type {number | undefined} */ id) => {
    /** @type {Lane | null} */
    let at = lanes[id ?? 0] ?? null;
    while (at && at !== lane) at = at.parent;
    return at === lane;
  };
  let bestNs = by * Infinity;
  for (let i = 0; i < flows.length; i++) {
    const tNs = flows.t.data[i] ?? 0;
    const nearer = by > 0 ? tNs > atNs && tNs < bestNs : tNs < atNs && tNs > bestNs;
    if (nearer && isMessage(model, i) && (isIts(flows.from.data[i]) || isIts(flows.to.data[i]))) bestNs = tNs;
  }
  return Number.isFinite(bestNs) ? bestNs : null;
}
