// @ts-check
/** States and reasons of the facts in words. No DOM. */
import { t } from "../common/i18n.js";
import { STATES } from "../generated/records.js";

/** @typedef {import("./places.js").Span} Span */

/** @param {string} name as the facts name a state @param {string | null} [reason] */
function specOf(name, reason = null) {
  const specs = [...STATES.values()].filter((spec) => spec.name === name);
  return specs.find((spec) => spec.reason === reason) ?? specs[0];
}

/** @param {string} name @param {string | null} [reason] */
export function stateText(name, reason = null) {
  const spec = specOf(name, reason);
  return spec ? t(`state.${spec.key}`) : name;
}

/** "sleep, line 80" @param {Span} span */
export function reasonText({ state, reason, text, line }) {
  const what = [stateText(state, reason), text].filter(Boolean).join(" ");
  return line ? t("facts.atLine", { what, line }) : what;
}
