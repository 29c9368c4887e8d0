// @ts-check
/**
 * The timeline: joins model, layout, view and painting. Input only tells of wishes; whatever changes asks for a frame, and
 * there is at most one draw per frame.
 */
import { need } from "../common/dom.js";
import { exact } from "../common/format.js";
import { Camera } from "./camera.js";
import { Edge } from "./edge.js";
import { listen } from "./input.js";
import { Legend } from "./legend.js";
import { Names } from "./names.js";
import { Overlay } from "./overlay.js";
import { CanvasRenderer } from "./paint/canvas.js";
import { readPalette } from "./paint/palette.js";
import { Scene } from "./paint/scene.js";
import { Rows } from "./rows.js";
import { contentsAt, Tooltip } from "./tooltip.js";
import { pxToTime } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./layout.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */
/** @typedef {{onSelected: (bar: BarRef | null) => void, onEdge: (edgeNs: number) => void, onFollowing: (following: boolean) => void, onViewed: (view: View) => void}} Listener */

const KEY_PAN = 0.12;
const KEY_ZOOM = 1.35;
/** A scene that takes longer than this leaves the page pauses while a run is live. */
const QUICK_MS = 6;

export class Timeline {
  /** @type {BarRef | null} */
  selected = null;
  #heightPx = 0;
  #frame = 0;
  #stale = true;
  #drawMs = 0;
  /** @type {{x: number, y: number} | null} */
  #pointer = null;
  /** @type {number | null} */
  #pointed = null;
  /** @type {[number, number] | null} */
  #measure = null;

  /** @param {HTMLElement} root @param {Model} model @param {Listener} listener */
  constructor(root, model, listener) {
    this.root = root;
    this.model = model;
    this.listener = listener;
    this.scroller = need(".timeline-scroller", root);
    this.plot = need(".plot", root);
    this.spacer = need(".timeline-spacer", root);
    this.stage = need(".timeline-stage", root);
    this.arrowsNote = need("#arrows-note", root);
    this.cursorNote = need("#cursor", root);
    this.edge = new Edge(model);
    this.camera = new Camera(() => ({ edgeNs: this.edge.ns, live: this.edge.live, empty: !this.model.stateCount }), listener);
    this.rows = new Rows(readPalette(root));
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
      onDoubleClicked: (x, y) => this.#zoomTo(this.#barAt(x, y)),
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
    this.camera.reset();
    this.rows.reset();
    [this.selected, this.#measure] = [null, null];
    this.scroller.scrollTop = 0;
    this.requestDraw();
  }

  /** The theme or the sizes have changed. */
  restyle() {
    this.rows.restyle(readPalette(this.root));
    this.renderer.usePalette(this.palette);
    this.#resized();
  }

  #resized() {
    this.#heightPx = Math.max(this.scroller.clientHeight, 10);
    this.stage.style.height = `${this.#heightPx}px`;
    this.camera.resize(Math.max(this.plot.clientWidth, 10));
    this.requestDraw();
  }

  // --- looking

  get view() {
    return this.camera.view;
  }

  get palette() {
    return this.rows.palette;
  }

  /** @param {number} dxPx @param {number} [dyPx] */
  pan(dxPx, dyPx = 0) {
    if (dyPx) this.scroller.scrollTop -= dyPx;
    if (dxPx) this.camera.pan(dxPx);
    this.requestDraw();
  }

  /** @param {number} factor @param {number} [xPx] */
  zoom(factor, xPx) {
    this.camera.zoom(factor, xPx ?? this.#pointer?.x ?? this.view.widthPx / 2);
    this.requestDraw();
  }

  fit() {
    this.camera.fit();
    this.requestDraw();
  }

  followEdge() {
    this.camera.followEdge();
    this.requestDraw();
  }

  /** @param {number} startNs @param {number} endNs */
  showRange(startNs, endNs) {
    this.camera.show(startNs, endNs);
    this.requestDraw();
  }

  /** Shows a stretch of time, and in it a bar, whatever it was folded under. @param {import("../facts/places.js").Place} place */
  visit({ startNs, endNs, bar }) {
    this.camera.show(startNs, endNs);
    if (bar) this.rows.openTo(bar.lane);
    if (bar) this.#scrollTo(bar.lane);
    this.select(bar);
  }

  /** Puts the cursor on a time, until the pointer moves. @param {number} tNs */
  point(tNs) {
    this.#pointed = tNs;
    this.#requestFrame();
  }

  /** @param {"left" | "right" | "in" | "out" | "up" | "down"} move */
  byKey(move) {
    const stepPx = this.view.widthPx * KEY_PAN;
    if (move === "in" || move === "out") this.zoom(move === "in" ? KEY_ZOOM : 1 / KEY_ZOOM);
    else if (move === "up" || move === "down") this.pan(0, (move === "up" ? 2 : -2) * this.palette.heights.rowPx);
    else this.pan(move === "left" ? stepPx : -stepPx);
  }

  // --- rows

  /** @param {Row} row @param {boolean} open */
  fold(row, open) {
    this.rows.fold(row, open);
    this.requestDraw();
  }

  /** Selects what a lane did in the middle of the view. @param {Row} row */
  choose(row) {
    if (row.kind !== "lane" || !row.lane.length) return;
    const middleNs = pxToTime(this.view, this.view.widthPx / 2);
    this.select({ lane: row.lane, index: Math.max(0, row.lane.indexAt(Math.min(middleNs, this.edge.ns))) });
  }

  #layOut() {
    const heightPx = this.rows.layOut(this.model, this.#heightPx);
    if (heightPx !== null) this.spacer.style.height = `${heightPx}px`;
    this.rows.topPx = this.scroller.scrollTop;
  }

  /** @param {number} xPx @param {number} yPx */
  #barAt(xPx, yPx) {
    return this.rows.barAt(this.view, this.edge.ns, xPx, yPx);
  }

