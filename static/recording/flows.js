// @ts-check
/** All arrows of a recording, as columns, in the order they came (nearly that of time). */
import { Column } from "./columns.js";

const PER_CHUNK = 512;
/** Nobody can tell more arrows than this from one another, wanted or not; looking further would cost the frame. */
const MOST_LOOKED_AT = 300_000;

export class Flows {
  t = new Column(Float64Array);
  t2 = new Column(Float64Array);
  from = new Column(Uint32Array);
  to = new Column(Uint32Array);
  kind = new Column(Uint8Array);
  detail = new Column(Uint32Array);
  /** Earliest start and latest end of every PER_CHUNK arrows: what is visible is found without a global order. */
  chunkStart = new Column(Float64Array);
  chunkEnd = new Column(Float64Array);

  get length() {
    return this.t.length;
  }

  /** @param {number} t @param {number} t2 @param {number} from @param {number} to @param {number} kind @param {number} detail */
  push(t, t2, from, to, kind, detail) {
    const chunk = Math.floor(this.length / PER_CHUNK);
    if (chunk === this.chunkStart.length) {
      this.chunkStart.push(t);
      this.chunkEnd.push(t2);
    }
    const [starts, ends] = [this.chunkStart.data, this.chunkEnd.data];
    starts[chunk] = Math.min(starts[chunk] ?? t, t);
    ends[chunk] = Math.max(ends[chunk] ?? t2, t, t2);
    this.t.push(t);
    this.t2.push(t2);
    this.from.push(from);
    this.to.push(to);
    this.kind.push(kind);
    this.detail.push(detail);
  }

  /**
   * Numbers of the arrows that touch [startNs, endNs] and are wanted, at most `most`.
   * @param {number} startNs @param {number} endNs @param {number} most @param {(i: number) => boolean} [wanted]
   * @returns {{found: number[], more: boolean}}
   */
  between(startNs, endNs, most, wanted = () => true) {
    /** @type {number[]} */
    const found = [];
    let looked = 0;
    for (let chunk = 0; chunk < this.chunkStart.length; chunk++) {
      if (/** @type {number} */ (this.chunkStart.data[chunk]) > endNs || /** @type {number} */ (this.chunkEnd.data[chunk]) < startNs) continue;
      if ((looked += PER_CHUNK) > MOST_LOOKED_AT) return { found, more: true };
      const stop = Math.min(this.length, (chunk + 1) * PER_CHUNK);
      for (let i = chunk * PER_CHUNK; i < stop; i++) {
        if (/** @type {number} */ (this.t.data[i]) > endNs || /** @type {number} */ (this.t2.data[i]) < startNs || !wanted(i)) continue;
        if (found.length === most) return { found, more: true };
        found.push(i);
      }
    }
    return { found, more: false };
  }
}
