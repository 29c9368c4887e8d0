// @ts-check
/** How a run stands or ended, in words. No DOM. */
import { duration, grouped, size } from "./format.js";
import { has, t } from "./i18n.js";
import { Outcome } from "../generated/records.js";

/** @typedef {Record<string, any>} End the END document of a recording, or the server's copy of it */

/** A limit's bound with its unit, which the limit's name ends with: `wall_s`, `memory_bytes`, `processes`. @param {string} limit @param {number} bound */
function boundText(limit, bound) {
  if (limit.endsWith("_s")) return duration(bound * 1e9);
  return limit.endsWith("_bytes") ? size(bound) : grouped(bound);
}

/** @param {string | null | undefined} outcome */
export const isGood = (outcome) => outcome === Outcome.FINISHED;

/** "time limit of 10 s reached" @param {string} outcome @param {End | null} end */
export function outcomeText(outcome, end) {
  const key = `outcome.${outcome.replaceAll(" ", "-")}`;
  const bound = end?.bound;
  const values = {
    bound: typeof bound === "number" ? boundText(end?.limit ?? "", bound) : "",
    code: end?.exit_code ?? "",
    signal: end?.signal ?? "",
  };
  const withBound = `${key}-bound`;
  return t(values.bound && has(withBound) ? withBound : has(key) ? key : "outcome.unknown", values);
}

/** "Deadlock, ended by the watchdog after 4 s", "" where no time limit ended it. @param {string} outcome @param {End | null} end */
export function deadlockText(outcome, end) {
  return outcome === Outcome.TIME_LIMIT ? t("outcome.deadlock", { bound: duration((end?.bound ?? 0) * 1e9) }) : "";
}

/** What else there is to say of an ended run, each a short phrase. @param {End} end */
export function endPhrases(end) {
  const phrases = [];
  if (typeof end.wall_ns === "number") phrases.push(t("facts.wall", { time: duration(end.wall_ns) }));
  if (end.processes > 1) phrases.push(t("facts.processes", { n: end.processes }));
  if (typeof end.records === "number") phrases.push(t("facts.records", { n: grouped(end.records) }));
  if (end.dropped) phrases.push(t("facts.dropped", { n: grouped(end.dropped) }));
  if (end.switches_lost) phrases.push(t("facts.switchesLost", { n: grouped(end.switches_lost) }));
  if (end.unobserved_processes) phrases.push(t("facts.unobserved", { n: end.unobserved_processes }));
  return phrases;
}

/** What was not observed, and why, from the header; empty when everything was. @param {Record<string, string>} observers */
export function unobserved(observers) {
  return Object.entries(observers)
    .filter(([, state]) => state !== "exact" && !state.startsWith("none") && !state.startsWith("sampled"))
    .map(([name, state]) => {
      const [, why = ""] = state.split(/:\s*(.*)/s);
      return { name: has(`observer.${name}`) ? t(`observer.${name}`) : name, why: why || state };
    });
}
