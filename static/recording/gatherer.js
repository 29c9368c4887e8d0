// @ts-check
/**
 * A finished recording read as a whole: its states are not dealt out lane by lane as they come but counted, and then laid down in
 * one stroke, each lane's after another's. A hundred thousand lanes cost three arrays then instead of three each.
 */
import { columnsOf, RecordingError } from "./decode.js";
import { Model } from "./model.js";

/** @typedef {import("./decode.js").Block} Block */
/** @typedef {Record<"t" | "lane" | "detail" | "state", ArrayLike<number>> & {t0: number}} Rows */

export class Gatherer extends Model {
  /** @type {Rows[]} */
  #rows = [];

  /** @override @param {Block} block @param {number} t0 */
  takeStates(block, t0) {
    const { t = [], lane = [], detail = [], state = [] } = columnsOf(block);
    for (let i = 0; i < block.rows; i++) {
      if (/** @type {number} */ (lane[i]) >= this.lanes.length) throw new RecordingError(`lane ${lane[i]} is not defined (there are ${this.lanes.length})`);
    }
    this.#rows.push({ t0, t, lane, detail, state });
    this.stateCount += block.rows;
  }

  /** Everything has come: gives the lanes their states. @returns {{slab: import("./lane.js").Slab, slabEnds: Uint32Array}} */
  layDown() {
    const slab = { startNs: new Float64Array(this.stateCount), state: new Uint8Array(this.stateCount), detail: new Uint32Array(this.stateCount) };
    const next = this.#starts();
    for (const { t0, t, lane, detail, state } of this.#rows) {
      for (let i = 0; i < t.length; i++) {
        const at = /** @type {number} */ (next[lane[i] ?? 0]++);
        const when = t0 + /** @type {number} */ (t[i]);
        slab.startNs[at] = when;
        slab.detail[at] = detail[i] ?? 0;
        slab.state[at] = state[i] ?? 0;
        this.seen[state[i] ?? 0] = 1;
        if (when > this.lastNs) this.lastNs = when;
      }
    }
    this.#rows = [];
    // Each lane's next place has become its end, which is where the one after it began.
    this.lanes.forEach((one, i) => one.lieIn(slab, next[i - 1] ?? 0, next[i] ?? 0));
    return { slab, slabEnds: next };
  }

  /** Where each lane's states begin. */
  #starts() {
    const starts = new Uint32Array(this.lanes.length);
    for (const { lane } of this.#rows) for (let i = 0; i < lane.length; i++) starts[lane[i] ?? 0]++;
    let sum = 0;
    for (let i = 0; i < starts.length; i++) {
      const count = /** @type {number} */ (starts[i]);
      starts[i] = sum;
      sum += count;
    }
    return starts;
  }
}
