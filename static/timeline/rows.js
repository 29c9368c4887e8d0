// @ts-check
/** The rows as they stand on the plot: laid out anew when something has changed, and asked where things are. No DOM. */
import { barAt } from "./hit.js";
import { Folding, layoutInto, rowAt, visibleRows } from "./layout.js";
import { barBox } from "./paint/scene.js";
import { timeToPx } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./layout.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */
/** @typedef {import("./paint/palette.js").Palette} Palette */

export class Rows {
  /** @type {Row[]} */
  all = [];
  /** @type {Map<Lane, Row>} */
  of = new Map();
  /** How far the rows are scrolled. */
  topPx = 0;
  #folding = new Folding();
  #laidOut = "";
  #heightPx = 0;
  #base;

  /** @param {Palette} base as the style sheet says; rows may be given more room than that */
  constructor(base) {
    this.palette = this.#base = base;
  }

  /** Another run. */
  reset() {
    this.#folding = new Folding();
    this.#laidOut = "";
  }

  /** @param {Palette} base */
  restyle(base) {
    this.palette = this.#base = base;
    this.#laidOut = "";
  }

  /** @param {Row} row @param {boolean} open */
  fold(row, open) {
    this.#folding.set(row.lane, row.kind, open);
    this.#laidOut = "";
  }

  /** Unfolds whatever a lane is hidden under. @param {Lane} lane */
  openTo(lane) {
    this.#folding.openTo(lane);
    this.#laidOut = "";
  }

  /** The height of everything, the axis included, if it was laid out anew; else null. @param {Model} model @param {number} plotPx the plot's height */
  layOut(model, plotPx) {
    const key = `${model.treeVersion} ${plotPx}`;
    if (key === this.#laidOut) return null;
    this.#laidOut = key;
    this.#heightPx = plotPx;
    const { rows, heightPx, heights } = layoutInto(model.machine, this.#folding, this.#base.heights, plotPx - this.#base.axisPx);
    this.all = rows;
    this.of = new Map(rows.filter((row) => row.kind === "lane").map((row) => [row.lane, row]));
    this.palette = { ...this.#base, heights };
    return heightPx + this.palette.axisPx;
  }

  /** Those in sight, and the number of the first. @returns {{rows: Row[], first: number}} */
  get visible() {
    const [first, stop] = visibleRows(this.all, this.topPx, this.topPx + this.#heightPx);
    return { rows: this.all.slice(first, stop), first };
  }

  /** A row's top on the plot. @param {Row} row */
  yOf(row) {
    return this.palette.axisPx + row.yPx - this.topPx;
  }

  /** @param {number} yPx of the plot */
  at(yPx) {
    if (yPx < this.palette.axisPx) return null;
    return this.all[rowAt(this.all, yPx - this.palette.axisPx + this.topPx)] ?? null;
  }

  /** @param {View} view @param {number} edgeNs @param {number} xPx @param {number} yPx */
  barAt(view, edgeNs, xPx, yPx) {
    const row = this.at(yPx);
    return row && barAt(row, view, edgeNs, xPx);
  }

  /** Where a bar lies on the plot; null while its row is folded away. @param {View} view @param {number} edgeNs @param {BarRef} bar */
  boxOf(view, edgeNs, { lane, index }) {
    const row = this.of.get(lane);
    if (!row) return null;
    const x = timeToPx(view, lane.startOf(index));
    const right = timeToPx(view, lane.endOf(index, lane.endNs(edgeNs)));
    return { x, width: Math.max(right - x, 2), ...barBox(row, this.yOf(row), this.palette) };
  }

  /** From the middle of what woke to the near edge of what was woken, as on the plot; null while either is folded away. @param {View} view @param {import("./waker.js").Waking} waking */
  arrowOf(view, { from, fromNs, to, toNs }) {
    const [above, below] = [this.of.get(from.lane), this.of.get(to)];
    if (!above || !below) return null;
    const [a, b] = [barBox(above, this.yOf(above), this.palette), barBox(below, this.yOf(below), this.palette)];
    const [x, y] = [timeToPx(view, fromNs), a.y + a.height / 2];
    return { x, y, width: timeToPx(view, toNs) - x, height: (b.y > a.y ? b.y : b.y + b.height) - y };
  }

  /** How far to scroll so that a lane's row is in sight; null while it is folded away. @param {Lane} lane */
  scrollFor(lane) {
    const row = this.of.get(lane);
    if (!row) return null;
    const roomPx = this.#heightPx - this.palette.axisPx - row.heightPx;
    return Math.min(Math.max(this.topPx, row.yPx - roomPx), row.yPx);
  }
}
