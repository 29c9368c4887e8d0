// @ts-check
/**
 * The bars of one lane row: which rectangles of which ink, so that the cost follows the pixels.
 *
 * A bar of a pixel or more is drawn as it is. Shorter ones are gathered in cells of an absolute grid (as in lod.js) and drawn
 * as one, in the ink of what lasted longest; where something else dominates but the lane also ran, a small trace of running remains.
 */
import { firstAfter } from "../../recording/columns.js";
import { endOf, pxToSpan, timeToPx } from "../viewport.js";
import { INKS, Ink, inkOf } from "./inks.js";
import { dominating, Pyramid } from "./lod.js";

/** @typedef {import("../../recording/model.js").Model} Model */
/** @typedef {import("../../recording/lane.js").Lane} Lane */
/** @typedef {import("../viewport.js").View} View */
/** @typedef {(ink: number, xPx: number, widthPx: number, index: number, runner: number) => void} Emit `index` is the bar's, -1 for several as one; `runner` the ink of what ran for the lesser part of several, else NONE */

/** Up to so many bars of all lanes in sight each is looked at, so that long ones among short ones keep their exact ends and their words. */
const EXACT_BARS = 24_000;
/** A stretch that wide may be one long bar: it is looked up. */
const LONG_PX = 8;

export class Bars {
  /** @type {Map<Lane, Pyramid>} */
  #pyramids = new Map();
  #sums = new Float64Array(INKS);

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  /**
   * @param {Lane} lane @param {View} view @param {number} edgeNs how far the lane's last state is known to last
   * @param {Emit} emit @param {number} [lanes] how many share the frame
   */
  draw(lane, view, edgeNs, emit, lanes = 1) {
    const first = Math.max(0, lane.indexAt(view.startNs));
    const stop = firstAfter(lane.startNs.data, lane.length, endOf(view));
    const clipped = clip(view, emit);
    if (stop - first > EXACT_BARS / lanes && this.#coarse(lane, view, edgeNs, clipped)) return;
    this.#exact(lane, view, edgeNs, first, stop, clipped);
  }

  /** @param {Lane} lane */
  #pyramidOf(lane) {
    let pyramid = this.#pyramids.get(lane);
    if (!pyramid) this.#pyramids.set(lane, (pyramid = new Pyramid(this.model, lane, this.model.derived.pyramids.get(lane.id))));
    return pyramid;
  }

  /** @param {Lane} lane @param {View} view @param {number} edgeNs @param {Emit} emit */
  #coarse(lane, view, edgeNs, emit) {
    const pyramid = this.#pyramidOf(lane);
    const leastNs = pxToSpan(view, 1);
    if (!pyramid.serves(leastNs)) return false;
    pyramid.extend();
    const last = lane.length - 1;
    const knownNs = lane.startOf(last);
    const longNs = pxToSpan(view, LONG_PX);
    const pxPerNs = view.widthPx / view.spanNs;
    pyramid.cells(view.startNs, Math.min(endOf(view), knownNs), leastNs, (ink, fromNs, toNs, runner) => {
      if (toNs - fromNs >= longNs && this.#long(lane, view, ink, fromNs, toNs, pxPerNs, emit)) return;
      const xPx = (fromNs - view.startNs) * pxPerNs;
      emit(ink, xPx, (Math.min(toNs, knownNs) - view.startNs) * pxPerNs - xPx, -1, runner);
    });
    this.#exact(lane, view, edgeNs, last, lane.length, emit);
    return true;
  }

  /** A stretch of cells that is one bar but for its ends is drawn as that bar. @param {Lane} lane @param {View} view @param {number} ink @param {number} fromNs @param {number} toNs @param {number} pxPerNs @param {Emit} emit */
  #long(lane, view, ink, fromNs, toNs, pxPerNs, emit) {
    const index = lane.indexAt((Math.max(fromNs, view.startNs) + Math.min(toNs, endOf(view))) / 2);
    if (index < 0 || inkOf(this.model, lane, index) !== ink) return false;
    const [startNs, endNs] = [lane.startOf(index), lane.endOf(index, toNs)];
    const restNs = 3 / pxPerNs;
    if (Math.abs(startNs - fromNs) > restNs && startNs > view.startNs) return false;
    if (Math.abs(endNs - toNs) > restNs && endNs < endOf(view)) return false;
    emit(ink, (startNs - view.startNs) * pxPerNs, (endNs - startNs) * pxPerNs, index, Ink.NONE);
    return true;
  }

  /** @param {Lane} lane @param {View} view @param {number} edgeNs @param {number} first @param {number} stop @param {Emit} emit */
  #exact(lane, view, edgeNs, first, stop, emit) {
    const pxPerNs = view.widthPx / view.spanNs;
    const cellNs = 2 ** Math.ceil(Math.log2(1 / pxPerNs));
    const starts = lane.startNs.data;
    let [cell, fromNs, toNs] = [-1, 0, 0];
    const flush = () => {
      if (cell < 0) return;
      const [ink, runner] = dominating(this.#sums, 0);
      this.#sums.fill(0);
      cell = -1;
      emit(ink, timeToPx(view, fromNs), Math.max((toNs - fromNs) * pxPerNs, 1), -1, runner);
    };
    for (let i = first; i < stop; i++) {
      const startNs = /** @type {number} */ (starts[i]);
      const endNs = lane.endOf(i, edgeNs);
      const ink = inkOf(this.model, lane, i);
      const widthPx = (endNs - startNs) * pxPerNs;
      if (widthPx >= 1 || ink === Ink.ENDED) {
        flush();
        emit(ink, timeToPx(view, startNs), widthPx, i, Ink.NONE);
        continue;
      }
      const here = Math.floor(startNs / cellNs);
      if (here !== cell) {
        flush();
        [cell, fromNs] = [here, startNs];
      }
      toNs = endNs;
      // A state left at once still was there: it counts as the least there is.
      this.#sums[ink] = /** @type {number} */ (this.#sums[ink]) + Math.max(endNs - startNs, 1);
    }
    flush();
  }
}

/** Nothing is drawn far outside: pixels that large lose their fractions. @param {View} view @param {Emit} emit @returns {Emit} */
function clip(view, emit) {
  return (ink, xPx, widthPx, index, runner) => {
    const left = Math.max(xPx, -8);
    const right = Math.min(xPx + widthPx, view.widthPx + 8);
    if (right >= left && (ink !== Ink.NONE || runner !== Ink.NONE)) emit(ink, left, right - left, index, runner);
  };
}
