// @ts-check
/** The legend: only the looks that occur in this recording. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { STATES, State } from "../generated/records.js";
import { INK_OF_STATE, Ink, SHAPES } from "./paint/inks.js";

/** @type {number[]} */
const SHOWN = [Ink.RUNNING, Ink.RUNNING_C, Ink.READY, Ink.WAITING, Ink.GIL_WAIT, Ink.PREEMPTED, Ink.IDLE, Ink.GAP];
/** States of core and GIL lanes are drawn in their holder's colour. @type {Set<number>} */
const OF_HOLDERS = new Set([State.GIL_HELD, State.ON_CPU]);

export class Legend {
  #shown = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    root.setAttribute("aria-label", t("legend.title"));
    root.tabIndex = 0; // where it is longer than its place it scrolls, by keyboard too
  }

  /** @param {Uint8Array} seen which states occur, by number */
  draw(seen) {
    const inks = new Set([...STATES.keys()].filter((state) => seen[state] && !OF_HOLDERS.has(state)).map((state) => INK_OF_STATE[state] ?? 0));
    const shown = SHOWN.filter((ink) => inks.has(ink));
    if (shown.join() === this.#shown) return;
    this.#shown = shown.join();
    this.root.replaceChildren(...shown.map(entry));
  }
}

/** @param {number} ink */
function entry(ink) {
  return make("li", { title: t(`inkNote.${ink}`) }, make("span", { class: "swatch", "data-ink": ink, "data-shape": SHAPES[ink] ?? "none", "aria-hidden": "true" }), t(`ink.${ink}`));
}
