// @ts-check
/**
 * Which arrow woke a bar: the one that ended a wait, or that began the burst of running (or being ready) the bar belongs to.
 * Having been given the GIL or a core is no waking: who waited for those was awake. No DOM.
 */
import { STATES, StateClass } from "../generated/records.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {{from: BarRef, fromNs: number, to: BarRef["lane"], toNs: number, kind: number}} Waking */

/** An arrow is noted within so much of the change it brought about: the hooks run one after the other. */
const TOGETHER_NS = 1000;
/** @type {Set<string>} */
const AWAKE = new Set([StateClass.RUNNING, StateClass.READY, StateClass.IDLE]);

/** @param {BarRef["lane"]} lane @param {number} index */
const lookOf = (lane, index) => STATES.get(lane.stateOf(index))?.look ?? "";

/** @param {Model} model @param {BarRef | null} bar @returns {Waking | null} */
export function wakingOf(model, bar) {
  if (!bar) return null;
  const { lane } = bar;
  let { index } = bar;
  if (lookOf(lane, index) === StateClass.WAITING) {
    if (index + 1 >= lane.length) return null;
    return arrowInto(model, lane, lane.startOf(index), lane.startOf(index + 1));
  }
  if (!AWAKE.has(lookOf(lane, index))) return null;
  while (index > 0 && AWAKE.has(lookOf(lane, index - 1))) index--;
  if (index > 0 && lookOf(lane, index - 1) !== StateClass.WAITING) return null;
  return arrowInto(model, lane, index > 0 ? lane.startOf(index - 1) : -Infinity, lane.startOf(index));
}

/** The latest arrow into a lane that arrived after `afterNs` and not later than `byNs`. @param {Model} model @param {BarRef["lane"]} lane @param {number} afterNs @param {number} byNs @returns {Waking | null} */
function arrowInto({ flows, lanes }, lane, afterNs, byNs) {
  let [best, bestNs] = [-1, -Infinity];
  for (let i = 0; i < flows.length; i++) {
    if (flows.to.data[i] !== lane.id) continue;
    const toNs = /** @type {number} */ (flows.t2.data[i]);
    if (toNs > afterNs && toNs <= byNs + TOGETHER_NS && toNs >= bestNs) [best, bestNs] = [i, toNs];
  }
  const from = lanes[flows.from.data[best] ?? -1];
  if (!from || from === lane) return null;
  const fromNs = /** @type {number} */ (flows.t.data[best]);
  return { from: { lane: from, index: Math.max(0, from.indexAt(fromNs)) }, fromNs, to: lane, toNs: bestNs, kind: flows.kind.data[best] ?? 0 };
}
