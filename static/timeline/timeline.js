// @ts-check
/**
 * The timeline: joins model, layout, view and painting. Input only tells of wishes; whatever changes asks for a frame, and
 * there is at most one draw per frame.
 */
import { need } from "../common/dom.js";
import { Camera } from "./camera.js";
import { resizable } from "./column.js";
import { Edge } from "./edge.js";
import { threadLane, threadOf } from "./hit.js";
import { listen } from "./input.js";
import { Legend } from "./legend.js";
import { Names } from "./names.js";
import { Over } from "./over.js";
import { CanvasRenderer } from "./paint/canvas.js";
import { readPalette } from "./paint/palette.js";
import { Scene } from "./paint/scene.js";
import { Rows } from "./rows.js";
import { pxToTime } from "./viewport.js";
import { wakingOf } from "./waker.js";

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
  /** @type {import("./waker.js").Waking | null} what woke the selected bar */
  waking = null;
  /** @type {Lane | null} the thread that stands out on the lanes of cores and GILs */
  #lit = null;
  #heightPx = 0;
  #frame = 0;
  #stale = true;
  #drawMs = 0;

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
    this.edge = new Edge(model);
    this.camera = new Camera(() => ({ edgeNs: this.edge.ns, live: this.edge.live, empty: !this.model.stateCount }), listener);
    this.rows = new Rows(readPalette(root));
    this.renderer = new CanvasRenderer(/** @type {HTMLCanvasElement} */ (need(".plot-bars", root)));
    this.renderer.usePalette(this.palette);
    this.scene = new Scene(model, this.renderer);
    this.over = new Over(root);
    this.names = new Names(need(".names", root), { onFolded: (row, open) => this.fold(row, open), onChosen: (row) => this.choose(row), onHovered: (row) => this.light(row?.kind === "lane" ? row.lane : null) });
    this.legend = new Legend(need(".legend", root));
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
    resizable(this.root, this.names.root, () => this.#resized());
    this.#resized();
  }

  /** Another run takes this one's place. @param {Model} model */
  replaceModel(model) {
    this.model = model;
    this.edge = new Edge(model);
    this.scene = new Scene(model, this.renderer);
    this.camera.reset();
    this.rows.reset();
    [this.selected, this.waking, this.over.measure, this.#lit] = [null, null, null, null];
    this.scroller.scrollTop = 0;
    this.requestDraw();
  }

  /** The theme or the sizes have changed. */
  restyle() {
    this.root.style.removeProperty("--names"); // another mode has another width
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
    this.camera.zoom(factor, xPx ?? this.over.pointer?.x ?? this.view.widthPx / 2);
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
    this.over.pointed = tNs;
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
    this.waking = wakingOf(this.model, bar);
    if (bar && reveal) this.#reveal(bar);
    this.listener.onSelected(bar);
    this.requestDraw();
  }

  /** Goes to what woke the selected bar. */
  followWaker() {
    if (!this.waking) return;
    const { from } = this.waking;
    this.rows.openTo(from.lane);
    this.select(from, true);
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
    this.over.measure = fromPx === toPx ? null : [pxToTime(this.view, fromPx), pxToTime(this.view, toPx)];
    this.#requestFrame();
  }

  /** A thread stands out where threads take turns; null for none. @param {Lane | null} lane */
  light(lane) {
    const thread = lane && threadLane(lane);
    if (thread === this.#lit) return;
    this.#lit = thread;
    this.requestDraw();
  }

  /** @param {{x: number, y: number} | null} point */
  #hover(point) {
    this.over.pointer = point;
    this.over.pointed = null;
    const bar = point && this.#barAt(point.x, point.y);
    this.light(bar && threadOf(this.model, bar));
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
    const { model, rows, view, selected, waking } = this;
    this.over.draw({ model, rows, view, edgeNs: this.edge.ns, heightPx: this.#heightPx, scale, selected, waking });
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
    this.scene.draw({ view, rows: rows.all, rowOf: rows.of, topPx: rows.topPx, heightPx: this.#heightPx, edgeNs: this.edge.ns, live: this.edge.live, palette, lit: this.#lit });
    const { rows: inSight, first } = rows.visible;
    this.names.draw(inSight, first, rows.all.length, rows.topPx - palette.axisPx, palette.heights.markPx, this.selected?.lane.id ?? -1);
    this.legend.draw(this.model.seen);
    this.arrowsNote.hidden = !this.scene.hiddenArrows;
    this.root.dataset.drawnNs = String(this.model.lastNs); // how far the picture has come: for whoever measures or waits for it
    this.#drawMs = performance.now() - startMs;
  }
}
