// @ts-check
/**
 * The timeline: joins model, layout, view and painting. Input only tells of wishes; whatever changes asks for a frame, and
 * there is at most one draw per frame.
 */
import { need } from "../common/dom.js";
import { barContents, densityContents, markContents, Tooltip } from "./tooltip.js";
import { CanvasRenderer } from "./paint/canvas.js";
import { Edge } from "./edge.js";
import { Folding, layoutInto, rowAt, visibleRows } from "./layout.js";
import { Legend } from "./legend.js";
import { listen } from "./input.js";
import { Names } from "./names.js";
import { Overlay } from "./overlay.js";
import { readPalette } from "./paint/palette.js";
import { Scene, barBox } from "./paint/scene.js";
import * as viewport from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./layout.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */
/** @typedef {{onSelected: (bar: BarRef | null) => void, onCursor: (tNs: number | null) => void, onEdge: (edgeNs: number) => void, onFollowing: (following: boolean) => void, onViewed: (view: View) => void}} Listener */

const REACH_PX = 4;
const KEY_PAN = 0.12;
const KEY_ZOOM = 1.35;

export class Timeline {
  /** @type {View} */
  view = { startNs: 0, spanNs: 1e9, widthPx: 100 };
  /** @type {BarRef | null} */
  selected = null;
  /** "all": everything stays in sight; "edge": the newest does; "none": the viewer looks elsewhere. @type {"all" | "edge" | "none"} */
  following = "all";
  edge;
  #folding = new Folding();
  /** @type {Row[]} */
  #rows = [];
  #laidOut = "";
  /** @type {import("./paint/palette.js").Palette} as the style sheet says; rows may be given more room than that */
  #basePalette;
  #frame = 0;
  #stale = true;
  #drawMs = 0;
  /** @type {Map<import("../recording/lane.js").Lane, Row>} */
  #rowOf = new Map();
  #heightPx = 0;
  /** @type {{x: number, y: number} | null} */
  #pointer = null;
  /** @type {[number, number] | null} */
  #measure = null;
  /** @type {number | null} */
  #pointed = null;

  /** @param {HTMLElement} root @param {Model} model @param {Listener} listener */
  constructor(root, model, listener) {
    this.root = root;
    this.model = model;
    this.listener = listener;
    this.scroller = need(".timeline-scroller", root);
    this.plot = need(".plot", root);
    this.spacer = need(".timeline-spacer", root);
    this.arrowsNote = need("#arrows-note", root);
    this.stage = need(".timeline-stage", root);
    this.edge = new Edge(model);
    this.palette = this.#basePalette = readPalette(root);
    this.renderer = new CanvasRenderer(/** @type {HTMLCanvasElement} */ (need(".plot-bars", root)));
    this.renderer.usePalette(this.palette);
    this.scene = new Scene(model, this.renderer);
    this.overlay = new Overlay(/** @type {HTMLCanvasElement} */ (need(".plot-overlay", root)));
    this.names = new Names(need(".names", root), { onFolded: (row, open) => this.fold(row, open), onChosen: (row) => this.choose(row) });
    this.legend = new Legend(need(".legend", root));
    this.tooltip = new Tooltip(this.plot);
    this.#listen();
  }

