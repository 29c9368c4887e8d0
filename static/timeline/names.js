// @ts-check
/** The lanes' names beside the plot: a tree that folds, drawn only as far as it is visible. */
import { icon, make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { familyText, kindName, laneName } from "./describe.js";
import { isQuiet } from "./layout.js";
import { hasStrip } from "./rowlist.js";
import { holderInk, Ink } from "./paint/inks.js";

/** @typedef {import("./rowlist.js").Row} Row */
/** @typedef {{onFolded: (row: Row, open: boolean) => void, onChosen: (row: Row) => void, onHovered: (row: Row | null) => void, onPinned: (row: Row) => void, onMoved: (row: Row, by: 1 | -1) => void}} Wishes */

const DRAG_PX = 6;

export class Names {
  /** @type {{element: HTMLElement, row: Row | null, text: string}[]} */
  #pool = [];
  #focused = -1;
  /** @type {Map<number, Row>} those drawn, by their number among all of them */
  #rows = new Map();

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
    this.#drag();
  }

  /** @param {import("./rows.js").Rows} rows @param {number} selected lane's number, -1 none @param {(lane: import("../recording/lane.js").Lane) => string} noteOf what stands small beside a name */
  draw(rows, selected, noteOf) {
    const { pinned, rows: inSight, first } = rows.visible;
    if (this.#focused >= rows.all.length) this.#focused = -1;
    const shown = [...pinned.map((row, i) => ({ row, index: i })), ...inSight.map((row, i) => ({ row, index: first + i }))];
    this.#rows = new Map(shown.map(({ row, index }) => [index, row]));
    const held = this.#pool.find(({ element }) => element === document.activeElement)?.row ?? null;
    const stop = this.#rows.has(this.#focused) ? this.#focused : (shown[0]?.index ?? 0);
    shown.forEach(({ row, index }, i) => {
      const slot = (this.#pool[i] ??= this.#slot());
      this.#fill(slot, row, index, rows.yOf(row), index === stop, selected, row.kind === "lane" ? noteOf(row.lane) : "");
      slot.element.classList.toggle("has-strip", hasStrip(shown.map((one) => one.row), i));
      slot.element.classList.toggle("is-last-pinned", i === pinned.length - 1);
    });
    for (let i = shown.length; i < this.#pool.length; i++) /** @type {{element: HTMLElement}} */ (this.#pool[i]).element.hidden = true;
    if (held) this.#keepFocus(held);
  }

  /** The elements are used for other rows when rows come and go; the focus stays with its row. @param {Row} held */
  #keepFocus(held) {
    const same = this.#pool.find(({ element, row }) => !element.hidden && row?.lane === held.lane && row.kind === held.kind && row.pinned === held.pinned);
    if (same && same.element !== document.activeElement) same.element.focus({ preventScroll: true });
  }

  #slot() {
    const element = make("div", { class: "name", role: "treeitem", tabindex: -1 });
    this.root.append(element);
    return { element, row: /** @type {Row | null} */ (null), text: "" };
  }

  /** @param {{element: HTMLElement, row: Row | null, text: string}} slot @param {Row} row @param {number} index @param {number} yPx @param {boolean} stop is it what the Tab key comes to? @param {number} selected @param {string} note */
  #fill(slot, row, index, yPx, stop, selected, note) {
    const { element } = slot;
    const { lane } = row;
    const text = textOf(row);
    const key = `${row.kind}${lane.id}${text}${note}${row.open}${row.foldable}${row.pinned}`;
    element.hidden = false;
    element.style.transform = `translateY(${yPx}px)`;
    element.style.height = `${row.heightPx}px`;
    element.style.paddingTop = row.flagsPx ? `${row.flagsPx}px` : "";
    element.dataset.index = String(index);
    element.tabIndex = stop ? 0 : -1;
    element.classList.toggle("is-pinned", row.pinned);
    element.classList.toggle("is-selected", row.kind === "lane" && lane.id === selected);
    element.classList.toggle("is-quiet", isQuiet(lane)); // a process's memory becomes so when it gets a child
    if (slot.text === key) return;
    slot.text = key;
    slot.row = row;
    element.setAttribute("aria-level", String(row.depth + 1));
    if (row.foldable) element.setAttribute("aria-expanded", String(row.open));
    else element.removeAttribute("aria-expanded");
    element.style.setProperty("--depth", String(row.depth));
    element.dataset.kind = row.kind === "lane" ? String(lane.kind) : "";
    element.dataset.row = row.kind;
    element.replaceChildren(...contents(row, text, note));
    element.title = row.kind === "density" ? text : `${kindName(lane)} · ${laneName(lane)}${lane.tid ? ` · tid ${lane.tid}` : ""}${lane.pid ? ` · pid ${lane.pid}` : ""}`;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = this.#rowOf(event.target);
    if (!row) return;
    if (event.target instanceof Element && event.target.closest(".pin")) return this.wishes.onPinned(row);
    const onTwist = event.target instanceof Element && event.target.closest(".twist");
    if (row.foldable && (onTwist || row.kind === "density")) this.wishes.onFolded(row, !row.open);
    else this.wishes.onChosen(row);
  }

  /** @param {EventTarget | null} target */
  #rowOf(target) {
    const element = target instanceof Element ? target.closest(".name") : null;
    return element instanceof HTMLElement ? (this.#rows.get(Number(element.dataset.index)) ?? null) : null;
  }

  /** The keys of a tree (WAI-ARIA). @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event.target);
    if (!row) return;
    const index = Number(/** @type {HTMLElement} */ (event.target).dataset.index);
    const open = event.key === "ArrowRight" ? true : event.key === "ArrowLeft" ? false : event.key === "Enter" || event.key === " " ? !row.open : null;
    const down = event.key === "ArrowDown" ? 1 : -1;
    if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) this.#moved(row, index, down);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.focus(index + (event.key === "ArrowDown" ? 1 : -1));
    else if (open !== null && row.foldable) this.wishes.onFolded(row, open);
    else if (event.key === "Enter" || event.key === " ") this.wishes.onChosen(row);
    else if (event.key.toLowerCase() === "i" && row.kind === "lane") this.wishes.onPinned(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The focus goes along with a row that is moved. @param {Row} row @param {number} index @param {1 | -1} by */
  #moved(row, index, by) {
    if (row.kind !== "lane" || row.pinned) return;
    this.wishes.onMoved(row, by);
    requestAnimationFrame(() => this.focus([...this.#rows].find(([, one]) => one.lane === row.lane && one.kind === "lane" && !one.pinned)?.[0] ?? index));
  }

  /** A name is dragged up and down past its neighbours. */
  #drag() {
    /** @type {{row: Row, yPx: number, dragged: boolean} | null} */
    let held = null;
    this.root.addEventListener("pointerdown", (event) => {
      const row = this.#rowOf(event.target);
      const onButton = event.target instanceof Element && event.target.closest(".twist, .pin");
      held = row?.kind === "lane" && !row.pinned && !onButton && event.pointerType === "mouse" ? { row, yPx: event.clientY, dragged: false } : null;
    });
    this.root.addEventListener("pointermove", (event) => {
      if (!held) return;
      const dy = event.clientY - held.yPx;
      if (!held.dragged && Math.abs(dy) > DRAG_PX) {
        held.dragged = true;
        this.root.setPointerCapture(event.pointerId);
      }
      if (Math.abs(dy) < held.row.heightPx) return;
      this.wishes.onMoved(held.row, dy > 0 ? 1 : -1);
      held.yPx += Math.sign(dy) * held.row.heightPx;
    });
    this.root.addEventListener("pointerup", () => {
      // The click that follows a drag chooses nothing.
      if (held?.dragged) this.root.addEventListener("click", (event) => event.stopImmediatePropagation(), { capture: true, once: true });
      held = null;
    });
  }

  /** @param {number} index */
  focus(index) {
    this.#focused = index;
    this.#pool.find(({ element }) => !element.hidden && Number(element.dataset.index) === index)?.element.focus();
  }
}

/** @param {Row} row */
const textOf = (row) => (row.family ? familyText(row.family) : laneName(row.named ?? row.lane));

/** @param {Row} row @param {string} text @param {string} note */
function contents(row, text, note) {
  const parts = [];
  const twist = make("span", { class: "twist" });
  if (row.foldable) twist.append(icon(row.open ? "fold" : "unfold"));
  parts.push(twist);
  if (row.kind === "lane" && row.lane.holder >= 0) parts.push(make("span", { class: "chip", "data-holder": holderInk(row.lane) - Ink.HOLDER }));
  parts.push(make("span", { class: "name-text" }, text));
  if (note) parts.push(make("span", { class: "name-note" }, note));
  if (row.kind === "lane") parts.push(make("button", { class: "pin", type: "button", tabindex: -1, title: t(row.pinned ? "timeline.unpin" : "timeline.pin"), "aria-label": t(row.pinned ? "timeline.unpin" : "timeline.pin") }, icon("pin")));
  return parts;
}
