// @ts-check
/**
 * The timeline: joins model, layout, view and painting. Input only tells of wishes; whatever changes asks for a frame, and
 * there is at most one draw per frame.
 */
import { need } from "../common/dom.js";
import { Camera } from "./camera.js";
import { resizable } from "./column.js";
import { Cursor } from "./cursor.js";
import { noteOf } from "./describe.js";
import { Edge } from "./edge.js";
import { Frames } from "./frames.js";
import { threadLane } from "./hit.js";
import { Legend } from "./legend.js";
import { Minimap } from "./minimap.js";
import { Names } from "./names.js";
import { Notes } from "./notes.js";
import { Over } from "./over.js";
import { CanvasRenderer } from "./paint/canvas.js";
import { readPalette } from "./paint/palette.js";
import { Scene } from "./paint/scene.js";
import { installPointing } from "./pointing.js";
import { Rows } from "./rows.js";
import { Selection } from "./selection.js";
import { pxToTime } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./rowlist.js").Row} Row */
/** @typedef {import("./viewport.js").View} View */
/** @typedef {{onSelected: (bar: BarRef | null) => void, onEdge: (edgeNs: number) => void, onFollowing: (following: boolean) => void, onViewed: () => void}} Listener `onViewed` when anything changed that an address keeps (kept.js) */

