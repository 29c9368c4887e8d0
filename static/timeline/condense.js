// @ts-check
/**
 * What is left out of the picture, a little more at each level, until the rows fit: what explains the least first. For a
 * screen that nobody scrolls, where the row that matters must be in sight. No DOM.
 */
import { LaneKind } from "../generated/records.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */

const threads = (/** @type {Lane} */ process) => process.children.filter(({ kind }) => kind === LaneKind.THREAD);
const isLone = (/** @type {Lane | null} */ process) => process?.kind === LaneKind.PROCESS && threads(process).length === 1;

/** A GIL that one thread has for itself tells nothing that the thread's own row does not. @param {Lane} lane */
const isLoneGil = (lane) => lane.kind === LaneKind.GIL && isLone(lane.parent);

/** @type {((lane: Lane) => boolean)[]} each with those before it */
const LEFT_OUT = [
  (lane) => lane.kind === LaneKind.MEMORY,
  isLoneGil,
  (lane) => isLone(lane),
  () => false,
  (lane) => lane.kind === LaneKind.CORE,
  () => false,
  (lane) => lane.kind === LaneKind.CPU,
];

export const LEVELS = LEFT_OUT.length;
/** From this one on, rows are no higher than their labels. */
export const LOW_FROM = 4;
/** From this one on, flags have no words: what was printed stands in the output. */
export const WORDLESS_FROM = 6;

/** @param {number} level 0 leaves nothing out @returns {(lane: Lane) => boolean} */
export function leftOut(level) {
  const rules = LEFT_OUT.slice(0, level);
  return (lane) => rules.some((rule) => rule(lane));
}

/** The process whose own row is left out: its only thread stands for it. @param {Lane} lane @param {(lane: Lane) => boolean} isLeftOut */
export const standsFor = (lane, isLeftOut) => (lane.kind === LaneKind.THREAD && lane.parent?.kind === LaneKind.PROCESS && isLeftOut(lane.parent) ? lane.parent : null);
