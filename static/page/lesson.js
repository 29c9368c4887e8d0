// @ts-check
/** An experiment as a lesson: its note and question over the timeline, the guess, the sample that is offered, and what is laid beside a run. */
import { need } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { showBeside } from "./beside.js";
import { suited } from "./conditions.js";
import { earlierRuns, keepRun } from "./history.js";
import { QuestionPanel } from "./question.js";
import { sampleLabel } from "./sample.js";

/** @typedef {{experiment: Record<string, any> | null, lang: string, form: import("./parameters.js").ParameterForm, runAtStart: boolean, onSample: () => void, onParameters: () => void}} Setting `runAtStart`: the page was opened with a run, which may tell the answer */

export class Lesson {
  /** @type {QuestionPanel | null} */
  #question = null;
  #ran;

  /** @param {Setting} setting */
  constructor(setting) {
    this.setting = setting;
    this.experiment = setting.experiment;
    this.#ran = setting.runAtStart;
    need("#about-toggle").hidden = !this.experiment;
    document.querySelector("#note-more")?.addEventListener("click", () => this.#unfold());
    if (this.experiment?.question) this.#question = this.#newQuestion(this.experiment);
    this.suit();
  }

  /** @param {Record<string, any>} experiment */
  #newQuestion(experiment) {
    const { form, onSample, onParameters } = this.setting;
    return new QuestionPanel(need("#question"), experiment.id, experiment.question, {
      onAsked: (open) => (document.body.dataset.asked = open && !this.#ran ? "open" : "done"),
      onSample: experiment.sample ? onSample : null,
      parameters: experiment.parameters,
      useParameters: () => {
        form.set(suited(form.values, experiment.question.when));
        need("#parameters").dispatchEvent(new Event("input"));
        this.suit();
        onParameters();
      },
    });
  }

  /** The question says whether it speaks of the parameters that are chosen now. */
  suit() {
    this.#question?.suit(this.setting.form.values);
  }

  /** Before the first run. True when the sample may be seen at once: who has guessed before, or has no question to guess. */
  begin() {
    this.open(true);
    const sample = this.experiment?.sample;
    const label = need("#sample-label");
    label.hidden = !sample;
    if (sample) label.textContent = `${t("sample.title")} · ${sampleLabel(sample)}`;
    return Boolean(sample) && (!this.#question || this.#question.guess >= 0);
  }

  /** What was guessed, -1 before. */
  get guess() {
    return this.#question?.guess ?? -1;
  }

  /** The note and the question lie over the timeline until there is something to see in it. @param {boolean} open */
  open(open) {
    need("#about").hidden = !open;
    need("#about-toggle").setAttribute("aria-pressed", String(open));
  }

  /** Beside the sample the note is folded to its beginning, so that the timeline keeps its room. */
  #unfold() {
    const whole = need("#about").toggleAttribute("data-whole");
    need("#note-more").setAttribute("aria-expanded", String(whole));
    need("#note-more").textContent = t(whole ? "question.foldNote" : "question.wholeNote");
  }

  toggle() {
    this.open(need("#about").hidden);
  }

  /** A new run begins: what told of the one before is taken away. */
  restart() {
    need("#beside").hidden = true;
    this.#ran = true;
    this.#question?.hide();
    this.open(false);
  }

  /** It was seen what happens: the answer may be told. */
  reveal() {
    this.#question?.reveal();
  }

  /**
   * What the visitor guessed and ran before, beside what happened; a run of their own is kept for the next time.
   * @param {{id: string, parameters: Record<string, unknown>, wallNs: number}} run `id` is "" for the sample @param {boolean} kept
   */
  tell(run, kept) {
    const experiment = this.experiment;
    if (!experiment || !this.#question) return;
    this.reveal();
    showBeside(need("#beside"), /** @type {any} */ (experiment), this.#question.guess, run, earlierRuns(experiment.id), this.setting.lang);
    if (kept) keepRun(experiment.id, run);
  }
}