export class Timeline {
  cursor = new Cursor();
  /** @type {Lane | null} the thread that stands out on the lanes of cores and GILs */
  #lit = null;
  /** How far one may look beyond the run itself: as far as the longer of two that are compared. */
  horizonNs = 0;
  #heightPx = 0;
  frames = new Frames((nowMs) => this.#draw(nowMs));

  /** @param {HTMLElement} root @param {Model} model @param {Listener} listener */
  constructor(root, model, listener) {
    this.root = root;
    this.model = model;
    this.listener = listener;
    this.scroller = need(".timeline-scroller", root);
    this.plot = need(".plot", root);
    this.spacer = need(".timeline-spacer", root);
    this.stage = need(".timeline-stage", root);
    this.notes = new Notes(root);
    this.edge = new Edge(model);
    this.camera = new Camera(() => ({ edgeNs: Math.max(this.edge.ns, this.horizonNs), live: this.edge.live, empty: !this.model.stateCount }), listener);
    this.rows = new Rows(readPalette(root));
    this.renderer = new CanvasRenderer(/** @type {HTMLCanvasElement} */ (need(".plot-bars", root)));
    this.renderer.usePalette(this.palette);
    this.scene = new Scene(model, this.renderer);
    this.over = new Over(root);
    this.names = new Names(need(".names", root), {
      onFolded: (row, open) => this.fold(row, open),
      onChosen: (row) => this.choose(row),
      onHovered: (row) => this.light(row?.kind === "lane" ? row.lane : null),
      onPinned: (row) => this.pin(row.lane),
      onMoved: (row, by) => this.#arranged(() => this.rows.move(row.lane, by)),
    });
    this.legend = new Legend(need(".legend", root));
    this.minimap = new Minimap(need(".minimap", root), (startNs) => this.showRange(startNs, startNs + this.view.spanNs), () => this.requestDraw());
    this.selection = new Selection({
      model: () => this.model,
      startNs: () => this.view.startNs,
      fallback: () => this.rows.all.fixed.find((row) => row.kind === "lane" && row.lane.length > 1 && !row.lane.children.length)?.lane ?? null,
      onSelected: (bar, reveal) => this.#selected(bar, reveal),
    });
    this.#listen();
  }

  #listen() {
    installPointing(this);
    this.cursor.subscribe(() => {
      this.listener.onViewed();
      this.frames.request();
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
    this.rows.reset(model);
    this.selection.clear();
    this.cursor.move(null);
    [this.over.measure, this.#lit] = [null, null];
    this.scroller.scrollTop = 0;
    this.requestDraw();
  }

  /** The model was filled as a whole. */
  refresh() {
    this.rows.regroup(this.model);
    this.scene = new Scene(this.model, this.renderer);
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

  /** Back to the newest: nothing is looked back at any more. */
  followEdge() {
    this.cursor.move(null);
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
    if (bar) this.scrollTo(bar.lane);
    this.select(bar);
  }

  /** Puts the cursor on a time. @param {number} tNs */
  point(tNs) {
    this.cursor.move(tNs);
  }

  // --- rows

  /** @param {Row} row @param {boolean} open */
  fold(row, open) {
    this.#arranged(() => this.rows.arrange((arrangement) => arrangement.set(row, open)));
  }

  /** A lane stays in sight at the top, or no longer. @param {Lane | undefined} lane */
  pin(lane = this.selected?.lane) {
    if (lane) this.#arranged(() => this.rows.arrange((arrangement) => arrangement.pin(lane)));
  }

  /** @param {() => void} change */
  #arranged(change) {
    change();
    this.listener.onViewed();
    this.requestDraw();
  }

  /** Selects what a lane did in the middle of the view. @param {Row} row */
  choose(row) {
    if (row.kind !== "lane" || !row.lane.length) return;
    const middleNs = pxToTime(this.view, this.view.widthPx / 2);
    this.select({ lane: row.lane, index: Math.max(0, row.lane.indexAt(Math.min(middleNs, this.edge.ns))) });
  }

  /** The rows as they are now, before a frame draws them. */
  layOut() {
    const heightPx = this.rows.layOut(this.model, this.#heightPx);
    if (heightPx !== null) this.spacer.style.height = `${heightPx}px`;
    this.rows.topPx = this.scroller.scrollTop;
  }

  // --- selection

  get selected() {
    return this.selection.bar;
  }

  get waking() {
    return this.selection.waking;
  }

  /** @param {BarRef | null} bar @param {boolean} [reveal] */
  select(bar, reveal = false) {
    this.selection.set(bar, reveal);
  }

  followWaker() {
    this.selection.followWaker();
  }

  /** The next or previous bar of the selected lane. @param {1 | -1} by */
  step(by) {
    this.selection.step(by);
  }

  /** @param {BarRef | null} bar @param {boolean} reveal */
  #selected(bar, reveal) {
    if (bar && reveal) {
      this.camera.reveal(bar.lane.startOf(bar.index), bar.lane.endOf(bar.index, this.edge.ns));
      this.scrollTo(bar.lane);
    }
    this.listener.onSelected(bar);
    this.listener.onViewed();
    this.requestDraw();
  }

  /** Brings a lane's row into sight, whatever it was folded under. @param {Lane} lane */
  scrollTo(lane) {
    if (!this.rows.of(lane)) this.rows.openTo(lane);
    this.layOut();
    this.scroller.scrollTop = this.rows.scrollFor(lane) ?? this.scroller.scrollTop;
  }

  /** A thread stands out where threads take turns; null for none. @param {Lane | null} lane */
  light(lane) {
    const thread = lane && threadLane(lane);
    if (thread === this.#lit) return;
    this.#lit = thread;
    this.requestDraw();
  }

  // --- drawing

  /** Asks for a frame in which everything is drawn. */
  requestDraw() {
    this.frames.all();
  }

  /** @param {number} nowMs */
  #draw(nowMs) {
    if (!this.root.isConnected || this.scroller.clientHeight === 0) return;
    const { cursor, edge } = this;
    if (cursor.playing) {
      cursor.advance(nowMs, edge.ns, edge.live);
      if (this.camera.keepInSight(cursor.tNs ?? 0)) this.frames.all();
    }
    const scale = window.devicePixelRatio || 1;
    this.frames.scene(edge.live, () => this.#drawScene(scale));
    const { model, rows, view, selected, waking } = this;
    this.over.draw({ model, rows, view, edgeNs: edge.ns, heightPx: this.#heightPx, scale, selected, waking, cursorNs: cursor.tNs });
    if (edge.live) this.listener.onEdge(edge.ns);
    if (edge.live || cursor.playing) this.frames.goOn();
  }

  /** @param {number} scale device pixels per CSS pixel */
  #drawScene(scale) {
    this.layOut();
    this.camera.update();
    const { palette, view, rows } = this;
    this.renderer.begin(view.widthPx, this.#heightPx, scale);
    this.scene.draw({ view, rows, heightPx: this.#heightPx, edgeNs: this.edge.ns, live: this.edge.live, palette, lit: this.#lit });
    this.names.draw(rows, this.selected?.lane.id ?? -1, (lane) => noteOf(this.model, lane));
    this.minimap.draw(this.model, view, this.edge.ns, palette, scale);
    this.legend.draw(this.model.seen);
    this.notes.draw(this.scene.hiddenArrows, rows.leftOut);
    this.root.dataset.drawnNs = String(this.model.lastNs); // how far the picture has come: for whoever measures or waits for it
  }
}
