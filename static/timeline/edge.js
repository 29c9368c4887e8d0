// @ts-check
/**
 * Where the known part of a run ends. While it is live the edge moves on with the clock between two messages: that nothing came
 * means that every lane still is in its last state. It never goes back.
 */

/** @typedef {import("../recording/model.js").Model} Model */

export class Edge {
  live = false;
  #shownNs = 0;
  #lastNs = 0;
  #lastMs = 0;

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  /** The run goes on, and is watched. */
  start() {
    this.live = true;
    this.#lastMs = performance.now();
  }

  /** The run is known to have come this far, though nothing may have been recorded of late. @param {number} ns */
  reach(ns) {
    if (ns <= this.#lastNs) return;
    this.#lastNs = ns;
    this.#lastMs = performance.now();
  }

  /** It has ended, or the connection has: nothing moves that was not observed. */
  stop() {
    this.live = false;
  }

  get ns() {
    const { lastNs } = this.model;
    if (!this.live) return Math.max(lastNs, 0);
    const nowMs = performance.now();
    if (lastNs > this.#lastNs) {
      // The further of the two: a late message must not push the edge back.
      const running = this.#lastNs + (nowMs - this.#lastMs) * 1e6;
      this.#lastNs = lastNs;
      if (lastNs >= running || running - lastNs > 250e6) this.#lastMs = nowMs;
      else this.#lastMs = nowMs - (running - lastNs) / 1e6;
    }
    this.#shownNs = Math.max(this.#shownNs, this.#lastNs + (nowMs - this.#lastMs) * 1e6);
    return this.#shownNs;
  }
}
