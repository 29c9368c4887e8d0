// @ts-check
/** Scheduling events: the moments at which a thread, a task or a greenlet changed its state. No DOM. */
import { firstAfter } from "../recording/columns.js";
import { LaneKind } from "../generated/records.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */

/** @type {Set<number>} */
const SCHEDULED = new Set([LaneKind.THREAD, LaneKind.TASK, LaneKind.GREENLET]);

/** @param {Model} model */
const scheduled = (model) => model.lanes.filter(({ kind, length }) => SCHEDULED.has(kind) && length > 0);

/**
 * The bar that begins at the next or previous event. Events of one time stand in the order of their lanes; of what one lane did at
 * one time the last counts, for the others took no time.
 * @param {Model} model @param {number} tNs @param {number} laneId of the event one is at, -1 for none @param {1 | -1} by @returns {BarRef | null}
 */
export function eventFrom(model, tNs, laneId, by) {
  /** @type {BarRef | null} */
  let best = null;
  let bestNs = by * Infinity;
  for (const lane of scheduled(model)) {
    const { data } = lane.startNs;
    const sameTime = by > 0 ? lane.id > laneId && laneId >= 0 : lane.id < laneId;
    // The first event after, or the last before; an event of this very time counts for lanes on the way.
    const index = by > 0 ? (sameTime ? firstAfter(data, lane.length, before(tNs)) : firstAfter(data, lane.length, tNs)) : (sameTime ? firstAfter(data, lane.length, tNs) : firstAfter(data, lane.length, before(tNs))) - 1;
    if (index < 0 || index >= lane.length) continue;
    const startNs = lane.startOf(index);
    if (by > 0 ? startNs < bestNs : startNs >= bestNs) [best, bestNs] = [{ lane, index: lane.indexAt(startNs) }, startNs];
  }
  return best;
}

/** Just before a time: observations are whole nanoseconds. @param {number} tNs */
const before = (tNs) => Math.ceil(tNs) - 0.5;

/** What last changed at or before a time and is known by its line of the script: the line to look at. @param {Model} model @param {number} tNs @param {BarRef | null} chosen whose lane alone is asked, when there is one */
export function lineAt(model, tNs, chosen) {
  const path = model.header?.script?.path;
  let [line, lineNs] = [0, -Infinity];
  for (const lane of chosen ? [chosen.lane] : scheduled(model)) {
    const index = lane.indexAt(tNs);
    if (index < 0 || lane.startOf(index) <= lineNs || (lane.ended && index === lane.length - 1)) continue;
    const detail = model.detail(/** @type {number} */ (lane.detail.data[index]));
    if (detail.file && detail.file === path) [line, lineNs] = [detail.line, lane.startOf(index)];
  }
  return line;
}
