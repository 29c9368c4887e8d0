// @ts-check
/** The lanes' names beside the plot: a tree that folds, drawn only as far as it is visible. */
import { icon, make } from "../common/dom.js";
import { grouped } from "../common/format.js";
import { t } from "../common/i18n.js";
import { LaneKind } from "../generated/records.js";
import { kindName, laneName } from "./describe.js";
import { hasStrip, isQuiet } from "./layout.js";
import { holderInk, Ink } from "./paint/inks.js";

/** @typedef {import("./layout.js").Row} Row */
/** @typedef {{onFolded: (row: Row, open: boolean) => void, onChosen: (row: Row) => void, onHovered: (row: Row | null) => void}} Wishes */

export class Names {
  /** @type {{element: HTMLElement, row: Row | null, text: string}[]} */
  #pool = [];
  #focused = -1;
  #first = 0;
  #markPx = 0;
  /** @type {Row[]} */
  #rows = [];

  /** @param {HTMLElement} root @param {Wishes} wishes */
  constructor(root, wishes) {
    this.root = root;
    this.wishes = wishes;
    root.setAttribute("role", "tree");
    root.setAttribute("aria-label", t("timeline.lanes"));
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("pointerover", (event) => wishes.onHovered(this.#rowOf(event.target)));
    root.addEventListener("pointerleave", () => wishes.onHovered(null));
  }

  /**
   * @param {Row[]} rows those in sight @param {number} first the first one's number among all of them @param {number} count of all rows
   * @param {number} topPx of the names' box in the rows @param {number} markPx @param {number} selected lane's number, -1 none
   */
  draw(rows, first, count, topPx, markPx, selected) {
    this.#rows = rows;
    this.#first = first;
    this.#markPx = markPx;
    if (this.#focused >= count) this.#focused = -1;
    rows.forEach((row, i) => {
      const slot = (this.#pool[i] ??= this.#slot());
      this.#fill(slot, row, first + i, topPx, selected);
      slot.element.classList.toggle("has-strip", hasStrip(rows, i));
    });
    for (let i = rows.length; i < this.#pool.length; i++) /** @type {{element: HTMLElement}} */ (this.#pool[i]).element.hidden = true;
  }

  #slot() {
    const element = make("div", { class: "name", role: "treeitem", tabindex: -1 });
    this.root.append(element);
    return { element, row: /** @type {Row | null} */ (null), text: "" };
  }

  /** @param {{element: HTMLElement, row: Row | null, text: string}} slot @param {Row} row @param {number} index @param {number} topPx @param {number} selected */
  #fill(slot, row, index, topPx, selected) {
    const { element } = slot;
    const { lane } = row;
    const text = textOf(row);
    const key = `${row.kind}${lane.id}${text}${row.open}${row.foldable}`;
    element.hidden = false;
    element.style.transform = `translateY(${row.yPx - topPx}px)`;
    element.style.height = `${row.heightPx}px`;
    element.style.paddingTop = row.kind === "lane" && row.lane.marks.length ? `${this.#markPx}px` : "";
    element.dataset.index = String(index);
    element.tabIndex = index === Math.max(this.#focused, this.#first) ? 0 : -1;
    element.classList.toggle("is-selected", row.kind === "lane" && lane.id === selected);
    element.classList.toggle("is-quiet", isQuiet(lane)); // a process's memory becomes so when it gets a child
    if (slot.text === key) return;
    slot.text = key;
    slot.row = row;
    element.setAttribute("aria-level", String(row.depth + 1));
    if (row.foldable) element.setAttribute("aria-expanded", String(row.open));
    else element.removeAttribute("aria-expanded");
    element.style.setProperty("--depth", String(row.depth));
    element.dataset.kind = String(lane.kind);
    element.replaceChildren(...contents(row, text));
    element.title = row.kind === "density" ? text : `${kindName(lane)} · ${laneName(lane)}${lane.tid ? ` · tid ${lane.tid}` : ""}${lane.pid ? ` · pid ${lane.pid}` : ""}`;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = this.#rowOf(event.target);
    if (!row) return;
    const onTwist = event.target instanceof Element && event.target.closest(".twist");
    if (row.foldable && (onTwist || row.kind === "density")) this.wishes.onFolded(row, !row.open);
    else this.wishes.onChosen(row);
  }

  /** @param {EventTarget | null} target */
  #rowOf(target) {
    const element = target instanceof Element ? target.closest(".name") : null;
    return element instanceof HTMLElement ? (this.#rows[Number(element.dataset.index) - this.#first] ?? null) : null;
  }

  /** The keys of a tree (WAI-ARIA). @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event.target);
    if (!row) return;
    const index = this.#rows.indexOf(row) + this.#first;
    const open = event.key === "ArrowRight" ? true : event.key === "ArrowLeft" ? false : event.key === "Enter" || event.key === " " ? !row.open : null;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.focus(index + (event.key === "ArrowDown" ? 1 : -1));
    else if (open !== null && row.foldable) this.wishes.onFolded(row, open);
    else if (event.key === "Enter" || event.key === " ") this.wishes.onChosen(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} index */
  focus(index) {
    this.#focused = index;
    this.#pool.find(({ element }) => !element.hidden && Number(element.dataset.index) === index)?.element.focus();
  }
}

/** @param {Row} row */
function textOf(row) {
  if (row.kind === "density") return t("timeline.many", { n: grouped(row.members.length), kind: kindName(/** @type {any} */ (row.members[0])) });
  return laneName(row.lane);
}

/** @param {Row} row @param {string} text */
function contents(row, text) {
  const parts = [];
  const twist = make("span", { class: "twist" });
  if (row.foldable) twist.append(icon(row.open ? "fold" : "unfold"));
  parts.push(twist);
  if (row.kind === "lane" && row.lane.holder >= 0) parts.push(make("span", { class: "chip", "data-holder": holderInk(row.lane) - Ink.HOLDER }));
  parts.push(make("span", { class: "name-text" }, text));
  if (row.kind === "lane" && row.lane.kind === LaneKind.PROCESS) parts.push(make("span", { class: "name-note" }, `pid ${row.lane.pid}`));
  return parts;
}
