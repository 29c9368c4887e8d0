// @ts-check
/** Many lanes as one picture: how many of them were in each state, pixel column by pixel column. */
import { firstAfter } from "../../recording/columns.js";
import { endOf } from "../viewport.js";
import { Ink, INK_OF_STATE } from "./inks.js";

/** @typedef {import("../../recording/lane.js").Lane} Lane */
/** @typedef {import("../viewport.js").View} View */

/** From the bottom up. */
export const STACK = [Ink.RUNNING, Ink.RUNNING_C, Ink.GIL_WAIT, Ink.PREEMPTED, Ink.READY, Ink.WAITING, Ink.IDLE, Ink.GAP];
const PLACE = new Int8Array(256).fill(-1);
STACK.forEach((ink, place) => (PLACE[ink] = place));

/**
 * Mean number of lanes per state and column: `counts[place][column]`, places as in STACK. Every bar costs the same, however long:
 * its two ends go into slopes, and one running sum makes the columns.
 * @param {Lane[]} lanes @param {View} view @param {number} edgeNs @param {number} columns
 */
export function density(lanes, view, edgeNs, columns) {
  const counts = STACK.map(() => new Float64Array(columns + 2));
  const perNs = columns / view.spanNs;
  for (const lane of lanes) {
    const stop = firstAfter(lane.startNs.data, lane.length, endOf(view));
    for (let i = Math.max(0, lane.indexAt(view.startNs)); i < stop; i++) {
      const column = counts[PLACE[/** @type {number} */ (INK_OF_STATE[lane.stateOf(i)])] ?? -1];
      if (!column) continue;
      rise(column, (lane.startOf(i) - view.startNs) * perNs, columns, 1);
      rise(column, (lane.endOf(i, edgeNs) - view.startNs) * perNs, columns, -1);
    }
  }
  for (const column of counts) integrate(column, columns);
  return counts;
}

/** From `x` (in columns) on there is one more; the column that `x` falls into gets its part. @param {Float64Array} slopes @param {number} x @param {number} columns @param {number} by */
function rise(slopes, x, columns, by) {
  const clamped = Math.min(Math.max(x, 0), columns);
  const at = Math.floor(clamped);
  const part = clamped - at;
  slopes[at] = /** @type {number} */ (slopes[at]) + by * (1 - part);
  slopes[at + 1] = /** @type {number} */ (slopes[at + 1]) + by * part;
}

/** @param {Float64Array} slopes @param {number} columns */
function integrate(slopes, columns) {
  let sum = 0;
  for (let i = 0; i < columns; i++) {
    sum += /** @type {number} */ (slopes[i]);
    slopes[i] = Math.max(sum, 0);
  }
}
