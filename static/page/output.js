// @ts-check
/** What the program wrote, line by line, with the time of each line's beginning. Text nodes only. */
import { make } from "../common/dom.js";
import { columnDuration } from "../common/format.js";
import { t } from "../common/i18n.js";
import { Stream } from "../generated/records.js";
import { Ansi } from "./ansi.js";

/** @typedef {import("../recording/model.js").Output} Output */

const MOST_LINES = 3000;

/** One of the program's two streams being put together. */
class Pen {
  decoder = new TextDecoder();
  ansi = new Ansi();
  /** @type {HTMLElement | null} */
  line = null;
}

export class OutputPanel {
  #taken = 0;
  #lines = 0;
  #dropped = 0;
  /** @type {number | null} */
  #untilNs = null;
  /** @type {Map<number, Pen>} */
  #pens = new Map();

  /** @param {HTMLElement} root @param {(tNs: number) => void} onTime a line was chosen */
  constructor(root, onTime) {
    this.root = root;
    this.note = make("p", { class: "quiet", hidden: true });
    this.list = make("ol", { class: "output-lines" });
    root.replaceChildren(this.note, this.list);
    this.list.addEventListener("click", (event) => {
      const line = event.target instanceof Element ? event.target.closest("li") : null;
      if (line instanceof HTMLElement && !getSelection()?.toString()) onTime(Number(line.dataset.t));
    });
  }

  clear() {
    [this.#taken, this.#lines, this.#dropped] = [0, 0, 0];
    this.#pens.clear();
    this.list.replaceChildren();
    this.note.hidden = true;
  }

  /** Adds what has come since. @param {Output[]} output */
  draw(output) {
    if (this.#taken === output.length) return;
    const atEnd = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 24;
    for (; this.#taken < output.length; this.#taken++) this.#write(/** @type {Output} */ (output[this.#taken]));
    this.#bound();
    if (atEnd) this.root.scrollTop = this.root.scrollHeight;
  }

  /** Lines of later than that are not there yet; null for none. @param {number | null} tNs */
  showUntil(tNs) {
    if (tNs === null && this.#untilNs === null) return;
    this.#untilNs = tNs;
    let last = null;
    for (const line of this.list.children) {
      const later = tNs !== null && Number(/** @type {HTMLElement} */ (line).dataset.t) > tNs;
      line.classList.toggle("is-later", later);
      if (!later) last = line;
    }
    if (tNs === null || !last) this.root.scrollTop = tNs === null ? this.root.scrollHeight : 0;
    else last.scrollIntoView({ block: "nearest" });
  }

  /** @param {Output} output */
  #write({ t: tNs, stream, bytes }) {
    let pen = this.#pens.get(stream);
    if (!pen) this.#pens.set(stream, (pen = new Pen()));
    for (const { text, color, bold } of pen.ansi.push(pen.decoder.decode(bytes, { stream: true }))) {
      text.split("\n").forEach((part, i) => {
        if (i > 0) pen.line = null;
        if (part) this.#put(pen, part.replace(/\r$/, ""), color, bold, stream, tNs);
      });
    }
  }

  /** @param {Pen} pen @param {string} text @param {number} color @param {boolean} bold @param {number} stream @param {number} tNs */
  #put(pen, text, color, bold, stream, tNs) {
    pen.line ??= this.#begin(stream, tNs);
    const styled = color >= 0 || bold;
    pen.line.append(styled ? make("span", { "data-color": color >= 0 ? color : null, "data-bold": bold }, text) : text);
  }

  /** @param {number} stream @param {number} tNs */
  #begin(stream, tNs) {
    const text = make("span", { class: "output-text" });
    const line = make("li", { "data-t": tNs, class: stream === Stream.STDERR ? "is-error" : null }, make("span", { class: "output-time" }, columnDuration(tNs)), text);
    this.list.append(line);
    this.#lines++;
    return text;
  }

  /** The newest lines stay; how many older ones are not shown is said. */
  #bound() {
    for (; this.#lines > MOST_LINES; this.#lines--, this.#dropped++) this.list.firstElementChild?.remove();
    this.note.hidden = this.#dropped === 0;
    if (this.#dropped) this.note.textContent = t("output.dropped", { n: this.#dropped });
  }
}
