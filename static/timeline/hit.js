// @ts-check
/** What lies under a point of the plot. No DOM. */
import { LaneKind } from "../generated/records.js";
import { holderOf, showsHolder } from "./paint/inks.js";
import { pxToTime, timeToPx } from "./viewport.js";

/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./rowlist.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */

const REACH_PX = 4;
const SLIVER_PX = 6;
const NEIGHBOURS = 6;
const FLAG_TEXT_PX = 160;

/** The bar of a row at `xPx`; a sliver within reach wins over the wide bar beside it, because it is hard to hit. @param {Row} row @param {View} view @param {number} edgeNs @param {number} xPx @returns {BarRef | null} */
export function barAt({ kind, lane }, view, edgeNs, xPx) {
  if (kind !== "lane" || !lane.length) return null;
  const exactly = lane.indexAt(pxToTime(view, xPx));
  let [best, bestPx] = [exactly, Infinity];
  for (let i = Math.max(0, exactly - NEIGHBOURS); i <= Math.min(lane.length - 1, exactly + NEIGHBOURS); i++) {
    const fromPx = timeToPx(view, lane.startOf(i));
    const toPx = timeToPx(view, lane.endOf(i, edgeNs));
    const awayPx = Math.max(fromPx - xPx, xPx - toPx, 0);
    if (toPx - fromPx < SLIVER_PX && awayPx <= REACH_PX && awayPx < bestPx) [best, bestPx] = [i, awayPx];
  }
  return best < 0 ? null : { lane, index: best };
}

/** The flag whose tick or text lies at `xPx`. @param {Row} row @param {View} view @param {number} xPx */
export function markAt({ lane }, view, xPx) {
  const mark = lane.marks.findLast((one) => timeToPx(view, one.t) <= xPx + REACH_PX);
  return mark && xPx - timeToPx(view, mark.t) < FLAG_TEXT_PX ? mark : null;
}

/** The thread a bar is of: on core and GIL lanes the holder, else the lane's own. @param {import("../recording/model.js").Model} model @param {BarRef} bar */
export function threadOf(model, { lane, index }) {
  if (showsHolder(lane)) return holderOf(model, lane, index);
  return threadLane(lane);
}

/** The thread a lane itself stands for. @param {BarRef["lane"]} lane */
export const threadLane = (lane) => (lane.kind === LaneKind.THREAD ? lane : lane.kind === LaneKind.CPU ? lane.parent : null);
