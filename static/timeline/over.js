// @ts-check
/** What follows the pointer and the selection without the bars being drawn anew: overlay, tooltip, the time at the cursor. */
import { need } from "../common/dom.js";
import { exact } from "../common/format.js";
import { Overlay } from "./overlay.js";
import { contentsAt, Tooltip } from "./tooltip.js";
import { pxToTime } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./viewport.js").View} View */
/**
 * @typedef {object} Below what lies under it
 * @property {Model} model @property {import("./rows.js").Rows} rows @property {View} view @property {number} edgeNs
 * @property {number} heightPx @property {number} scale device pixels per CSS pixel
 * @property {number | null} cursorNs the time that is looked at @property {BarRef | null} selected @property {import("./waker.js").Waking | null} waking what woke it
 */

export class Over {
  /** @type {{x: number, y: number} | null} */
  pointer = null;
  /** A measured stretch of time. @type {[number, number] | null} */
  measure = null;

  /** @param {HTMLElement} root of the timeline */
  constructor(root) {
    this.overlay = new Overlay(/** @type {HTMLCanvasElement} */ (need(".plot-overlay", root)));
    this.tooltip = new Tooltip(need(".plot", root));
    this.cursorNote = need(".cursor", root);
  }

  /** @param {Below} below */
  draw(below) {
    const { model, rows, view, edgeNs, heightPx, scale, selected, waking, cursorNs } = below;
    const { pointer, measure } = this;
    const pointedNs = pointer ? pxToTime(view, pointer.x) : null;
    const saidNs = pointedNs ?? cursorNs;
    const hovered = pointer && rows.barAt(view, edgeNs, pointer.x, pointer.y);
    const boxOf = (/** @type {BarRef} */ bar) => rows.boxOf(view, edgeNs, bar);
    const arrow = waking && rows.arrowOf(view, waking);
    this.overlay.draw({ view, heightPx, scale, palette: rows.palette, pointedNs, cursorNs, fromPx: rows.fromPx, hovered, selected, boxOf, measure, arrow });
    this.cursorNote.textContent = saidNs !== null && saidNs >= 0 ? exact(saidNs) : "";
    const contents = pointer && contentsAt(model, rows, view, edgeNs, pointer);
    if (contents) this.tooltip.show(contents, pointer.x, pointer.y);
    else this.tooltip.hide();
  }
}
