// @ts-check
/**
 * The time at which messages of a live run are drawn on their way. What is recorded comes in pieces, on a busy machine late: a clock that
 * went with the run would have passed a message before it is known. This one goes at the run's own pace, but never ahead of
 * what is recorded; after the run's end it goes on until the last message has arrived. No DOM; time comes in as an argument.
 */

const MS = 1e6;
/** The broker's frames are decoded a little later than threads are observed. */
const MARGIN_NS = 200 * MS;
/** Further behind it leaves something out rather than show what was long ago. */
const LATEST_NS = 3000 * MS;
/** How long messages go on after the end. */
const AFTER_NS = 1500 * MS;

export class LateClock {
  /** Nothing is shown by it while it is null. @type {number | null} */
  ns = null;
  #lastMs = 0;

  /** @param {number} nowMs of the wall @param {number} recordedNs how far the recording has come @param {boolean} live */
  advance(nowMs, recordedNs, live) {
    const elapsedNs = this.ns === null ? 0 : (nowMs - this.#lastMs) * MS;
    this.#lastMs = nowMs;
    if (this.ns === null && !live) return;
    const mostNs = live ? recordedNs - MARGIN_NS : recordedNs + AFTER_NS;
    const before = this.ns ?? recordedNs - LATEST_NS;
    this.ns = Math.max(before, Math.min(Math.max(before + elapsedNs, recordedNs - LATEST_NS), mostNs));
    if (!live && this.ns >= mostNs) this.ns = null;
  }
}
