// @ts-check
/** The selected bar, what woke it, and the ways from it to others. No DOM. */
import { wakingOf } from "./waker.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {{model: () => Model, startNs: () => number, fallback: () => BarRef["lane"] | null, onSelected: (bar: BarRef | null, reveal: boolean) => void}} Host `startNs` is where the view begins; `fallback` the lane to step on when none is selected */

export class Selection {
  /** @type {BarRef | null} */
  bar = null;
  /** @type {import("./waker.js").Waking | null} what woke the selected bar */
  waking = null;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
  }

  clear() {
    [this.bar, this.waking] = [null, null];
  }

  /** @param {BarRef | null} bar @param {boolean} [reveal] brings it into sight */
  set(bar, reveal = false) {
    this.bar = bar;
    this.waking = wakingOf(this.host.model(), bar);
    this.host.onSelected(bar, reveal);
  }

  /** Goes to what woke the selected bar. */
  followWaker() {
    if (this.waking) this.set(this.waking.from, true);
  }

  /** The next or previous bar of the selected lane. @param {1 | -1} by */
  step(by) {
    const lane = this.bar?.lane ?? this.host.fallback();
    if (!lane) return;
    const index = this.bar ? this.bar.index + by : Math.max(0, lane.indexAt(this.host.startNs()));
    if (index >= 0 && index < lane.length) this.set({ lane, index }, true);
  }
}
