// @ts-check
/** Pieces the tables of the facts are made of: cells, numbers that lead to their spans, thin bars. */
import { make } from "../common/dom.js";
import { exact } from "../common/format.js";
import { t } from "../common/i18n.js";
import { laneName } from "../timeline/describe.js";
import { holderInk, Ink } from "../timeline/paint/inks.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./places.js").Place} Place */
/** @typedef {import("./sentences.js").Figure} Fact */
/** @typedef {(place: Place) => void} Visit */

/** A number as a button that goes to where it comes from. @param {Fact} fact @param {Visit} visit @param {...(Node | string)} children in place of its text */
export function number({ text, fact, value, place }, visit, ...children) {
  const title = fact.endsWith("_ns") ? exact(value) : null;
  const button = make("button", { class: "number", type: "button", "data-fact": fact, "data-value": value, title }, ...(children.length ? children : [text]));
  button.addEventListener("click", () => visit(place()));
  return button;
}

/** A thread's name with its colour. @param {Lane} lane @param {boolean} [withPid] where there are several processes */
export function laneLabel(lane, withPid = false) {
  const chip = lane.holder >= 0 ? make("span", { class: "chip", "data-holder": holderInk(lane) - Ink.HOLDER, "aria-hidden": "true" }) : null;
  return make("span", { class: "lane-label", "data-lane": lane.id, title: laneName(lane) }, chip, make("span", { class: "lane-label-text" }, laneName(lane)), withPid ? make("span", { class: "quiet" }, `pid ${lane.pid}`) : null);
}

/** A thin bar of that share of one. @param {number} share @param {string} [kind] */
export function shareBar(share, kind = "share") {
  const bar = make("span", { class: kind, "aria-hidden": "true" });
  bar.style.setProperty("--share", String(Math.min(Math.max(share, 0), 1)));
  return bar;
}

/** What no observer gave. @param {string} why */
export const absent = (why) => make("span", { class: "quiet", title: why || null }, t("facts.absent"));

/**
 * A table whose cells keep their column's name, so that a narrow screen can show each row as a list.
 * @param {string} caption @param {string[]} heads @param {Node[][]} rows the first cell of each names its row
 */
export function factTable(caption, heads, rows) {
  const head = make("tr", { role: "row" }, ...heads.map((text) => make("th", { scope: "col", role: "columnheader" }, text)));
  const body = rows.map((cells) => make("tr", { role: "row" }, ...cells.map((cell, i) => make(i ? "td" : "th", i ? { role: "cell", "data-label": heads[i] } : { scope: "row", role: "rowheader" }, cell))));
  return make("table", { class: "facts-table", role: "table" }, make("caption", {}, caption), make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...body));
}

/** Several things in one cell. @param {...(Node | string | null)} parts */
export const cell = (...parts) => make("div", { class: "cell" }, ...parts);
