// @ts-check
/** The time axis: round times at a readable distance, with no more digits than they need. No DOM. */
import { exact, inUnit, unitOf } from "../common/format.js";
import { endOf, pxToSpan } from "./viewport.js";

/** @typedef {import("./viewport.js").View} View */
/** @typedef {{tNs: number, label: string}} Tick `label` is "" for a small tick between two */
/** @typedef {{ticks: Tick[], stepNs: number, base: string}} Axis `base` is what the labels are counted from, "" when from the start */

const MOST_DIGITS = 4;

/** The least round step (1, 2 or 5 times a power of ten) of at least that length. @param {number} leastNs */
export function roundStep(leastNs) {
  const power = 10 ** Math.floor(Math.log10(Math.max(leastNs, 1)));
  const factor = [1, 2, 5, 10].find((f) => f * power >= leastNs * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** @param {View} view @param {number} labelPx how wide a label may get @returns {Axis} */
export function axis(view, labelPx) {
  const stepNs = roundStep(pxToSpan(view, labelPx));
  const minorNs = stepNs / (/^2/.test(String(stepNs)) ? 4 : 5);
  const largest = Math.max(Math.abs(view.startNs), Math.abs(endOf(view)));
  const needsBase = largest / stepNs >= 10 ** (MOST_DIGITS - 1) && view.startNs > 0;
  const baseNs = needsBase ? Math.floor(view.startNs / (stepNs * 10)) * stepNs * 10 : 0;
  const unit = unitOf(needsBase ? stepNs * 10 : Math.max(largest, stepNs));
  /** @type {Tick[]} */
  const ticks = [];
  for (let i = Math.ceil(view.startNs / minorNs); i * minorNs <= endOf(view); i++) {
    const tNs = i * minorNs;
    const major = Math.abs(tNs / stepNs - Math.round(tNs / stepNs)) < 1e-6;
    ticks.push({ tNs, label: major ? label(tNs - baseNs, unit, stepNs, needsBase) : "" });
  }
  return { ticks, stepNs, base: needsBase ? exact(baseNs) : "" };
}

/** @param {number} ns @param {readonly [string, number]} unit @param {number} stepNs @param {boolean} relative */
function label(ns, unit, stepNs, relative) {
  if (Math.abs(ns) < stepNs / 2) return relative ? "+0" : "0";
  return `${relative ? "+" : ""}${inUnit(ns, unit, stepNs)}`;
}
