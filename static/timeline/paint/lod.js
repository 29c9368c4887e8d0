// @ts-check
/**
 * Level of detail of a lane with very many bars: what dominates each cell of a fixed grid of powers of two.
 *
 * Cost then follows pixels, not bars; and because a cell's borders are absolute times, panning never moves them and zooming
 * only joins them two by two, so what dominates a pixel does not flicker. Grows with the lane; a bar enters once it has ended.
 * To draw, two bytes a cell are enough (which ink, and what ran beside it); the times they come from stay with whoever builds.
 */
import { Column } from "../../recording/columns.js";
import { INKS, Ink, inkOf, runs } from "./inks.js";

/** @typedef {import("../../recording/model.js").Model} Model */
/** @typedef {import("../../recording/lane.js").Lane} Lane */
/** @typedef {import("../../recording/pack.js").PackedPyramid} PackedPyramid */

const BARS_PER_CELL = 8;
const FEWEST_CELLS = 128;
/** A look: the ink that dominates, and what ran for the lesser part. */
const LOOK = 2;

export class Pyramid {
  /** @type {Column<Float32Array>[]} level n has cells of baseNs·2ⁿ, INKS numbers each; none of a pyramid that came packed */
  #times = [];
  /** @type {Column<Uint8Array>[]} the same cells, LOOK bytes each */
  #looks = [];
  #taken = 0;

  /** @param {Model} model @param {Lane} lane @param {PackedPyramid} [packed] one that was made elsewhere; its lane does not grow */
  constructor(model, lane, packed) {
    this.model = model;
    this.lane = lane;
    if (packed) {
      this.baseNs = packed.baseNs;
      this.#taken = lane.length;
      this.#looks = packed.looks.map((level) => new Column(Uint8Array, 0).over(level));
      return;
    }
    const spanNs = Math.max(lane.startOf(lane.length - 1), 1);
    this.baseNs = 2 ** Math.ceil(Math.log2((spanNs * BARS_PER_CELL) / lane.length));
    this.extend();
  }

  /** @returns {PackedPyramid} */
  pack() {
    return { baseNs: this.baseNs, looks: this.#looks.map((level) => level.whole()) };
  }

  /** Takes the bars that have ended since. */
  extend() {
    const { lane } = this;
    if (this.#taken >= lane.length - 1) return;
    const firstCell = Math.max(0, Math.floor(lane.startOf(this.#taken) / this.baseNs));
    const base = this.#level(0);
    for (; this.#taken < lane.length - 1; this.#taken++) {
      this.#spread(base, inkOf(this.model, lane, this.#taken), lane.startOf(this.#taken), lane.startOf(this.#taken + 1));
    }
    this.#look(0, firstCell);
    this.#raise(firstCell);
  }

  /** @param {number} level */
  #level(level) {
    return (this.#times[level] ??= new Column(Float32Array, FEWEST_CELLS * INKS));
  }

  /** @param {Column<Float32Array>} base @param {number} ink @param {number} startNs @param {number} endNs */
  #spread(base, ink, startNs, endNs) {
    const cellNs = this.baseNs;
    const last = Math.max(0, Math.floor(endNs / cellNs));
    base.reserve((last + 1) * INKS);
    base.length = Math.max(base.length, (last + 1) * INKS);
    for (let cell = Math.max(0, Math.floor(startNs / cellNs)); cell <= last; cell++) {
      const insideNs = Math.min(endNs, (cell + 1) * cellNs) - Math.max(startNs, cell * cellNs);
      const at = cell * INKS + ink;
      base.data[at] = /** @type {number} */ (base.data[at]) + insideNs;
    }
  }

  /** Brings the levels above up to date from that cell of the base on. @param {number} fromCell */
  #raise(fromCell) {
    for (let level = 1; this.#level(level - 1).length / INKS > FEWEST_CELLS; level++) {
      const below = this.#level(level - 1);
      const here = this.#level(level);
      const cells = Math.ceil(below.length / INKS / 2);
      // A level that only now exists has everything below it to take in.
      fromCell = here.length === 0 ? 0 : fromCell >> 1;
      here.reserve(cells * INKS);
      here.length = cells * INKS;
      for (let cell = fromCell; cell < cells; cell++) {
        for (let ink = 0; ink < INKS; ink++) {
          const left = cell * 2 * INKS + ink;
          here.data[cell * INKS + ink] = (below.data[left] ?? 0) + (left + INKS < below.length ? (below.data[left + INKS] ?? 0) : 0);
        }
      }
      this.#look(level, fromCell);
    }
  }

  /** What the cells of a level look like, from that one on. @param {number} level @param {number} fromCell */
  #look(level, fromCell) {
    const times = this.#level(level);
    const looks = (this.#looks[level] ??= new Column(Uint8Array, FEWEST_CELLS * LOOK));
    const cells = times.length / INKS;
    looks.reserve(cells * LOOK);
    looks.length = cells * LOOK;
    for (let cell = fromCell; cell < cells; cell++) {
      const [ink, runner] = dominating(times.data, cell * INKS);
      looks.data[cell * LOOK] = ink;
      looks.data[cell * LOOK + 1] = runner;
    }
  }

  /**
   * Hands out what dominates each cell of at least `leastNs` that touches [startNs, endNs], neighbours alike as one.
   * @param {number} startNs @param {number} endNs @param {number} leastNs
   * @param {(ink: number, fromNs: number, toNs: number, runner: number) => void} emit `runner` as of `dominating`
   */
  cells(startNs, endNs, leastNs, emit) {
    let level = 0;
    while (level + 1 < this.#looks.length && this.baseNs * 2 ** level < leastNs) level++;
    const cellNs = this.baseNs * 2 ** level;
    const { data, length } = /** @type {Column<Uint8Array>} */ (this.#looks[level]);
    const stop = Math.min(Math.ceil(endNs / cellNs), length / LOOK);
    let from = Math.max(0, Math.floor(startNs / cellNs));
    let [open, openRunner] = [-1, -1];
    for (let cell = from; cell < stop; cell++) {
      const ink = /** @type {number} */ (data[cell * LOOK]);
      const runner = /** @type {number} */ (data[cell * LOOK + 1]);
      // Where nothing ran must not be joined to where a little did: a trace would be drawn over both.
      if (ink === open && runner === openRunner) continue;
      if (open >= 0) emit(open, from * cellNs, cell * cellNs, openRunner);
      [open, openRunner, from] = [ink, runner, cell];
    }
    if (open >= 0) emit(open, from * cellNs, stop * cellNs, openRunner);
  }

  /** Is a cell at least that long? Else the bars themselves are few enough to draw. @param {number} leastNs */
  serves(leastNs) {
    return this.baseNs <= leastNs;
  }
}

/**
 * The ink with the most time, and, where that is nothing that runs, the one that ran most nevertheless: NONE when nothing did.
 * @param {ArrayLike<number>} times @param {number} at @returns {[ink: number, runner: number]}
 */
export function dominating(times, at) {
  let [best, bestTime, runner, runnerTime] = [/** @type {number} */ (Ink.NONE), 0, /** @type {number} */ (Ink.NONE), 0];
  for (let ink = 0; ink < INKS; ink++) {
    const time = times[at + ink] ?? 0;
    if (time > bestTime) [best, bestTime] = [ink, time];
    if (time > runnerTime && runs(ink)) [runner, runnerTime] = [ink, time];
  }
  return [best, best === runner ? Ink.NONE : runner];
}
