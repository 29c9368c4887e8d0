// @ts-check
/**
 * Very many lanes as how many of them were in each state: exact at every zoom, at a cost that follows the pixels.
 *
 * Every change of a member is an event; the events lie in order of time, and every EVERYth knows how many there were of each state
 * then and how long all of them together had been in it. What a pixel shows is the difference of two such sums, so there are no
 * levels to switch between and nothing flickers. It grows with a live run: late events are sorted into the end.
 */
import { Column, firstAfter } from "../../recording/columns.js";
import { Ink, INK_OF_STATE } from "./inks.js";

/** @typedef {import("../../recording/pack.js").PackedCrowd} PackedCrowd */
/** @typedef {import("../viewport.js").View} View */

/** From the bottom up. */
export const STACK = [Ink.RUNNING, Ink.RUNNING_C, Ink.GIL_WAIT, Ink.PREEMPTED, Ink.READY, Ink.WAITING, Ink.IDLE, Ink.GAP];
const PLACES = STACK.length;
const NOWHERE = 15;
const PLACE = new Uint8Array(256).fill(NOWHERE);
for (let state = 0; state < 256; state++) {
  const place = STACK.findIndex((ink) => ink === INK_OF_STATE[state]);
  if (place >= 0) PLACE[state] = place;
}
const EVERY = 32;
/** Times and codes are sorted as one number while both fit into it. */
const CODES = 256;

export class Crowd {
  #t = new Column(Float64Array);
  #code = new Column(Uint8Array);
  #counts = new Column(Int32Array);
  #sums = new Column(Float64Array);
  #newT = new Column(Float64Array);
  #newCode = new Column(Uint8Array);
  // Where the walk over the events stands: time, next event, how many in each state, and how long so far.
  #now = 0;
  #next = 0;
  #count = new Float64Array(PLACES);
  #sum = new Float64Array(PLACES);
  /** @type {Float64Array[]} */
  #means = [];

  /** @param {PackedCrowd} [packed] one that was made elsewhere */
  constructor(packed) {
    if (!packed) return;
    this.#t.over(packed.t);
    this.#code.over(packed.code);
    this.#counts.over(packed.counts);
    this.#sums.over(packed.sums);
  }

