// @ts-check
/** The lanes' names beside the plot: a tree that folds, drawn only as far as it is visible. */
import { icon, make } from "../common/dom.js";
import { grouped } from "../common/format.js";
import { t } from "../common/i18n.js";
import { LaneKind } from "../generated/records.js";
import { kindName, laneName } from "./describe.js";
import { holderInk, Ink } from "./paint/inks.js";

/** @typedef {import("./layout.js").Row} Row */
/** @typedef {{onFolded: (row: Row, open: boolean) => void, onChosen: (row: Row) => void}} Wishes */

/** Kinds whose own word says more than their name alone. @type {Set<number>} */
const TOLD = new Set([LaneKind.PROCESS, LaneKind.CORE]);

export class Names {
  /** @type {{element: HTMLElement, row: Row | null, text: string}[]} */
  #pool = [];
  #focused = -1;
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
  }

  /**
   * @param {Row[]} rows @param {number} first @param {number} stop @param {number} topPx of the names' box in the rows @param {number} selected lane's number, -1 none
   */
  draw(rows, first, stop, topPx, selected) {
    this.#rows = rows;
    for (let i = 0; i < stop - first; i++) {
      const slot = (this.#pool[i] ??= this.#slot());
      this.#fill(slot, /** @type {Row} */ (rows[first + i]), first + i, topPx, selected);
    }
    for (let i = stop - first; i < this.#pool.length; i++) /** @type {{element: HTMLElement}} */ (this.#pool[i]).element.hidden = true;
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
    element.dataset.index = String(index);
    element.tabIndex = index === Math.max(this.#focused, 0) ? 0 : -1;
    element.classList.toggle("is-selected", row.kind === "lane" && lane.id === selected);
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
    return element instanceof HTMLElement ? (this.#rows[Number(element.dataset.index)] ?? null) : null;
  }

  /** The keys of a tree (WAI-ARIA). @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event.target);
    if (!row) return;
    const index = this.#rows.indexOf(row);
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
    if (index < 0 || index >= this.#rows.length) return;
    this.#focused = index;
    const slot = this.#pool.find(({ element }) => !element.hidden && Number(element.dataset.index) === index);
    const row = this.#rows[index];
    if (slot) slot.element.focus();
    else if (row) this.wishes.onChosen(row);
  }
}

/** @param {Row} row */
function textOf(row) {
  if (row.kind === "density") return t("timeline.many", { n: grouped(row.members.length), kind: kindName(/** @type {any} */ (row.members[0])) });
  return TOLD.has(row.lane.kind) ? `${kindName(row.lane)} ${row.lane.kind === LaneKind.PROCESS ? row.lane.pid : laneName(row.lane)}` : laneName(row.lane);
}

/** @param {Row} row @param {string} text */
function contents(row, text) {
  const parts = [];
  const twist = make("span", { class: "twist" });
  if (row.foldable) twist.append(icon(row.open ? "fold" : "unfold"));
  parts.push(twist);
  if (row.kind === "lane" && row.lane.holder >= 0) parts.push(make("span", { class: "chip", "data-holder": holderInk(row.lane) - Ink.HOLDER }));
  parts.push(make("span", { class: "name-text" }, text));
  if (row.kind === "lane" && row.lane.kind === LaneKind.PROCESS && row.lane.name) parts.push(make("span", { class: "name-note" }, row.lane.name));
  return parts;
}
