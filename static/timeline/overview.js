// @ts-check
/** A whole run at a glance: how much of it ran, was ready, waited for the GIL, column by column. No DOM. */
import { LaneKind } from "../generated/records.js";
import { INK_OF_STATE } from "./paint/inks.js";
import { STACK } from "./paint/crowd.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */

const PLACE = new Int8Array(256).fill(-1);
STACK.forEach((ink, place) => (PLACE[ink] = place));
export const OVERVIEW_COLUMNS = 1024;
/** What a glance is at: whatever is scheduled. @type {Set<number>} */
const SCHEDULED = new Set([LaneKind.THREAD, LaneKind.TASK, LaneKind.GREENLET]);

/** Over the whole length, in so many columns. @param {import("../recording/model.js").Model} model @param {number} edgeNs */
export function overviewOf(model, edgeNs) {
  const lanes = model.lanes.filter(({ kind }) => SCHEDULED.has(kind));
  return density(lanes, Math.max(edgeNs, 1), edgeNs, OVERVIEW_COLUMNS);
}

/**
 * Mean number of lanes per state and column: `counts[place][column]`, places as in STACK. Every bar costs the same, however long:
 * its two ends go into slopes, and one running sum makes the columns.
 * @param {Lane[]} lanes @param {number} spanNs from the start on @param {number} edgeNs @param {number} columns
 */
export function density(lanes, spanNs, edgeNs, columns) {
  const counts = STACK.map(() => new Float64Array(columns + 2));
  const perNs = columns / spanNs;
  for (const lane of lanes) {
    for (let i = 0; i < lane.length; i++) {
      const column = counts[PLACE[/** @type {number} */ (INK_OF_STATE[lane.stateOf(i)])] ?? -1];
      if (!column) continue;
      rise(column, lane.startOf(i) * perNs, columns, 1);
      rise(column, lane.endOf(i, edgeNs) * perNs, columns, -1);
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
