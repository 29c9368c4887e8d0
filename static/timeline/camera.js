// @ts-check
/**
 * Where the viewer looks: the visible stretch of time, and whether it follows a live run.
 *
 * "all": everything stays in sight · "edge": the newest does, at the viewer's own zoom · "none": the viewer looks elsewhere.
 */
import * as viewport from "./viewport.js";

/** @typedef {import("./viewport.js").View} View */
/** @typedef {"all" | "edge" | "none"} Following */
/** @typedef {{onViewed: () => void, onFollowing: (following: boolean) => void}} Listener */

/** Where the edge stands while it is followed, as a part of the plot's width. */
const EDGE_AT = 0.94;
/** Where a time comes to stand when the page is turned for it. */
const PAGE_AT = 0.15;

export class Camera {
  /** @type {View} */
  view = { startNs: 0, spanNs: 1e9, widthPx: 100 };
  /** @type {Following} */
  following = "all";

  /** @param {() => {edgeNs: number, live: boolean, empty: boolean}} known asked for what there is to look at @param {Listener} listener */
  constructor(known, listener) {
    this.known = known;
    this.listener = listener;
  }

  /** @returns {import("./viewport.js").Bounds} */
  get #bounds() {
    const { edgeNs, empty } = this.known();
    return { startNs: 0, endNs: Math.max(edgeNs, empty ? 1e9 : 1e6) };
  }

  /** While the run goes on there is room ahead of its edge. @returns {import("./viewport.js").Bounds} */
  get #room() {
    const { endNs } = this.#bounds;
    return { startNs: 0, endNs: this.known().live ? viewport.roundLength(endNs) : endNs };
  }

  /** @param {View} view */
  #look(view) {
    this.view = viewport.clamp(view, this.#room);
    this.listener.onViewed();
  }

  /** @param {Following} mode */
  #follow(mode) {
    if (this.following === mode) return;
    this.following = mode;
    this.listener.onFollowing(mode !== "none");
    this.listener.onViewed();
  }

  /** @param {number} widthPx */
  resize(widthPx) {
    this.view = viewport.resize(this.view, widthPx);
  }

  /** @param {number} dxPx */
  pan(dxPx) {
    this.#follow("none");
    this.#look(viewport.pan(this.view, dxPx));
  }

  /** @param {number} factor @param {number} xPx what stays where it is; while the edge is followed, that does */
  zoom(factor, xPx) {
    const anchorPx = this.following === "edge" ? viewport.timeToPx(this.view, this.known().edgeNs) : xPx;
    if (this.following === "all") this.#follow("none");
    this.#look(viewport.zoomAt(this.view, factor, anchorPx));
  }

  /** Everything. */
  fit() {
    this.#follow("all");
  }

  /** Back to the newest, at the present zoom. */
  followEdge() {
    this.#follow(this.known().live ? "edge" : "all");
  }

  /** A run begins anew. */
  reset() {
    this.following = "all";
  }

  /** Looks at that stretch and stays there. @param {number} startNs @param {number} endNs */
  show(startNs, endNs) {
    this.#follow("none");
    this.#look({ startNs, spanNs: endNs - startNs, widthPx: this.view.widthPx });
  }

  /** Brings that stretch into sight, if it is not. @param {number} startNs @param {number} endNs */
  reveal(startNs, endNs) {
    const next = viewport.reveal(this.view, startNs, endNs);
    if (next === this.view) return;
    this.#follow("none");
    this.#look(next);
  }

  /** Turns the page when a time has left it; says whether it had to. While everything is shown it is in sight anyway. @param {number} tNs */
  keepInSight(tNs) {
    const xPx = viewport.timeToPx(this.view, tNs);
    if (this.following === "all" || (xPx >= 0 && xPx <= this.view.widthPx * EDGE_AT)) return false;
    this.#follow("none");
    this.#look({ ...this.view, startNs: tNs - this.view.spanNs * PAGE_AT });
    return true;
  }

  /** Before a frame: goes along with what is followed. */
  update() {
    const { widthPx, spanNs } = this.view;
    if (this.following === "all") this.view = viewport.fit(this.#room, widthPx);
    else if (this.following === "edge") this.view = { ...this.view, startNs: this.#bounds.endNs - spanNs * EDGE_AT };
  }
}
