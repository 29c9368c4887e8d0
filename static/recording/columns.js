// @ts-check
/** Growable typed arrays: a `Column` doubles its room; reads go straight to its `data`, valid up to `length`. */

/** @template {Float64Array | Float32Array | Int32Array | Uint32Array | Uint8Array} T */
export class Column {
  /** @param {new (size: number) => T} type @param {number} [room] */
  constructor(type, room = 8) {
    this.type = type;
    /** @type {T} */
    this.data = new type(room);
    this.length = 0;
  }

  /** Takes an array of its type for its own, full as it is. @param {ArrayLike<number>} data */
  over(data) {
    this.data = /** @type {T} */ (data);
    this.length = data.length;
    return this;
  }

  /** What it holds, and nothing more. @returns {T} */
  whole() {
    return /** @type {T} */ (this.data.slice(0, this.length));
  }

  /** @param {number} value */
  push(value) {
    if (this.length === this.data.length) this.reserve(this.length + 1);
    this.data[this.length++] = value;
  }

  /** Makes room for `length` values in all; new ones are zero. @param {number} length */
  reserve(length) {
    if (length <= this.data.length) return;
    const bigger = new this.type(Math.max(length, 2 * this.data.length, 4));
    bigger.set(this.data.subarray(0, this.length));
    this.data = bigger;
  }
}

/**
 * The first index in `data[0..length)` whose value is greater than `value`; `length` when there is none. `data` is in order.
 * @param {ArrayLike<number>} data @param {number} length @param {number} value
 */
export function firstAfter(data, length, value) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (/** @type {number} */ (data[middle]) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
