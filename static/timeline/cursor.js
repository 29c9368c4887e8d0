// @ts-check
/**
 * The time that is looked at, for everything that can show the run as it was then: source, output, facts, topology. Nowhere (null)
 * means the newest. It stands, is moved, or plays through the run at a speed. No DOM and no clock: time comes in as an argument.
 */

/** @typedef {{tNs: number | null, playing: boolean, speed: number}} Moment `speed` is run time by wall time */

export const SPEEDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export class Cursor {
  /** @type {number | null} */
  tNs = null;
  playing = false;
  speed = 1;
  /** @type {Set<(moment: Moment) => void>} */
  #listeners = new Set();
  #lastMs = -1;

  /** Is told of every change. @param {(moment: Moment) => void} listener @returns {() => void} what ends it */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    const moment = { tNs: this.tNs, playing: this.playing, speed: this.speed };
    for (const listener of this.#listeners) listener(moment);
  }

  /** @param {number | null} tNs null goes back to the newest */
  move(tNs) {
    const next = tNs === null ? null : Math.max(0, tNs);
    if (next === this.tNs && !this.playing) return;
    this.tNs = next;
    if (next === null) this.playing = false;
    this.#tell();
  }

  /** @param {boolean} playing @param {number} fromNs where it starts when it stands nowhere */
  play(playing, fromNs = 0) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.#lastMs = -1;
    if (playing) this.tNs ??= fromNs;
    this.#tell();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = Math.min(Math.max(speed, /** @type {number} */ (SPEEDS[0])), /** @type {number} */ (SPEEDS.at(-1)));
    this.#tell();
  }

  /** A frame has come: goes on, and stands still at the end of what is known. @param {number} nowMs @param {number} edgeNs @param {boolean} live the edge moves on */
  advance(nowMs, edgeNs, live) {
    if (!this.playing || this.tNs === null) return;
    const elapsedMs = this.#lastMs < 0 ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.tNs = Math.min(this.tNs + elapsedMs * 1e6 * this.speed, edgeNs);
    if (this.tNs >= edgeNs && !live) this.playing = false;
    this.#tell();
  }
}
