// @ts-check
/** The runs that this browser made of each experiment, and which of them a run is compared with. */
import { recall, remember } from "../common/kept.js";

/** @typedef {{id: string, parameters: Record<string, unknown>, wallNs: number, startedMs?: number}} Earlier `id` "" of the sample; `wallNs` 0 while it is not told */

const KEPT = 20;

/** Those that ended. @param {string} experiment @returns {Earlier[]} oldest first */
export const earlierRuns = (experiment) => ownRuns(experiment).filter(({ wallNs }) => wallNs > 0);

/** @param {string} experiment @returns {Earlier[]} oldest first */
export function ownRuns(experiment) {
  try {
    const kept = JSON.parse(recall(`runs:${experiment}`) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => one && typeof one.id === "string" && one.parameters && typeof one.parameters === "object") : [];
  } catch {
    return []; // what is kept there is not ours
  }
}

/** What was known of the run before stays known. @param {string} experiment @param {Earlier} run */
export function keepRun(experiment, run) {
  const own = ownRuns(experiment);
  const others = own.filter(({ id }) => id !== run.id);
  const known = own.find(({ id }) => id === run.id);
  remember(`runs:${experiment}`, JSON.stringify([...others, { ...known, ...run }].slice(-KEPT)));
}

/** @param {Record<string, unknown>} a @param {Record<string, unknown>} b */
const same = (a, b) => Object.keys({ ...a, ...b }).every((name) => a[name] === b[name]);

/**
 * The run to lay beside this one. Where the experiment names its `baseline` (the sequential variant): the newest run that differs in nothing else,
 * the visitor's own before the sample. Else the visitor's newest run with other parameters.
 * @param {Earlier} run @param {Earlier[]} earlier oldest first, the sample first of all @param {Record<string, unknown> | null} baseline
 * @returns {{other: Earlier, speedUp: boolean} | null}
 */
export function compared(run, earlier, baseline) {
  const others = earlier.filter(({ id }) => id !== run.id || id === "").reverse();
  if (baseline && Object.keys(baseline).length) {
    const wanted = { ...run.parameters, ...baseline };
    const other = same(wanted, run.parameters) ? undefined : others.find(({ parameters }) => same(parameters, wanted));
    if (other) return { other, speedUp: true };
  }
  const other = others.find(({ id, parameters }) => id !== "" && !same(parameters, run.parameters));
  return other ? { other, speedUp: false } : null;
}
