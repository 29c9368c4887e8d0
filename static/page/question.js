// @ts-check
/** The experiment's question: guessed before the run, held against what happened after it. */
import { make } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { recall, remember } from "./theme.js";

/** @typedef {{zh: string, en: string}} Both */
/** @typedef {{text: Both, answers: Both[], correct: number, explanation: Both}} Question */

export class QuestionPanel {
  #guess = -1;
  #revealed = false;

  /** @param {HTMLElement} root @param {string} experiment @param {Question} question */
  constructor(root, experiment, question) {
    this.root = root;
    this.question = question;
    this.key = `guess:${experiment}`;
    this.#guess = Number(recall(this.key) ?? -1);
    this.#draw();
  }

  /** The run is over: the answer may be seen. */
  reveal() {
    this.#revealed = true;
    this.#draw();
  }

  /** A new run begins: the answer is hidden again. */
  hide() {
    this.#revealed = false;
    this.#draw();
  }

  /** @param {number} answer */
  #choose(answer) {
    if (this.#revealed) return;
    this.#guess = answer;
    remember(this.key, String(answer));
    this.#draw();
  }

  #draw() {
    const { text, answers, correct, explanation } = this.question;
    const buttons = answers.map((answer, i) => {
      const chosen = i === this.#guess;
      const verdict = this.#revealed && i === correct ? t("question.correct") : this.#revealed && chosen ? t("question.wrong") : "";
      const state = this.#revealed ? (i === correct ? "correct" : chosen ? "wrong" : null) : null;
      const button = make("button", { class: "answer", type: "button", "aria-pressed": chosen, "data-state": state, disabled: this.#revealed }, make("span", {}, pick(answer)), verdict ? make("span", { class: "verdict" }, verdict) : null);
      button.addEventListener("click", () => this.#choose(i));
      return button;
    });
    this.root.replaceChildren(
      make("p", { class: "question-text" }, pick(text)),
      make("div", { class: "answers", role: "group", "aria-label": t("question.answers") }, ...buttons),
      ...(this.#revealed ? [make("p", { class: "question-explanation" }, pick(explanation))] : []),
    );
  }
}
