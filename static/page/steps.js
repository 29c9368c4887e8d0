// @ts-check
/** The teaching steps of an experiment, in the order a clicker goes through them; before the first and after the last lies another page. No DOM. */

export const STEPS = /** @type {const} */ (["question", "run", "watch", "facts"]);
/** @typedef {(typeof STEPS)[number]} Step */

/** @param {unknown} word @returns {Step | null} */
export const stepOf = (word) => STEPS.find((step) => step === word) ?? null;

/** @param {Step} step @param {1 | -1} by @returns {Step | "previous" | "next"} `previous` and `next`: of the course */
export function stepFrom(step, by) {
  return STEPS[STEPS.indexOf(step) + by] ?? (by > 0 ? "next" : "previous");
}

/** Where somebody stands who begins to teach at this moment. @param {string} state of the page, as `body[data-state]` says @returns {Step} */
export function stepAt(state) {
  if (state === "idle" || state === "sample") return "question";
  return state === "finished" || state === "interrupted" || state === "loading" ? "watch" : "run";
}