  #listen() {
    listen(this.plot, {
      onPanned: (dx, dy) => this.pan(dx, dy),
      onZoomed: (factor, x) => this.zoom(factor, x),
      onHovered: (x, y) => this.#hover({ x, y }),
      onLeft: () => this.#hover(null),
      onClicked: (x, y) => this.#click(x, y),
      onDoubleClicked: (x, y) => this.#zoomTo(this.barAt(x, y)),
      onMeasured: (from, to) => this.#measured(from, to),
    });
    this.scroller.addEventListener("scroll", () => this.requestDraw(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
    this.#resized();
  }

  /** Another run takes this one's place. @param {Model} model */
  replaceModel(model) {
    this.model = model;
    this.edge = new Edge(model);
    this.scene = new Scene(model, this.renderer);
    this.#folding = new Folding();
    [this.#laidOut, this.selected, this.#measure, this.following] = ["", null, null, "all"];
    this.scroller.scrollTop = 0;
    this.requestDraw();
  }

  /** Looks at that stretch and stays there. @param {number} startNs @param {number} endNs */
  showRange(startNs, endNs) {
    this.#stopFollowing();
    this.#look({ startNs, spanNs: endNs - startNs, widthPx: this.view.widthPx });
  }

  /** Puts the cursor on a time, until the pointer moves. @param {number} tNs */
  point(tNs) {
    this.#pointed = tNs;
    this.#requestFrame();
  }

  /** The theme or the sizes have changed. */
  restyle() {
    this.palette = this.#basePalette = readPalette(this.root);
    this.renderer.usePalette(this.palette);
    this.#laidOut = "";
    this.#resized();
  }

  #resized() {
    const widthPx = Math.max(this.plot.clientWidth, 10);
    this.#heightPx = Math.max(this.scroller.clientHeight, 10);
    this.stage.style.height = `${this.#heightPx}px`;
    this.view = viewport.resize(this.view, widthPx);
    this.requestDraw();
  }

  /** Asks for a frame in which everything is drawn. */
  requestDraw() {
    this.#stale = true;
    this.#requestFrame();
  }

  /** Without a reason to draw the bars anew, a frame only moves what lies over them. */
  #requestFrame() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  // --- the view

  /** @returns {import("./viewport.js").Bounds} */
  get bounds() {
    return { startNs: 0, endNs: Math.max(this.edge.ns, this.model.stateCount ? 1e6 : 1e9) };
  }

  /** @param {View} view */
  #look(view) {
    this.view = viewport.clamp(view, this.following === "none" ? this.#roomyBounds() : this.bounds);
    this.listener.onViewed(this.view);
    this.requestDraw();
  }

  /** While the run goes on there is room ahead of the edge. */
  #roomyBounds() {
    return this.edge.live ? { startNs: 0, endNs: viewport.roundLength(this.edge.ns) } : this.bounds;
  }

  /** @param {number} dxPx @param {number} [dyPx] */
  pan(dxPx, dyPx = 0) {
    if (dyPx) this.scroller.scrollTop -= dyPx;
    if (!dxPx) return;
    this.#stopFollowing();
    this.#look(viewport.pan(this.view, dxPx));
  }

  /** @param {number} factor @param {number} [xPx] */
  zoom(factor, xPx) {
    // Who zooms while following the edge keeps it; the edge then stays where it is.
    const anchor = this.following === "edge" ? viewport.timeToPx(this.view, this.edge.ns) : (xPx ?? this.#pointer?.x ?? this.view.widthPx / 2);
    if (this.following === "all") this.#stopFollowing();
    this.#look(viewport.zoomAt(this.view, factor, anchor));
  }

  fit() {
    this.#follow("all");
    this.requestDraw();
  }

  /** Back to the newest, at the present zoom. */
  followEdge() {
    this.#follow(this.edge.live ? "edge" : "all");
    this.requestDraw();
  }

  #stopFollowing() {
    this.#follow("none");
  }

