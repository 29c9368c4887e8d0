// @ts-check
/** The steps messages took, in order of time, and where each is drawn at a time. Pure: times are nanoseconds after the recording's start. */

/** @typedef {"publish" | "route" | "deliver" | "dead" | "return" | "lost"} StepKind */
/**
 * @typedef {object} Step
 * @property {StepKind} kind @property {number} tNs
 * @property {number} from @property {number} to lanes by their numbers; of a lost one, both are the exchange that had no queue for it
 * @property {number} number of the message, over the whole run @property {boolean} redelivered @property {number} flow its arrow in the recording, -1 for a lost one
 */
/** @typedef {{step: Step, along: number}} Moving `along` goes from 0 to 1 */

/** A message is published, routed and delivered in no time: drawn after one another, its legs take so many times as long as one. */
const LEGS = 4;

export class Steps {
  /** @type {Step[]} */
  #all = [];
  /** @type {Map<string, number[]>} when steps of a kind were made, in order */
  #times = new Map();

  get length() {
    return this.#all.length;
  }

  /** @param {Step} step nearly in order of time */
  add(step) {
    insert(this.#all, step, (one) => one.tNs);
    for (const name of step.redelivered ? [step.kind, "redelivered"] : [step.kind]) {
      const times = this.#times.get(name) ?? [];
      if (!times.length) this.#times.set(name, times);
      insert(times, step.tNs, (one) => one);
    }
  }

  /** @param {StepKind} kind */
  drop(kind) {
    this.#all = this.#all.filter((step) => step.kind !== kind);
    this.#times.delete(kind);
  }

  /** How many of a kind there were up to a time. @param {StepKind | "redelivered"} name @param {number} tNs */
  count(name, tNs) {
    return firstAfter(this.#times.get(name) ?? [], tNs, (one) => one);
  }

  /**
   * What is drawn on its way at `tNs`. A leg begins when it was observed, but not before the message has come to where the leg begins.
   * @param {number} tNs @param {number} legNs how long a leg is drawn @returns {Moving[]} in order of time
   */
  movingAt(tNs, legNs) {
    /** @type {Map<string, number>} when a message came to a lane */
    const arrived = new Map();
    /** @type {Moving[]} */
    const moving = [];
    for (let i = firstAfter(this.#all, tNs - LEGS * legNs, (one) => one.tNs); i < this.#all.length; i++) {
      const step = /** @type {Step} */ (this.#all[i]);
      if (step.tNs > tNs) break;
      const beginNs = Math.max(step.tNs, arrived.get(`${step.number}:${step.from}`) ?? -Infinity);
      arrived.set(`${step.number}:${step.to}`, beginNs + legNs);
      const along = (tNs - beginNs) / legNs;
      if (along >= 0 && along < 1) moving.push({ step, along });
    }
    return moving;
  }
}

/** The number of items whose time is not after `tNs`. @template T @param {T[]} items in order @param {number} tNs @param {(one: T) => number} time */
function firstAfter(items, tNs, time) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (time(/** @type {T} */ (items[middle])) > tNs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** @template T @param {T[]} items @param {T} item @param {(one: T) => number} time */
function insert(items, item, time) {
  const at = firstAfter(items, time(item), time);
  if (at === items.length) items.push(item);
  else items.splice(at, 0, item);
}
