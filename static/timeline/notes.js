// @ts-check
/** What the picture leaves out, said beside its legend: arrows that are too many, rows for which there is no room. */
import { need } from "../common/dom.js";
import { t } from "../common/i18n.js";

export class Notes {
  #arrows;
  #rows;
  #leftOut = 0;

  /** @param {HTMLElement} root of the timeline */
  constructor(root) {
    this.#arrows = need(".arrows-note", root);
    this.#rows = need(".rows-note", root);
  }

  /** @param {boolean} hiddenArrows @param {number} leftOut rows */
  draw(hiddenArrows, leftOut) {
    this.#arrows.hidden = !hiddenArrows;
    if (leftOut === this.#leftOut) return;
    this.#leftOut = leftOut;
    this.#rows.hidden = leftOut === 0;
    this.#rows.textContent = t("timeline.leftOut", { n: leftOut });
  }
}
