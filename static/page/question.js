// @ts-check
/** The experiment's question: asked before anything gives the answer away, guessed, and held against what happened. */
import { make } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { meets, whenText } from "./conditions.js";
import { recall, remember } from "../common/kept.js";

/** @typedef {{zh: string, en: string}} Both */
/** @typedef {{text: Both, answers: Both[], correct: number, explanation: Both, when: import("./conditions.js").When}} Question */
/** @typedef {import("./parameters.js").Parameter} Parameter */
/** @typedef {Record<string, unknown>} Values */
/** @typedef {{onAsked: (open: boolean) => void, onSample: (() => void) | null, parameters: Parameter[], useParameters: (() => void) | null}} Wishes `onAsked(false)` once the answer need not be kept back any more; null where there is no sample, or nothing to set */

export class QuestionPanel {
  #guess = -1;
  #revealed = false;
  #skipped = false;
  /** @type {Values} */
  #values = {};

  /** @param {HTMLElement} root @param {string} experiment @param {Question} question @param {Wishes} wishes */
  constructor(root, experiment, question, wishes) {
    this.root = root;
    this.question = question;
    this.wishes = wishes;
    this.key = `guess:${experiment}`;
    const kept = Number(recall(this.key) ?? -1);
    this.#guess = kept >= 0 && kept < question.answers.length ? kept : -1;
    this.#draw();
  }

  /** -1 before there is one. */
  get guess() {
    return this.#guess;
  }

  /** Still to be guessed: nothing may tell the answer yet. */
  get open() {
    return this.#guess < 0 && !this.#skipped && !this.#revealed;
  }

  /** The parameters that are chosen now. @param {Values} values */
  suit(values) {
    this.#values = values;
    this.#draw();
  }

  /** It was seen what happens: the answer may be told. */
  reveal() {
    this.#revealed = true;
    this.#draw();
  }

  /** A new run begins: the answer is hidden again. */
  hide() {
    this.#revealed = false;
    this.#skipped = true;
    this.#draw();
  }

  /** @param {number} answer */
  #choose(answer) {
    if (this.#revealed) return;
    this.#guess = answer;
    remember(this.key, String(answer));
    this.root.dispatchEvent(new CustomEvent("guessed", { detail: answer, bubbles: true }));
    this.#draw();
    this.root.querySelectorAll("button")[answer]?.focus();
  }

  #skip() {
    this.#skipped = true;
    this.#draw();
  }

  #draw() {
    const { text, answers, explanation } = this.question;
    this.root.replaceChildren(
      make("p", { class: "question-text" }, pick(text)),
      ...this.#askedFor(),
      make("div", { class: "answers", role: "group", "aria-label": t("question.answers") }, ...answers.map((answer, i) => this.#answer(answer, i))),
      ...(this.#revealed ? [make("p", { class: "question-explanation" }, pick(explanation))] : [this.#next()]),
    );
    this.wishes.onAsked(this.open);
  }

  /** @param {Both} answer @param {number} i */
  #answer(answer, i) {
    const [right, chosen] = [i === this.question.correct, i === this.#guess];
    const verdict = this.#revealed && right ? t("question.correct") : chosen ? t("question.wrong") : "";
    const state = this.#revealed ? (right ? "correct" : chosen ? "wrong" : null) : null;
    const button = make("button", { class: "answer", type: "button", "aria-pressed": String(chosen), "data-state": state, disabled: this.#revealed }, make("span", {}, pick(answer)), verdict ? make("span", { class: "verdict" }, verdict) : null);
    button.addEventListener("click", () => this.#choose(i));
    return button;
  }

  /** For which parameters the question is asked, and that others are chosen. @returns {HTMLElement[]} */
  #askedFor() {
    const { when } = this.question;
    if (!Object.keys(when).length) return [];
    const words = make("span", {}, t("question.askedFor", { when: whenText(when, this.wishes.parameters) }));
    if (!Object.keys(this.#values).length || meets(this.#values, when)) return [make("p", { class: "asked-for quiet" }, words)];
    const { useParameters } = this.wishes;
    const button = useParameters ? linkButton(t("question.useThese"), useParameters) : null;
    return [make("p", { class: "asked-for", "data-differs": true }, words, ` ${t("question.otherChosen")} `, button)];
  }

  /** What can be done now. */
  #next() {
    const { onSample } = this.wishes;
    const words = this.open ? make("span", { class: "quiet" }, t("question.guessFirst")) : make("span", { class: "quiet" }, t(this.#guess < 0 ? "question.nowRun" : "question.guessed"));
    const sample = onSample && !this.open ? linkButton(t("sample.show"), onSample) : null;
    const skip = this.open ? linkButton(t("question.skip"), () => this.#skip()) : null;
    return make("p", { class: "question-next" }, words, " ", sample ?? skip);
  }
}

/** @param {string} text @param {() => void} act */
function linkButton(text, act) {
  const button = make("button", { class: "link-button", type: "button" }, make("span", {}, text));
  button.addEventListener("click", act);
  return button;
}
