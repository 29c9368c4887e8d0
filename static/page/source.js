// @ts-check
/** The script with line numbers; the line of the selected bar is lit. The header document at its top is folded away; while projecting, the imports too. */
import { icon, make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { isProjector } from "./projector.js";
import { docstringLines, linesBeforeIdea, tokenize } from "./python.js";
import { onRestyled } from "./theme.js";

const FOLDED_FROM = 4;

export class SourcePanel {
  /** @type {HTMLElement[]} */
  #lines = [];
  #shown = "";
  #lit = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    onRestyled(() => this.#draw());
  }

  /** @param {string} source */
  show(source) {
    if (source === this.#shown) return;
    this.#shown = source;
    this.#lit = 0;
    const tokens = tokenize(source.replace(/\n$/, ""));
    this.#lines = tokens.map((line, i) => make("li", { "data-line": i + 1 }, make("span", { class: "line-number" }, String(i + 1)), make("code", {}, ...line.map(piece))));
    this.#draw();
  }

  #draw() {
    const folded = isProjector() ? linesBeforeIdea(this.#shown) : docstringLines(this.#shown);
    const list = make("ol", { class: "source-lines" });
    if (folded >= FOLDED_FROM) list.append(this.#fold(folded), ...this.#lines.slice(folded));
    else list.append(...this.#lines);
    this.root.replaceChildren(list);
  }

  /** @param {number} count */
  #fold(count) {
    const summary = make("button", { class: "source-fold", "aria-expanded": "false" }, icon("unfold"), t(isProjector() ? "source.before" : "source.header", { n: count }));
    const item = make("li", { class: "fold-row" }, summary);
    summary.addEventListener("click", () => {
      const open = summary.getAttribute("aria-expanded") !== "true";
      summary.setAttribute("aria-expanded", String(open));
      summary.replaceChildren(icon(open ? "fold" : "unfold"), t(isProjector() ? "source.before" : "source.header", { n: count }));
      if (open) item.after(...this.#lines.slice(0, count));
      else for (const line of this.#lines.slice(0, count)) line.remove();
    });
    return item;
  }

  /** Lights one line, none for 0. @param {number} line from 1 */
  light(line) {
    if (line === this.#lit) return;
    this.#lines[this.#lit - 1]?.classList.remove("is-lit");
    this.#lit = line;
    const lit = this.#lines[line - 1];
    if (!lit) return;
    lit.classList.add("is-lit");
    this.#bringIntoSight(lit);
  }

  /** Only this panel scrolls, never the page. @param {HTMLElement} line */
  #bringIntoSight(line) {
    const [panel, box] = [this.root.getBoundingClientRect(), line.getBoundingClientRect()];
    if (box.top < panel.top || box.bottom > panel.bottom) this.root.scrollTop += box.top - panel.top - panel.height / 2;
  }
}

/** @param {import("./python.js").Token} token */
function piece({ kind, text }) {
  return kind === "text" || kind === "name" ? text : make("span", { class: `py-${kind}` }, text);
}