  // --- selection

  /** @param {BarRef | null} bar @param {boolean} [reveal] */
  select(bar, reveal = false) {
    this.selected = bar;
    if (bar && reveal) this.#reveal(bar);
    this.listener.onSelected(bar);
    this.requestDraw();
  }

  /** @param {BarRef} bar */
  #reveal({ lane, index }) {
    this.camera.reveal(lane.startOf(index), lane.endOf(index, this.edge.ns));
    this.#scrollTo(lane);
  }

  /** Brings a lane's row into sight. @param {Lane} lane */
  #scrollTo(lane) {
    this.#layOut();
    this.scroller.scrollTop = this.rows.scrollFor(lane) ?? this.scroller.scrollTop;
  }

  /** The next or previous bar of the selected lane. @param {1 | -1} by */
  step(by) {
    const lane = this.selected?.lane ?? this.rows.all.find((row) => row.kind === "lane" && row.lane.length > 1 && !row.lane.children.length)?.lane;
    if (!lane) return;
    const index = this.selected ? this.selected.index + by : Math.max(0, lane.indexAt(this.view.startNs));
    if (index >= 0 && index < lane.length) this.select({ lane, index }, true);
  }

  /** @param {BarRef | null} bar */
  #zoomTo(bar) {
    if (!bar) return;
    const [startNs, endNs] = [bar.lane.startOf(bar.index), bar.lane.endOf(bar.index, this.edge.ns)];
    const marginNs = (endNs - startNs) * 0.1;
    this.showRange(startNs - marginNs, endNs + marginNs);
  }

  /** @param {number} x @param {number} y */
  #click(x, y) {
    const row = this.rows.at(y);
    if (row?.kind === "density") this.fold(row, !row.open);
    else this.select(this.#barAt(x, y));
  }

  /** @param {number} fromPx @param {number} toPx */
  #measured(fromPx, toPx) {
    this.#measure = fromPx === toPx ? null : [pxToTime(this.view, fromPx), pxToTime(this.view, toPx)];
    this.#requestFrame();
  }

  /** @param {{x: number, y: number} | null} point */
  #hover(point) {
    this.#pointer = point;
    this.#pointed = null;
    this.#requestFrame();
  }

  // --- drawing

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

  #draw() {
    if (!this.root.isConnected || this.scroller.clientHeight === 0) return;
    const scale = window.devicePixelRatio || 1;
    if (this.#stale || this.edge.live) this.#drawScene(scale);
    this.#drawOverlay(scale);
    this.#drawTooltip();
    if (this.edge.live) this.#keepMoving();
  }

  /** The live edge moves on, but drawing must leave the page time for everything else. */
  #keepMoving() {
    this.listener.onEdge(this.edge.ns);
    if (this.#drawMs < QUICK_MS) this.#requestFrame();
    else setTimeout(() => this.#requestFrame(), 2 * this.#drawMs);
  }

  /** @param {number} scale device pixels per CSS pixel */
  #drawScene(scale) {
    const startMs = performance.now();
    this.#stale = false;
    this.#layOut();
    this.camera.update();
    const { palette, view, rows } = this;
    this.renderer.begin(view.widthPx, this.#heightPx, scale);
    this.scene.draw({ view, rows: rows.all, rowOf: rows.of, topPx: rows.topPx, heightPx: this.#heightPx, edgeNs: this.edge.ns, live: this.edge.live, palette });
    const { rows: inSight, first } = rows.visible;
    this.names.draw(inSight, first, rows.all.length, rows.topPx - palette.axisPx, palette.heights.markPx, this.selected?.lane.id ?? -1);
    this.legend.draw(this.model.seen);
    this.arrowsNote.hidden = !this.scene.hiddenArrows;
    this.root.dataset.drawnNs = String(this.model.lastNs); // how far the picture has come: for whoever measures or waits for it
    this.#drawMs = performance.now() - startMs;
  }

  /** @param {number} scale */
  #drawOverlay(scale) {
    const { view, palette, selected } = this;
    const cursorNs = this.#pointer ? pxToTime(view, this.#pointer.x) : this.#pointed;
    const hovered = this.#pointer && this.#barAt(this.#pointer.x, this.#pointer.y);
    const boxOf = (/** @type {BarRef} */ bar) => this.rows.boxOf(view, this.edge.ns, bar);
    this.overlay.draw({ view, heightPx: this.#heightPx, scale, palette, cursorNs, hovered, selected, boxOf, measure: this.#measure });
    this.cursorNote.textContent = cursorNs !== null && cursorNs >= 0 ? exact(cursorNs) : "";
  }

  #drawTooltip() {
    const point = this.#pointer;
    const contents = point && contentsAt(this.model, this.rows, this.view, this.edge.ns, point);
    if (contents) this.tooltip.show(contents, point.x, point.y);
    else this.tooltip.hide();
  }
}
