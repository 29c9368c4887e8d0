// @ts-check
/** What the visitor brought, laid beside what happened: their guess, and the runs of this experiment they made before. */
import { icon, make } from "../common/dom.js";
import { duration } from "../common/format.js";
import { pick, t, tParts } from "../common/i18n.js";
import { meets, whenText } from "./conditions.js";
import { compared } from "./history.js";
import { pathWith } from "./urlstate.js";

/** @typedef {import("./question.js").Question} Question */
/** @typedef {import("./history.js").Earlier} Earlier */
/** @typedef {{question: Question, parameters: import("./parameters.js").Parameter[], baseline: Record<string, unknown> | null}} Experiment */

/** @param {HTMLElement} root @param {Experiment} experiment @param {number} guess -1 for none @param {{id: string, parameters: Record<string, unknown>, wallNs: number}} run @param {Earlier[]} earlier @param {string} lang */
export function showBeside(root, experiment, guess, run, earlier, lang) {
  const comparison = comparisonLine(experiment, run, earlier, lang);
  root.replaceChildren(guessLine(experiment, guess, run.parameters), ...(comparison ? [comparison] : []));
  root.hidden = false;
}

/** @param {Experiment} experiment @param {number} guess @param {Record<string, unknown>} values */
function guessLine({ question, parameters }, guess, values) {
  const { answers, correct, explanation, when } = question;
  const right = guess === correct;
  const other = meets(values, when) ? null : make("span", { class: "guess-other" }, ` ${t("question.askedFor", { when: whenText(when, parameters) })} ${t("question.otherRun")}`);
  const key = guess < 0 ? "question.notGuessed" : right ? "question.right" : "question.notRight";
  const said = t(key, { guess: pick(answers[guess]), answer: pick(answers[correct]) });
  const mark = guess < 0 ? "unknown" : right ? "check" : "cross";
  return make("p", { class: "guess", "data-verdict": guess < 0 ? "none" : right ? "right" : "wrong" }, icon(mark), make("span", {}, make("strong", {}, said), other, make("span", { class: "quiet" }, ` ${pick(explanation)}`)));
}

/** @param {Experiment} experiment @param {{id: string, parameters: Record<string, unknown>, wallNs: number}} run @param {Earlier[]} earlier @param {string} lang */
function comparisonLine({ parameters, baseline }, run, earlier, lang) {
  const found = compared(run, earlier, baseline);
  if (!found) return null;
  const { other, speedUp } = found;
  const differing = Object.fromEntries(Object.entries(other.parameters).filter(([name, value]) => run.parameters[name] !== value));
  const values = { wall: duration(run.wallNs), other: duration(other.wallNs), when: whenText(differing, parameters), ratio: (other.wallNs / run.wallNs).toFixed(2) };
  const key = `compare.${speedUp ? "speedUp" : "wall"}`;
  const link = other.id ? make("a", { href: pathWith(`/runs/${other.id}`, lang) }, t("compare.yours")) : make("span", {}, t("compare.sample"));
  const pieces = tParts("compare.said").map((part) => (typeof part === "string" ? part : part.name === "link" ? link : t(key, values)));
  return make("p", { class: "compare", "data-ratio": other.wallNs / run.wallNs }, ...pieces);
}
