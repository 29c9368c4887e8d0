// @ts-check
/** One lane: what it stands for, and its states, marks and counter as columns. Times are nanoseconds after the recording's start. */
import { LaneKind, State, STATES } from "../generated/records.js";
import { Column, firstAfter } from "./columns.js";

/** @typedef {{t: number, kind: number, text: string}} Mark */
/** @typedef {{t: Column<Float64Array>, value: Column<Float64Array>, max: number}} Counter */
/** @typedef {{startNs: Float64Array, state: Uint8Array, detail: Uint32Array}} Slab the states of many lanes, one lane's after another's */
/** @typedef {{note: (t: number, from: number, to: number) => void}} Observer is told of every state a lane enters; `from` is -1 at its first */

/** Numbers of the states a lane ends in. */
const ENDED = new Set([...STATES].filter(([, spec]) => spec.look === "ended").map(([number]) => number));
/** @type {Mark[]} */
const NO_MARKS = /** @type {any} */ (Object.freeze([]));
/** @type {Lane[]} */
const NO_LANES = /** @type {any} */ (Object.freeze([]));

export class Lane {
  children = NO_LANES;
  /** Has it children that are more than its strip of CPU time? A strip goes where its thread goes. */
  branches = false;
  /** In order of time. */
  marks = NO_MARKS;
  /** @type {Counter | null} */
  counter = null;
  /** Which colour a thread has on core and GIL lanes, counted in the order threads appear; -1 for what is no thread. */
  holder = -1;
  /** Counts what changes how its children belong together: names, and children that begin to branch. */
  regrouped = 0;
  /** @type {Observer | null} whoever sums up many lanes */
  observer = null;
  /** @type {Column<Float64Array> | null} */
  #startNs = null;
  /** @type {Column<Uint8Array> | null} */
  #state = null;
  /** @type {Column<Uint32Array> | null} */
  #detail = null;
  /** @type {Slab | null} where the states lie until somebody looks at them: most of a hundred thousand lanes nobody ever does */
  #slab = null;
  #from = 0;
  #to = 0;

  /**
   * @param {number} id @param {Lane | null} parent @param {number} kind @param {string} name
   * @param {number} pid @param {number} tid @param {number} t when the lane began
   */
  constructor(id, parent, kind, name, pid, tid, t) {
    this.id = id;
    this.parent = parent;
    this.kind = kind;
    this.name = name;
    this.pid = pid;
    this.tid = tid;
    this.t = t;
  }

  /** @param {Lane} lane */
  add(lane) {
    if (this.children === NO_LANES) this.children = [];
    this.children.push(lane);
    if (this.branches || lane.kind === LaneKind.CPU) return;
    this.branches = true;
    if (this.parent) this.parent.regrouped++;
  }

  /** Its states are those of the slab from one place to another. @param {Slab} slab @param {number} from @param {number} to */
  lieIn(slab, from, to) {
    [this.#slab, this.#from, this.#to] = [slab, from, to];
  }

  /** @returns {Column<Float64Array>} */
  #open() {
    const { startNs, state, detail } = this.#slab ?? EMPTY;
    this.#state = new Column(Uint8Array, 0).over(state.subarray(this.#from, this.#to));
    this.#detail = new Column(Uint32Array, 0).over(detail.subarray(this.#from, this.#to));
    this.#slab = null;
    return (this.#startNs = new Column(Float64Array, 0).over(startNs.subarray(this.#from, this.#to)));
  }

  /** When each state began. A state lasts until the next; the last one until the edge. */
  get startNs() {
    return this.#startNs ?? this.#open();
  }

  /** Which state. */
  get state() {
    if (!this.#state) this.#open();
    return /** @type {Column<Uint8Array>} */ (this.#state);
  }

  /** The number of its detail. */
  get detail() {
    if (!this.#detail) this.#open();
    return /** @type {Column<Uint32Array>} */ (this.#detail);
  }

  get length() {
    return this.#startNs ? this.#startNs.length : this.#to - this.#from;
  }

  /** @param {number} t @param {number} state @param {number} detail */
  enter(t, state, detail) {
    const { length } = this.startNs;
    if (this.observer) this.observer.note(t, length ? this.stateOf(length - 1) : -1, state);
    this.startNs.push(t);
    this.state.push(state);
    this.detail.push(detail);
  }

  /** @param {number} t @param {number} kind @param {string} text */
  mark(t, kind, text) {
    if (this.marks === NO_MARKS) this.marks = [];
    let at = this.marks.length;
    while (at > 0 && /** @type {Mark} */ (this.marks[at - 1]).t > t) at--;
    this.marks.splice(at, 0, { t, kind, text });
  }

  /** @param {number} t @param {number} value */
  count(t, value) {
    this.counter ??= { t: new Column(Float64Array), value: new Column(Float64Array), max: 0 };
    this.counter.t.push(t);
    this.counter.value.push(value);
    if (value > this.counter.max) this.counter.max = value;
  }

  /** The value of its counter at `t`, 0 before its first. @param {number} t */
  countAt(t) {
    return this.counter ? (this.counter.value.data[firstAfter(this.counter.t.data, this.counter.t.length, t) - 1] ?? 0) : 0;
  }

  /** Index of the state the lane is in at `t`, -1 before its first. @param {number} t */
  indexAt(t) {
    return firstAfter(this.startNs.data, this.length, t) - 1;
  }

  /** When the state of that index ends; `edgeNs` for one that still lasts. @param {number} index @param {number} edgeNs */
  endOf(index, edgeNs) {
    return index + 1 < this.length ? this.startOf(index + 1) : Math.max(edgeNs, this.startOf(index));
  }

  // Reading one does not make columns of them.

  /** @param {number} index */
  startOf(index) {
    return /** @type {number} */ (this.#startNs ? this.#startNs.data[index] : this.#slab?.startNs[this.#from + index]);
  }

  /** @param {number} index */
  stateOf(index) {
    return (this.#state ? this.#state.data[index] : this.#slab?.state[this.#from + index]) ?? State.UNOBSERVED;
  }

  /** Has the lane come to its end? */
  get ended() {
    return this.length > 0 && ENDED.has(this.stateOf(this.length - 1));
  }

  /** When the lane ended, or the edge while it lives. @param {number} edgeNs */
  endNs(edgeNs) {
    return this.ended ? this.startOf(this.length - 1) : edgeNs;
  }
}

/** @type {Slab} */
const EMPTY = { startNs: new Float64Array(0), state: new Uint8Array(0), detail: new Uint32Array(0) };
