// @ts-check
/** The field that finds lanes and bars, and goes from one to the next. */
import { need } from "../common/dom.js";
import { grouped } from "../common/format.js";
import { t } from "../common/i18n.js";
import { find, MOST_FOUND } from "../timeline/search.js";

/** @typedef {import("../timeline/timeline.js").Timeline} Timeline */

export class SearchBox {
  /** @type {import("../timeline/describe.js").BarRef[]} */
  #found = [];
  #at = -1;
  #asked = "";

  /** @param {Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    this.field = /** @type {HTMLInputElement} */ (need("#find"));
    this.note = need("#find-count");
    this.field.addEventListener("input", () => this.#ask());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    need("#find-next").addEventListener("click", () => this.go(1));
    need("#find-previous").addEventListener("click", () => this.go(-1));
  }

  open() {
    this.field.focus();
    this.field.select();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      this.field.value = "";
      this.#ask();
      this.field.blur();
    } else if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
  }

  #ask() {
    const { model } = this.timeline;
    this.#asked = `${model.version} ${this.field.value}`;
    this.#found = find(model, this.field.value);
    this.#at = -1;
    this.#say();
  }

  /** @param {1 | -1} by */
  go(by) {
    // A live run may have more by now.
    if (this.#asked !== `${this.timeline.model.version} ${this.field.value}`) this.#refind();
    const { length } = this.#found;
    if (!length) return this.#say();
    this.#at = this.#at < 0 ? this.#nearest(by) : (this.#at + by + length) % length;
    this.timeline.select(/** @type {import("../timeline/describe.js").BarRef} */ (this.#found[this.#at]), true);
    this.#say();
  }

  #refind() {
    const at = this.#at;
    this.#ask();
    this.#at = Math.min(at, this.#found.length - 1);
  }

  /** The first one in sight, or the last before. @param {1 | -1} by */
  #nearest(by) {
    const first = this.#found.findIndex(({ lane, index }) => lane.startOf(index) >= this.timeline.view.startNs);
    if (by > 0) return Math.max(first, 0);
    return (first < 0 ? this.#found.length : first) - 1 < 0 ? this.#found.length - 1 : (first < 0 ? this.#found.length : first) - 1;
  }

  #say() {
    const { length } = this.#found;
    const count = `${grouped(length)}${length >= MOST_FOUND ? "+" : ""}`;
    this.note.textContent = !this.field.value.trim() ? "" : !length ? t("find.none") : this.#at < 0 ? count : `${grouped(this.#at + 1)} / ${count}`;
    for (const id of ["#find-next", "#find-previous"]) /** @type {HTMLButtonElement} */ (need(id)).disabled = !length;
  }
}
