// @ts-check
/** The rows as they stand on the plot: laid out anew when something has changed, and asked where things are. No DOM. */
import { Arrangement } from "./arrangement.js";
import { Families } from "./families.js";
import { barAt } from "./hit.js";
import { layoutInto } from "./layout.js";
import { RowList } from "./rowlist.js";
import { barBox } from "./paint/box.js";
import { timeToPx } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./rowlist.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */
/** @typedef {import("./paint/palette.js").Palette} Palette */

export class Rows {
  all = new RowList();
  /** How many there is no room for, where everything must be in sight. */
  leftOut = 0;
  /** How far the rows are scrolled. */
  topPx = 0;
  arrangement = new Arrangement();
  #families = new Families();
  #laidOut = "";
  #heightPx = 0;
  #base;

  /** @param {Palette} base as the style sheet says; rows may be given more room than that */
  constructor(base) {
    this.palette = this.#base = base;
  }

  /** Another run. @param {Model} [model] */
  reset(model) {
    this.arrangement = new Arrangement();
    this.regroup(model);
  }

  /** The lanes are others now. @param {Model} [model] */
  regroup(model) {
    this.#families = new Families(model?.derived);
    this.#laidOut = "";
  }

  /** @param {Palette} base */
  restyle(base) {
    this.palette = this.#base = base;
    this.#laidOut = "";
  }

  /** Something about them was arranged anew. @param {(arrangement: Arrangement) => void} change */
  arrange(change) {
    change(this.arrangement);
    this.#laidOut = "";
  }

  /** Unfolds whatever a lane is hidden under. @param {Lane} lane */
  openTo(lane) {
    this.arrange((arrangement) => arrangement.openTo(lane, this.#families));
  }

  /** A lane changes places with its neighbour. @param {Lane} lane @param {1 | -1} by */
  move(lane, by) {
    const siblings = this.all.fixed.filter((row) => row.kind === "lane" && !row.pinned && row.lane.parent === lane.parent).map((row) => row.lane);
    this.arrange((arrangement) => arrangement.move(lane, siblings, by));
  }

  /** The height of everything, the axis included, if it was laid out anew; else null. @param {Model} model @param {number} plotPx the plot's height */
  layOut(model, plotPx) {
    const key = `${model.treeVersion} ${plotPx}`;
    if (key === this.#laidOut) return null;
    this.#laidOut = key;
    this.#heightPx = plotPx;
    const { rows, heights, leftOut } = layoutInto(model.lanes, this.arrangement, this.#families, this.#base.heights, plotPx - this.#base.axisPx);
    this.all = rows;
    this.leftOut = leftOut;
    this.palette = { ...this.#base, heights };
    return rows.heightPx + this.palette.axisPx;
  }

  /** Where the rows that scroll begin on the plot. */
  get fromPx() {
    return this.palette.axisPx + this.all.pinnedPx;
  }

  /** Those in sight, pinned ones first, and the number of the first of the others. @returns {{rows: Row[], pinned: Row[], first: number}} */
  get visible() {
    const { pinnedPx } = this.all;
    const pinned = pinnedPx ? this.all.between(0, pinnedPx).rows : [];
    return { pinned, ...this.all.between(this.topPx + pinnedPx, this.topPx + this.#heightPx - this.palette.axisPx) };
  }

  /** A lane's row, wherever it stands. @param {Lane} lane */
  of(lane) {
    return this.all.rowOf(lane);
  }

  /** A row's top on the plot. @param {Row} row */
  yOf(row) {
    return this.palette.axisPx + row.yPx - (row.pinned ? 0 : this.topPx);
  }

  /** @param {number} yPx of the plot */
  at(yPx) {
    const { axisPx } = this.palette;
    if (yPx < axisPx) return null;
    const scrolledPx = yPx < this.fromPx ? 0 : this.topPx;
    return this.all.at(this.all.indexAt(yPx - axisPx + scrolledPx));
  }

  /** @param {View} view @param {number} edgeNs @param {number} xPx @param {number} yPx */
  barAt(view, edgeNs, xPx, yPx) {
    const row = this.at(yPx);
    return row && barAt(row, view, edgeNs, xPx);
  }

  /** Where a bar lies on the plot; null while its row is folded away. @param {View} view @param {number} edgeNs @param {BarRef} bar */
  boxOf(view, edgeNs, { lane, index }) {
    const row = this.of(lane);
    if (!row) return null;
    const x = timeToPx(view, lane.startOf(index));
    const right = timeToPx(view, lane.endOf(index, lane.endNs(edgeNs)));
    return { x, width: Math.max(right - x, 2), ...barBox(row, this.yOf(row), this.palette) };
  }

  /** From the middle of what woke to the near edge of what was woken, as on the plot; null while either is folded away. @param {View} view @param {import("./waker.js").Waking} waking */
  arrowOf(view, { from, fromNs, to, toNs }) {
    const [above, below] = [this.of(from.lane), this.of(to)];
    if (!above || !below) return null;
    const [a, b] = [barBox(above, this.yOf(above), this.palette), barBox(below, this.yOf(below), this.palette)];
    const [x, y] = [timeToPx(view, fromNs), a.y + a.height / 2];
    return { x, y, width: timeToPx(view, toNs) - x, height: (b.y > a.y ? b.y : b.y + b.height) - y };
  }

  /** How far to scroll so that a lane's row is in sight; null while it is folded away or pinned. @param {Lane} lane */
  scrollFor(lane) {
    const row = this.of(lane);
    if (!row || row.pinned) return null;
    const roomPx = this.#heightPx - this.palette.axisPx - row.heightPx;
    return Math.min(Math.max(this.topPx, row.yPx - roomPx), row.yPx - this.all.pinnedPx);
  }
}
