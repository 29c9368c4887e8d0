// @ts-check
/** The facts of a run below its picture: the most telling in sentences, all of them in tables, which say the picture in words too. */
import { icon, make } from "../common/dom.js";
import { lang, t } from "../common/i18n.js";
import { expectedList } from "./expected.js";
import { gilTable } from "./gils.js";
import { sentences } from "./sentences.js";
import { number } from "./table.js";
import { laneTable, LISTS } from "./threads.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./places.js").Place} Place */
/** @typedef {{onVisit: (place: Place) => void, onPointed: (lane: Lane | null) => void, onOpened: (open: boolean) => void}} Wishes */

export class FactsPanel {
  #said = make("div", { class: "facts-said" });
  #tables = make("div", { class: "facts-tables", id: "facts-tables", tabindex: 0, role: "region", "aria-label": t("facts.all"), hidden: true });
  #toggle = make("button", { class: "tool", type: "button", "aria-controls": "facts-tables", title: `${t("facts.all")} (T)` });
  /** @type {Model | null} */
  #model = null;

  /** @param {HTMLElement} root @param {Wishes} wishes */
  constructor(root, wishes) {
    this.root = root;
    this.wishes = wishes;
    this.#toggle.addEventListener("click", () => this.open(!this.isOpen));
    root.replaceChildren(make("div", { class: "facts-head" }, this.#said, this.#toggle), this.#tables);
    root.addEventListener("pointerover", (event) => this.#point(event.target));
    root.addEventListener("pointerleave", () => wishes.onPointed(null));
    this.open(false);
  }

  get isOpen() {
    return !this.#tables.hidden;
  }

  /** @param {boolean} open */
  open(open) {
    this.#tables.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
    this.#toggle.replaceChildren(icon(open ? "fold" : "unfold"), make("span", {}, t("facts.all")));
    document.body.dataset.facts = open ? "open" : "closed";
    this.wishes.onOpened(open);
  }

  /** There are none yet. */
  clear() {
    this.root.hidden = true;
    this.root.removeAttribute("aria-busy");
    this.#model = null;
  }

  /** They are on their way; their room is taken at once, so that nothing moves when they come. */
  expect() {
    this.root.hidden = false;
    this.root.setAttribute("aria-busy", "true");
    this.#toggle.hidden = true;
    this.#said.replaceChildren();
    this.#tables.replaceChildren();
  }

  /** They cannot be had. @param {string} why */
  missing(why) {
    this.root.hidden = false;
    this.root.removeAttribute("aria-busy");
    this.#toggle.hidden = true;
    this.#said.replaceChildren(make("p", { class: "quiet" }, `${t("facts.missing")} ${why}`));
    this.#tables.replaceChildren();
  }

  /** @param {Model} model the recording they were made of, whole @param {Record<string, any>} facts */
  show(model, facts) {
    this.#model = model;
    this.root.hidden = false;
    this.root.removeAttribute("aria-busy");
    this.#toggle.hidden = false;
    const visit = this.wishes.onVisit;
    const pieces = sentences(model, facts).flatMap((sentence) => [...sentence.map((piece) => (typeof piece === "string" ? piece : number(piece, visit))), lang() === "zh" ? "" : " "]);
    const expected = expectedList(model, facts.expected, visit);
    this.#said.replaceChildren(...(expected ? [expected] : []), make("p", {}, ...pieces));
    const lists = /** @type {(keyof typeof LISTS)[]} */ (Object.keys(LISTS)).filter((list) => facts[list].length);
    this.#tables.replaceChildren(...lists.map((list) => laneTable(model, facts, list, visit)), ...(facts.gils.length ? [gilTable(model, facts.gils, visit)] : []));
  }

  /** The thread whose row the pointer is in. @param {EventTarget | null} target */
  #point(target) {
    const element = target instanceof Element ? (target.closest("[data-lane]") ?? target.closest("tr")?.querySelector("[data-lane]")) : null;
    const lane = element instanceof HTMLElement ? this.#model?.lanes[Number(element.dataset.lane)] : null;
    this.wishes.onPointed(lane ?? null);
  }
}
