// @ts-check
/** What the experiment says must be seen, and whether it was: one sentence each, with the figures it was judged by. */
import { icon, make } from "../common/dom.js";
import { duration, grouped, percent } from "../common/format.js";
import { has, pick, t, tParts } from "../common/i18n.js";
import { placeOfSpan } from "./places.js";
import { number } from "./table.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./table.js").Visit} Visit */
/** @typedef {{check: string, says: {zh: string, en: string}, verdict: "holds" | "fails" | "unobservable", figures: Record<string, number>, spans: import("./places.js").Span[], why: string}} Expected */

const ICONS = { holds: "check", fails: "cross", unobservable: "unknown" };

/** @param {Model} model @param {Expected[]} expected @param {Visit} visit @returns {HTMLElement | null} null where nothing was expected */
export function expectedList(model, expected, visit) {
  if (!expected.length) return null;
  return make("ul", { class: "expected", "aria-label": t("expected.title") }, ...expected.map((one, i) => line(model, one, `expected.${i}`, visit)));
}

/** @param {Model} model @param {Expected} one @param {string} path @param {Visit} visit */
function line(model, one, path, visit) {
  const sentence = t(`expected.${one.verdict}`, { says: pick(one.says), why: whyText(one) });
  const reason = one.verdict === "fails" && one.why ? make("span", { class: "expected-why" }, ` ${t("expected.because", { why: whyText(one) })}`) : null;
  return make("li", { "data-verdict": one.verdict }, icon(ICONS[one.verdict]), make("span", {}, make("span", { class: "expected-said" }, sentence), reason, ...seen(model, one, path, visit)));
}

/** Why it could not be told, or what explains that it was not so. @param {Expected} one */
export function whyText({ why, figures }) {
  const key = `expected.why.${why}`;
  return has(key) ? t(key, { cores: figureText("cores", figures.cores_given ?? figures.cores_reported ?? NaN) }) : why;
}

/** "1.02 at once on average": each figure leads to the longest of the spans it was taken from. @param {Model} model @param {Expected} one @param {string} path @param {Visit} visit @returns {(Node | string)[]} */
function seen(model, { check, figures, spans, verdict }, path, visit) {
  const key = `expected.seen.${check}`;
  if (verdict === "unobservable" || !has(key) || !t(key)) return [];
  const parts = tParts(key).map((part) => {
    if (typeof part === "string") return part;
    const value = figures[part.name] ?? NaN;
    const text = figureText(part.name, value);
    const span = spans[0];
    return span ? number({ text, fact: `${path}.figures.${part.name}`, value, place: () => placeOfSpan(model, span) }, visit) : text;
  });
  return [make("span", { class: "expected-seen quiet" }, " ", ...parts)];
}

/** A figure by the unit its name ends in. @param {string} name @param {number} value */
export function figureText(name, value) {
  if (name.endsWith("_ns")) return duration(value);
  if (name.endsWith("_share")) return percent(value);
  return Number.isInteger(value) ? grouped(value) : String(Number(value.toPrecision(3)));
}
