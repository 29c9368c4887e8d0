// @ts-check
/** Where on the timeline a fact comes from: the stretch of time, and the bar in it. No DOM. */
import { LaneKind, State, STATES } from "../generated/records.js";
import { holderOf } from "../timeline/paint/inks.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("../timeline/describe.js").BarRef} BarRef */
/** @typedef {{startNs: number, endNs: number, bar: BarRef | null}} Place */
/** @typedef {{lane: number, t_ns: number, duration_ns: number, state: string, reason: string | null, text: string | null, file: string | null, line: number | null}} Span `t_ns` is absolute, as in the facts of app/core/facts.py */

/** So much of a bar's length is shown at each side of it. */
const AROUND = 0.4;

/** The numbers of the states that the facts call by this name. @param {string} name */
export const statesNamed = (name) => [...STATES].filter(([, spec]) => spec.name === name).map(([number]) => number);

/** A span of the facts, as the bar it is. @param {Model} model @param {Span} span @returns {Place} */
export function placeOfSpan(model, span) {
  const startNs = model.sinceStart(span.t_ns);
  const lane = model.lanes[span.lane];
  // A clock beyond 2^53 ns is rounded in JSON: the bar is found by its middle, not by its edge.
  const index = lane ? lane.indexAt(startNs + span.duration_ns / 2) : -1;
  return around(startNs, startNs + span.duration_ns, lane && index >= 0 ? { lane, index } : null);
}

/** A bar with a little before and after it. @param {number} startNs @param {number} endNs @param {BarRef | null} bar @returns {Place} */
const around = (startNs, endNs, bar) => ({ startNs: startNs - (endNs - startNs) * AROUND, endNs: endNs + (endNs - startNs) * AROUND, bar });

/** A sum over a lane: the lane's whole life, and the longest of what was summed up. @param {Model} model @param {Lane} lane @param {number[]} states @returns {Place} */
export function placeOfSum(model, lane, states) {
  const endNs = lane.endNs(model.lastNs);
  let [longest, longestNs] = [-1, -1];
  for (let i = 0; i < lane.length; i++) {
    const ns = lane.endOf(i, endNs) - lane.startOf(i);
    if (ns > longestNs && states.includes(lane.stateOf(i))) [longest, longestNs] = [i, ns];
  }
  const startNs = lane.length ? lane.startOf(0) : lane.t;
  return { startNs, endNs: Math.max(endNs, startNs + 1), bar: longest < 0 ? null : { lane, index: longest } };
}

/** The strip of CPU time of a thread. @param {Lane} thread */
export const stripOf = (thread) => thread.children.find((child) => child.kind === LaneKind.CPU) ?? thread;

/** Where one thread kept another waiting for the GIL longest. @param {Model} model @param {Lane} gil @param {Lane} holder @param {Lane} waiter @returns {Place} */
export function placeOfPair(model, gil, holder, waiter) {
  let [longest, longestNs] = [-1, 0];
  for (let i = 0; i < waiter.length; i++) {
    if (waiter.stateOf(i) !== State.GIL_WAIT) continue;
    const ns = heldWithin(model, gil, holder, waiter.startOf(i), waiter.endOf(i, model.lastNs));
    if (ns > longestNs) [longest, longestNs] = [i, ns];
  }
  if (longest < 0) return placeOfSum(model, waiter, [State.GIL_WAIT]);
  return around(waiter.startOf(longest), waiter.endOf(longest, model.lastNs), { lane: waiter, index: longest });
}

/** How long a thread held the GIL in that stretch. @param {Model} model @param {Lane} gil @param {Lane} holder @param {number} startNs @param {number} endNs */
function heldWithin(model, gil, holder, startNs, endNs) {
  let ns = 0;
  for (let i = Math.max(0, gil.indexAt(startNs)); i < gil.length && gil.startOf(i) < endNs; i++) {
    if (gil.stateOf(i) !== State.GIL_HELD || holderOf(model, gil, i) !== holder) continue;
    ns += Math.max(0, Math.min(gil.endOf(i, model.lastNs), endNs) - Math.max(gil.startOf(i), startNs));
  }
  return ns;
}
