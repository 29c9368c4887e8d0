// @ts-check
/** What differs between two runs in numbers, from the facts of both. No DOM, no words. */

/** @typedef {Record<string, any>} Facts as app/core/facts.py tells them */
/** @typedef {"time" | "share" | "count" | "number"} Unit */
/** @typedef {{key: string, unit: Unit, left: number | null, right: number | null}} Difference null where it was not observed */

/** @param {Facts[]} list @param {string} name */
const sum = (list, name) => list.reduce((total, one) => total + (one[name] ?? 0), 0);

/** The GILs together; null where none was observed. @param {Facts} facts @param {(gils: Facts[]) => number | null} tell */
const ofGils = (facts, tell) => (facts.gils?.length ? tell(facts.gils) : null);

/** @param {Facts} facts */
const longestWait = (facts) => ofGils(facts, (gils) => Math.max(0, ...gils.map((gil) => gil.longest_wait?.duration_ns ?? 0)));

/** @type {[key: string, unit: Unit, tell: (facts: Facts) => number | null][]} */
const NUMBERS = [
  ["wall", "time", (facts) => facts.wall_ns ?? null],
  ["cpu", "time", (facts) => facts.cpu_ns ?? null],
  ["parallelism", "number", (facts) => facts.parallelism ?? null],
  ["voluntary", "count", (facts) => facts.switches?.voluntary ?? null],
  ["involuntary", "count", (facts) => facts.switches?.involuntary ?? null],
  ["threads", "count", (facts) => facts.threads?.length ?? null],
  ["gilHeld", "share", (facts) => ofGils(facts, (gils) => Math.max(...gils.map((gil) => gil.utilisation)))],
  ["handovers", "count", (facts) => ofGils(facts, (gils) => sum(gils, "handovers"))],
  ["gilWaited", "time", (facts) => ofGils(facts, (gils) => sum(gils, "waited_ns"))],
  ["longestWait", "time", longestWait],
  ["stall", "time", (facts) => facts.stall?.duration_ns ?? 0],
  .../** @type {[string, Unit, (facts: Facts) => number | null][]} */ (["published", "delivered", "redelivered", "lost"].map((name) => [name, "count", (facts) => facts.messages?.[name] ?? null])),
];

/** One row a number; those that are nothing in both runs say nothing. @param {Facts} left @param {Facts} right @returns {Difference[]} */
export function differences(left, right) {
  return NUMBERS.map(([key, unit, tell]) => ({ key, unit, left: tell(left), right: tell(right) })).filter(({ left, right }) => left || right);
}

/** Right over left, null where that says nothing. @param {Difference} difference */
export const ratio = ({ left, right }) => (left && right !== null ? right / left : null);
