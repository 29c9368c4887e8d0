// @ts-check
/** Teaching with the page: its steps, the blank screen, and where they stand. Only while projecting; `body[data-step]` tells the style sheet. */
import { make, need } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { isProjector, toggleFullscreen } from "./projector.js";
import { stepAt, stepFrom, STEPS } from "./steps.js";
import { onRestyled } from "./theme.js";

/** @typedef {import("./steps.js").Step} Step */
/**
 * @typedef {object} Taught the page as teaching needs it
 * @property {string} run "" before there is one
 * @property {string} state
 * @property {import("../timeline/timeline.js").Timeline} timeline
 * @property {import("../facts/panel.js").FactsPanel} facts
 * @property {() => Promise<void>} press starts a run
 * @property {() => Promise<void>} showSample
 * @property {import("./lesson.js").Lesson} lesson
 * @property {Record<string, any> | null} experiment
 */

export class Teaching {
  /** @type {Step | null} null while nobody teaches */
  step = null;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #list = make("ol", { class: "steps", "aria-label": t("lesson.steps") });

  /** @param {Taught} page */
  constructor(page) {
    this.page = page;
    need(".top-tools").before(this.#list);
    onRestyled(() => this.#follow());
    // A run that was started by its button is a step too.
    new MutationObserver(() => this.#seen()).observe(document.body, { attributeFilter: ["data-state"] });
    this.#follow();
  }

  /** Is told whenever step or blankness have changed. @param {() => void} listener */
  onMoved(listener) {
    this.#listeners.add(listener);
  }

  get blank() {
    return document.body.dataset.blank === "on";
  }

  /** @param {boolean} [blank] */
  toggleBlank(blank = !this.blank) {
    if (blank) document.body.dataset.blank = "on";
    else delete document.body.dataset.blank;
    this.#tell();
  }

  /** A clicker's press. On a blank screen it brings the picture back first. @param {1 | -1} by */
  move(by) {
    if (this.blank) return this.toggleBlank(false);
    const target = stepFrom(this.step ?? stepAt(this.page.state), by);
    if (target !== "next" && target !== "previous") return this.go(target);
    const link = document.querySelector(`.course a[rel="${target === "next" ? "next" : "prev"}"]`);
    if (link instanceof HTMLAnchorElement) location.assign(link.href);
  }

  /** @param {Step} step */
  go(step) {
    this.#show(step);
    if (step !== "question" && !this.page.run) void this.#begin(step);
    if (step === "watch" && this.page.state !== "running") this.page.timeline.fit();
  }

  /** There is something to see from here on: a run where it can be had, else the sample. @param {Step} step */
  async #begin(step) {
    const { experiment, state } = this.page;
    if (!experiment || state === "starting") return;
    if (step !== "run" || experiment.missing?.length) return experiment.sample ? this.page.showSample() : undefined;
    await this.page.press();
  }

  /** @param {Step} step */
  #show(step) {
    this.step = step;
    document.body.dataset.step = step;
    this.page.lesson.open(step === "question" || step === "facts");
    this.#draw();
    this.page.timeline.restyle();
    this.#tell();
  }

  /** Projector mode was entered or left. */
  #follow() {
    this.#list.hidden = !isProjector();
    if (isProjector() === (this.step !== null)) return;
    if (isProjector()) return this.#show(stepAt(this.page.state));
    this.step = null;
    delete document.body.dataset.step;
    this.page.lesson.open(!this.page.run && this.page.state === "idle");
    this.toggleBlank(false);
  }

  #seen() {
    const { state } = document.body.dataset;
    if (this.step === "question" && (state === "queued" || state === "running")) this.#show("run");
  }

  #draw() {
    this.#list.replaceChildren(
      ...STEPS.map((step) => {
        const button = make("button", { type: "button", "aria-current": step === this.step ? "step" : null }, t(`lesson.step.${step}`));
        button.addEventListener("click", () => this.go(step));
        return make("li", {}, button);
      }),
    );
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** A clicker's keys, and those of teaching. Nothing outside projector mode. @param {Teaching} teaching @returns {import("./keys.js").Binding[]} */
export function teachingBindings(teaching) {
  if (!isProjector()) return [];
  const next = { keys: ["pagedown", "arrowright"], shown: "PgDn →", key: "stepNext", act: () => teaching.move(1) };
  return [
    // Where there is a picture, Space plays it.
    teaching.step === "question" || teaching.blank ? { ...next, keys: [...next.keys, " "], shown: `${next.shown} ${t("replay.space")}` } : next,
    { keys: ["pageup", "arrowleft"], shown: "PgUp ←", key: "stepBack", act: () => teaching.move(-1) },
    { keys: ["b", "."], shown: "B .", key: "blank", act: () => teaching.toggleBlank() },
    { keys: ["f"], shown: "F", key: "fullscreen", act: toggleFullscreen },
  ];
}
