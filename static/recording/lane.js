// @ts-check
/** One lane: what it stands for, and its states, marks and counter as columns. Times are nanoseconds after the recording's start. */
import { State, STATES } from "../generated/records.js";
import { Column, firstAfter } from "./columns.js";

/** Numbers of the states a lane ends in. */
const ENDED = new Set([...STATES].filter(([, spec]) => spec.look === "ended").map(([number]) => number));

export class Lane {
  /** @type {Lane[]} */
  children = [];
  /** When each state began, which state, and the number of its detail. A state lasts until the next; the last one until the edge. */
  startNs = new Column(Float64Array);
  state = new Column(Uint8Array);
  detail = new Column(Uint32Array);
  /** @type {{t: number, kind: number, text: string}[]} in order of time */
  marks = [];
  /** @type {{t: Column<Float64Array>, value: Column<Float64Array>, max: number} | null} */
  counter = null;
  /** Which colour a thread has on core and GIL lanes, counted in the order threads appear; -1 for what is no thread. */
  holder = -1;

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

  get length() {
    return this.startNs.length;
  }

  /** @param {number} t @param {number} state @param {number} detail */
  enter(t, state, detail) {
    this.startNs.push(t);
    this.state.push(state);
    this.detail.push(detail);
  }

  /** @param {number} t @param {number} kind @param {string} text */
  mark(t, kind, text) {
    let at = this.marks.length;
    while (at > 0 && /** @type {{t: number}} */ (this.marks[at - 1]).t > t) at--;
    this.marks.splice(at, 0, { t, kind, text });
  }

  /** @param {number} t @param {number} value */
  count(t, value) {
    this.counter ??= { t: new Column(Float64Array), value: new Column(Float64Array), max: 0 };
    this.counter.t.push(t);
    this.counter.value.push(value);
    if (value > this.counter.max) this.counter.max = value;
  }

  /** Index of the state the lane is in at `t`, -1 before its first. @param {number} t */
  indexAt(t) {
    return firstAfter(this.startNs.data, this.length, t) - 1;
  }

  /** When the state of that index ends; `edgeNs` for one that still lasts. @param {number} index @param {number} edgeNs */
  endOf(index, edgeNs) {
    return index + 1 < this.length ? /** @type {number} */ (this.startNs.data[index + 1]) : Math.max(edgeNs, this.startOf(index));
  }

  /** @param {number} index */
  startOf(index) {
    return /** @type {number} */ (this.startNs.data[index]);
  }

  /** @param {number} index */
  stateOf(index) {
    return this.state.data[index] ?? State.UNOBSERVED;
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