  /** @param {"all" | "edge" | "none"} mode */
  #follow(mode) {
    if (this.following === mode) return;
    this.following = mode;
    this.listener.onFollowing(mode !== "none");
  }

  #followView() {
    const { widthPx } = this.view;
    const { endNs } = this.bounds;
    if (this.following === "all") {
      this.view = this.edge.live ? viewport.fit({ startNs: 0, endNs: viewport.roundLength(endNs) }, widthPx) : viewport.fit(this.bounds, widthPx);
    } else if (this.following === "edge") this.view = { ...this.view, startNs: endNs - this.view.spanNs * 0.94 };
  }

  /** @param {"left" | "right" | "in" | "out" | "up" | "down"} move */
  byKey(move) {
    const step = this.view.widthPx * KEY_PAN;
    if (move === "in" || move === "out") this.zoom(move === "in" ? KEY_ZOOM : 1 / KEY_ZOOM);
    else if (move === "up" || move === "down") this.scroller.scrollTop += (move === "up" ? -1 : 1) * this.palette.heights.rowPx * 2;
    else this.pan(move === "left" ? step : -step);
  }

  // --- rows

  /** @param {Row} row @param {boolean} open */
  fold(row, open) {
    this.#folding.set(row.lane, row.kind, open);
    this.#laidOut = "";
    this.requestDraw();
  }

  /** @param {Row} row */
  choose(row) {
    if (row.kind !== "lane" || !row.lane.length) return;
    const middle = viewport.pxToTime(this.view, this.view.widthPx / 2);
    this.select({ lane: row.lane, index: Math.max(0, row.lane.indexAt(Math.min(middle, this.edge.ns))) });
  }

  #layOut() {
    const key = `${this.model.treeVersion} ${this.#heightPx}`;
    if (key === this.#laidOut) return;
    this.#laidOut = key;
    const roomPx = this.#heightPx - this.#basePalette.axisPx;
    const { rows, heightPx, heights } = layoutInto(this.model.machine, this.#folding, this.#basePalette.heights, roomPx);
    this.#rows = rows;
    this.#rowOf = new Map(rows.filter((row) => row.kind === "lane").map((row) => [row.lane, row]));
    this.palette = { ...this.#basePalette, heights };
    this.spacer.style.height = `${heightPx + this.palette.axisPx}px`;
  }

  // --- bars

  /** The bar under a point of the plot, a thin one within reach first. @param {number} xPx @param {number} yPx @returns {BarRef | null} */
  barAt(xPx, yPx) {
    const row = this.#rowAt(yPx);
    if (!row || row.kind !== "lane" || !row.lane.length) return null;
    const { lane } = row;
    const exactly = lane.indexAt(viewport.pxToTime(this.view, xPx));
    let [best, bestPx] = [exactly, Infinity];
    for (let i = Math.max(0, exactly - 6); i <= Math.min(lane.length - 1, exactly + 6); i++) {
      const from = viewport.timeToPx(this.view, lane.startOf(i));
      const width = viewport.timeToPx(this.view, lane.endOf(i, this.edge.ns)) - from;
      const away = Math.max(from - xPx, xPx - from - width, 0);
      // A sliver is hard to hit: within reach it wins over the wide bar beside it.
      if (width < 6 && away <= REACH_PX && away < bestPx) [best, bestPx] = [i, away];
    }
    return best < 0 ? null : { lane, index: best };
  }

  /** @param {number} yPx */
  #rowAt(yPx) {
    if (yPx < this.palette.axisPx) return null;
    return this.#rows[rowAt(this.#rows, yPx - this.palette.axisPx + this.scroller.scrollTop)] ?? null;
  }

  /** @param {BarRef | null} bar @param {boolean} [reveal] */
  select(bar, reveal = false) {
    this.selected = bar;
    if (bar && reveal) this.#reveal(bar);
    this.listener.onSelected(bar);
    this.requestDraw();
  }

  /** @param {BarRef} bar */
  #reveal({ lane, index }) {
    const [startNs, endNs] = [lane.startOf(index), lane.endOf(index, this.edge.ns)];
    const next = viewport.reveal(this.view, startNs, endNs);
    if (next !== this.view) {
      this.#stopFollowing();
      this.#look(next);
    }
    const row = this.#rowOf.get(lane);
    if (!row) return;
    const room = this.#heightPx - this.palette.axisPx - row.heightPx;
    this.scroller.scrollTop = Math.min(Math.max(this.scroller.scrollTop, row.yPx - room), row.yPx);
  }

  /** The next or previous bar of the selected lane. @param {1 | -1} by */
  step(by) {
    const lane = this.selected?.lane ?? this.#rows.find((row) => row.kind === "lane" && row.lane.length > 1 && !row.lane.children.length)?.lane;
    if (!lane) return;
    const index = this.selected ? this.selected.index + by : Math.max(0, lane.indexAt(this.view.startNs));
    if (index >= 0 && index < lane.length) this.select({ lane, index }, true);
  }

  /** @param {BarRef | null} bar */
  #zoomTo(bar) {
    if (!bar) return;
    const [startNs, endNs] = [bar.lane.startOf(bar.index), bar.lane.endOf(bar.index, this.edge.ns)];
    this.#stopFollowing();
    this.#look(viewport.show(startNs - (endNs - startNs) * 0.1, endNs + (endNs - startNs) * 0.1, this.view.widthPx));
  }

  /** @param {number} x @param {number} y */
  #click(x, y) {
    const row = this.#rowAt(y);
    if (row?.kind === "density") this.fold(row, !row.open);
    else this.select(this.barAt(x, y));
  }

  /** @param {number} fromPx @param {number} toPx */
  #measured(fromPx, toPx) {
    this.#measure = fromPx === toPx ? null : [viewport.pxToTime(this.view, fromPx), viewport.pxToTime(this.view, toPx)];
    this.requestDraw();
  }

  /** @param {{x: number, y: number} | null} point */
  #hover(point) {
    this.#pointer = point;
    this.#pointed = null;
    this.#requestFrame();
  }

  // --- drawing

  #draw() {
    if (!this.root.isConnected || this.scroller.clientHeight === 0) return;
    const scale = window.devicePixelRatio || 1;
    if (this.#stale || this.edge.live) this.#drawScene(scale);
    this.#drawOverlay(this.scroller.scrollTop, scale);
    this.#drawTooltip();
    if (this.edge.live) this.#keepMoving();
  }

  /** The live edge moves on, but drawing must leave the page time for everything else. */
  #keepMoving() {
    this.listener.onEdge(this.edge.ns);
    if (this.#drawMs < 6) return this.#requestFrame();
    setTimeout(() => this.#requestFrame(), 2 * this.#drawMs);
  }

  /** @param {number} scale */
  #drawScene(scale) {
    const startMs = performance.now();
    this.#stale = false;
    this.#layOut();
    this.#followView();
    const topPx = this.scroller.scrollTop;
    const { palette, view } = this;
    this.renderer.begin(view.widthPx, this.#heightPx, scale);
    this.scene.draw({ view, rows: this.#rows, topPx, heightPx: this.#heightPx, edgeNs: this.edge.ns, live: this.edge.live, palette, rowOf: this.#rowOf });
    const [first, stop] = visibleRows(this.#rows, topPx, topPx + this.#heightPx);
    this.names.draw(this.#rows.slice(first, stop), first, this.#rows.length, topPx - palette.axisPx, palette.heights.markPx, this.selected?.lane.id ?? -1);
    this.legend.draw(this.model.seen);
    this.arrowsNote.hidden = !this.scene.hiddenArrows;
    this.#drawMs = performance.now() - startMs;
  }

  /** @param {number} topPx @param {number} scale */
  #drawOverlay(topPx, scale) {
    const boxOf = (/** @type {BarRef} */ bar) => this.#boxOf(bar, topPx);
    const cursorNs = this.#pointer ? viewport.pxToTime(this.view, this.#pointer.x) : this.#pointed;
    this.overlay.draw({
      view: this.view,
      heightPx: this.#heightPx,
      scale,
      palette: this.palette,
      cursorNs,
      hovered: this.#pointer && this.#barUnder(),
      selected: this.selected,
      boxOf,
      measure: this.#measure,
    });
    this.listener.onCursor(cursorNs);
  }

  #barUnder() {
    return this.#pointer ? this.barAt(this.#pointer.x, this.#pointer.y) : null;
  }

  /** @param {BarRef} bar @param {number} topPx @returns {{x: number, y: number, width: number, height: number} | null} */
  #boxOf({ lane, index }, topPx) {
    const row = this.#rowOf.get(lane);
    if (!row) return null;
    const x = viewport.timeToPx(this.view, lane.startOf(index));
    const right = viewport.timeToPx(this.view, lane.endOf(index, lane.endNs(this.edge.ns)));
    const box = barBox(row, this.palette.axisPx + row.yPx - topPx, this.palette);
    return { x, width: Math.max(right - x, 2), ...box };
  }

  #drawTooltip() {
    const point = this.#pointer;
    const row = point && this.#rowAt(point.y);
    if (!point || !row) return this.tooltip.hide();
    const atNs = viewport.pxToTime(this.view, point.x);
    if (row.kind === "density") return this.tooltip.show(densityContents(row, atNs), point.x, point.y);
    const onFlags = row.lane.marks.length > 0 && point.y < this.palette.axisPx + row.yPx - this.scroller.scrollTop + this.palette.heights.markPx;
    const mark = onFlags ? this.#markAt(row, point.x) : null;
    if (mark) return this.tooltip.show(markContents(mark), point.x, point.y);
    const bar = this.#barUnder();
    if (!bar || atNs > this.edge.ns) return this.tooltip.hide();
    this.tooltip.show(barContents(this.model, bar, this.edge.ns), point.x, point.y);
  }

  /** The flag whose text lies under the point. @param {Row} row @param {number} xPx */
  #markAt(row, xPx) {
    const before = row.lane.marks.filter((mark) => viewport.timeToPx(this.view, mark.t) <= xPx + REACH_PX);
    const mark = before.at(-1);
    return mark && xPx - viewport.timeToPx(this.view, mark.t) < 160 ? mark : null;
  }
}
