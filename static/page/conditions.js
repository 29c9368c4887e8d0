// @ts-check
/** For which parameters something is meant, as an experiment's header says it: a value, one of several, or a range. No DOM. */
import { pick, t } from "../common/i18n.js";

/** @typedef {{minimum?: number | null, maximum?: number | null}} Range */
/** @typedef {Record<string, unknown>} Values */
/** @typedef {Record<string, unknown>} When */
/** @typedef {import("./parameters.js").Parameter} Parameter */

/** @param {unknown} condition @returns {condition is Range} */
const isRange = (condition) => typeof condition === "object" && condition !== null && !Array.isArray(condition);

/** Are these parameters as `when` says? As `meets` of app/core/expectations. @param {Values} values @param {When} when */
export const meets = (values, when) => Object.entries(when).every(([name, condition]) => name in values && holds(values[name], condition));

/** @param {unknown} value @param {unknown} condition */
function holds(value, condition) {
  if (!isRange(condition)) return Array.isArray(condition) ? condition.includes(value) : value === condition;
  return typeof value === "number" && value >= (condition.minimum ?? -Infinity) && value <= (condition.maximum ?? Infinity);
}

/** A parameter's value as the page says it: a choice by its label. @param {Parameter} parameter @param {unknown} value */
export function valueText({ kind, labels, unit }, value) {
  const label = labels?.[String(value)];
  const text = label ? pick(label) : kind === "bool" ? t(value ? "form.yes" : "form.no") : String(value);
  return unit ? `${text}\u2009${unit}` : text;
}

/** All of a run's parameters: "Threads: 4", "Each wait: 1 s". @param {Values} values @param {Parameter[]} parameters @returns {string[]} */
export const valueTexts = (values, parameters) => parameters.filter(({ name }) => name in values).map((parameter) => `${pick(parameter.title)}${t("question.is")}${valueText(parameter, values[parameter.name])}`);

/** "Threads: ≥ 2; Each wait: 1 s" @param {When} when @param {Parameter[]} parameters */
export function whenText(when, parameters) {
  return parameters
    .filter(({ name }) => name in when)
    .map((parameter) => `${pick(parameter.title)}${t("question.is")}${conditionText(when[parameter.name], parameter)}`)
    .join(t("question.and"));
}

/** @param {unknown} condition @param {Parameter} parameter */
function conditionText(condition, parameter) {
  if (!isRange(condition)) return [condition].flat().map((value) => valueText(parameter, value)).join(t("question.or"));
  const { minimum, maximum } = condition;
  if (typeof minimum === "number" && typeof maximum === "number") return `${minimum}–${valueText(parameter, maximum)}`;
  return typeof minimum === "number" ? `≥ ${valueText(parameter, minimum)}` : `≤ ${valueText(parameter, maximum)}`;
}

/** The nearest parameters of which that holds. @param {Values} values @param {When} when @returns {Values} */
export function suited(values, when) {
  const set = Object.entries(when).map(([name, condition]) => [name, holds(values[name], condition) ? values[name] : nearest(values[name], condition)]);
  return { ...values, ...Object.fromEntries(set) };
}

/** @param {unknown} value @param {unknown} condition */
function nearest(value, condition) {
  if (!isRange(condition)) return Array.isArray(condition) ? condition[0] : condition;
  return Math.min(Math.max(Number(value), condition.minimum ?? -Infinity), condition.maximum ?? Infinity);
}