  /** @returns {PackedCrowd} */
  pack() {
    this.#settle();
    return { t: this.#t.whole(), code: this.#code.whole(), counts: this.#counts.whole(), sums: this.#sums.whole() };
  }

  /** A member changed its state. @param {number} t @param {number} from -1 when it had none @param {number} to */
  note(t, from, to) {
    const code = ((from < 0 ? NOWHERE : (PLACE[from] ?? NOWHERE)) << 4) | (PLACE[to] ?? NOWHERE);
    this.#newT.push(t);
    this.#newCode.push(code);
  }

  /** Takes a lane for a member, with what it did so far. @param {import("../../recording/lane.js").Lane} lane */
  add(lane) {
    for (let i = 0; i < lane.length; i++) this.note(lane.startOf(i), i ? lane.stateOf(i - 1) : -1, lane.stateOf(i));
    lane.observer = this;
  }

  /** Sorts in what is new, and sums up anew from there. */
  #settle() {
    const added = this.#newT.length;
    if (!added) return;
    let earliest = Infinity;
    for (let i = 0; i < added; i++) earliest = Math.min(earliest, /** @type {number} */ (this.#newT.data[i]));
    const keep = firstAfter(this.#t.data, this.#t.length, earliest);
    const moved = this.#t.length - keep;
    const keys = new Float64Array(moved + added);
    const base = earliest;
    for (let i = 0; i < moved; i++) keys[i] = (/** @type {number} */ (this.#t.data[keep + i]) - base) * CODES + (this.#code.data[keep + i] ?? 0);
    for (let i = 0; i < added; i++) keys[moved + i] = (/** @type {number} */ (this.#newT.data[i]) - base) * CODES + (this.#newCode.data[i] ?? 0);
    keys.sort();
    this.#t.length = this.#code.length = keep;
    this.#t.reserve(keep + keys.length);
    this.#code.reserve(keep + keys.length);
    for (const key of keys) {
      const ns = Math.floor(key / CODES);
      this.#t.push(ns + base);
      this.#code.push(key - ns * CODES);
    }
    this.#newT.length = this.#newCode.length = 0;
    this.#sumUp(Math.floor(keep / EVERY));
  }

  /** @param {number} from the first of the sums that is not true any more */
  #sumUp(from) {
    const start = Math.max(0, from - 1);
    this.#restore(start);
    this.#counts.length = this.#sums.length = start * PLACES;
    for (let i = start * EVERY; i < this.#t.length; i++) {
      this.#walkTo(/** @type {number} */ (this.#t.data[i]), i);
      if (i % EVERY === 0) {
        for (let place = 0; place < PLACES; place++) {
          this.#counts.push(this.#count[place] ?? 0);
          this.#sums.push(this.#sum[place] ?? 0);
        }
      }
    }
  }

  /** Stands where the sums of that number were taken. @param {number} number */
  #restore(number) {
    const at = number * PLACES;
    this.#next = number * EVERY;
    this.#now = this.#t.data[this.#next] ?? 0;
    const known = at < this.#counts.length;
    for (let place = 0; place < PLACES; place++) {
      this.#count[place] = known ? /** @type {number} */ (this.#counts.data[at + place]) : 0;
      this.#sum[place] = known ? /** @type {number} */ (this.#sums.data[at + place]) : 0;
    }
  }

  /** Goes on to a time, over the events before that number. @param {number} t @param {number} stop */
  #walkTo(t, stop) {
    for (; this.#next < stop; this.#next++) {
      this.#pass(/** @type {number} */ (this.#t.data[this.#next]));
      const code = /** @type {number} */ (this.#code.data[this.#next]);
      const [from, to] = [code >> 4, code & 15];
      if (from !== NOWHERE) this.#count[from] = /** @type {number} */ (this.#count[from]) - 1;
      if (to !== NOWHERE) this.#count[to] = /** @type {number} */ (this.#count[to]) + 1;
    }
    this.#pass(t);
  }

  /** @param {number} t */
  #pass(t) {
    const ns = t - this.#now;
    if (ns > 0) for (let place = 0; place < PLACES; place++) this.#sum[place] = /** @type {number} */ (this.#sum[place]) + ns * /** @type {number} */ (this.#count[place]);
    this.#now = t;
  }

  /** Stands at a time: what it sees there is `#count`. @param {number} t */
  #seek(t) {
    const stop = firstAfter(this.#t.data, this.#t.length, t);
    this.#restore(Math.floor(Math.max(stop - 1, 0) / EVERY));
    if (this.#now > t) this.#now = t; // before the first event
    this.#walkTo(t, stop);
  }

  /** How many were in each state at one time, places as in STACK. @param {number} t */
  at(t) {
    this.#settle();
    this.#seek(t);
    return Array.from(this.#count);
  }

  /**
   * Mean number of members per state and column: `means[place][column]`, places as in STACK; valid until the next call.
   * @param {View} view @param {number} edgeNs nothing is known after it @param {number} columns
   */
  means(view, edgeNs, columns) {
    this.#settle();
    if (this.#means[0]?.length !== columns) this.#means = STACK.map(() => new Float64Array(columns));
    for (const column of this.#means) column.fill(0);
    const columnNs = view.spanNs / columns;
    const before = new Float64Array(PLACES);
    this.#seek(view.startNs);
    for (let i = 0; i < columns && this.#now < edgeNs; i++) {
      const untilNs = Math.min(view.startNs + (i + 1) * columnNs, edgeNs);
      this.#sum.fill(0);
      const stop = firstAfter(this.#t.data, this.#t.length, untilNs);
      if (stop - this.#next <= 2 * EVERY) {
        this.#walkTo(untilNs, stop);
        before.fill(0);
      } else this.#leapTo(untilNs, stop, before);
      for (let place = 0; place < PLACES; place++) /** @type {Float64Array} */ (this.#means[place])[i] = Math.max(0, /** @type {number} */ (this.#sum[place]) - /** @type {number} */ (before[place])) / columnNs;
    }
    return this.#means;
  }

  /** As walking there, but over the sums in between. @param {number} t @param {number} stop @param {Float64Array} before gets what is to be taken off */
  #leapTo(t, stop, before) {
    const [first, last] = [Math.ceil(this.#next / EVERY), Math.floor((stop - 1) / EVERY)];
    this.#walkTo(/** @type {number} */ (this.#t.data[first * EVERY]), first * EVERY);
    for (let place = 0; place < PLACES; place++) before[place] = (this.#sums.data[first * PLACES + place] ?? 0) - /** @type {number} */ (this.#sum[place]);
    this.#restore(last);
    this.#walkTo(t, stop);
  }
}
