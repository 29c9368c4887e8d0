// @ts-check
/**
 * The rows from top to bottom, as a list that costs nothing for what is not in sight: the members of an unfolded family are one
 * entry, and rows are made of it where one looks. No DOM.
 */
import { LaneKind } from "../generated/records.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./arrangement.js").RowKind} RowKind */
/**
 * @typedef {object} Row
 * @property {RowKind} kind
 * @property {Lane} lane the lane, or the parent of a density row's lanes
 * @property {import("./families.js").Family | null} family the lanes drawn together in a density row
 * @property {number} depth
 * @property {number} yPx from the top of all rows
 * @property {number} heightPx
 * @property {number} flagsPx of it, at its top, for what was printed
 * @property {boolean} foldable
 * @property {boolean} open
 * @property {boolean} pinned
 * @property {Lane | null} [named] the lane whose name it bears, where that lane has no row
 */
/** @typedef {{first: number, count: number, yPx: number, heightPx: number, row: Row | null, members: Lane[], depth: number, flagsPx: number}} Part `heightPx` of each of its rows */

export class RowList {
  /** @type {Part[]} */
  #parts = [];
  /** @type {Map<Lane, Row>} */
  #rowOf = new Map();
  #shown = new Uint8Array(0);
  length = 0;
  heightPx = 0;
  /** How much of the top belongs to pinned rows. */
  pinnedPx = 0;

  /** @param {Omit<Row, "yPx">} row */
  add(row) {
    const placed = { ...row, yPx: this.heightPx };
    this.#push({ count: 1, heightPx: row.heightPx, row: placed, members: [], depth: row.depth, flagsPx: row.flagsPx });
    // A pinned lane is looked for where it is pinned.
    if (row.kind === "lane" && !this.#rowOf.has(row.lane)) this.#rowOf.set(row.lane, placed);
  }

  /** @param {Lane[]} members @param {number} depth @param {number} rowPx @param {number} markPx */
  addMembers(members, depth, rowPx, markPx) {
    const flagsPx = members.some(({ marks }) => marks.length) ? markPx : 0;
    this.#push({ count: members.length, heightPx: rowPx + flagsPx, row: null, members, depth, flagsPx });
  }

  /** @param {Omit<Part, "first" | "yPx">} part */
  #push(part) {
    this.#parts.push({ ...part, first: this.length, yPx: this.heightPx });
    this.length += part.count;
    this.heightPx += part.count * part.heightPx;
  }

  /** @param {Part} part @param {number} index within it @returns {Row} */
  #row(part, index) {
    if (part.row) return part.row;
    const { heightPx, depth, flagsPx } = part;
    return { kind: "lane", lane: /** @type {Lane} */ (part.members[index]), family: null, depth, yPx: part.yPx + index * heightPx, heightPx, flagsPx, foldable: false, open: false, pinned: false };
  }

  /** The last part that begins at or before a place. @param {"first" | "yPx"} by @param {number} value */
  #partAt(by, value) {
    let [low, high] = [0, this.#parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (/** @type {Part} */ (this.#parts[middle])[by] > value) high = middle;
      else low = middle + 1;
    }
    return this.#parts[low - 1] ?? null;
  }

  /** @param {number} index @returns {Row | null} */
  at(index) {
    const part = this.#partAt("first", index);
    return part && index < part.first + part.count ? this.#row(part, index - part.first) : null;
  }

  /** Index of the row at `yPx`, -1 outside. @param {number} yPx */
  indexAt(yPx) {
    const part = this.#partAt("yPx", yPx);
    if (!part || yPx < part.yPx || yPx >= part.yPx + part.count * part.heightPx) return -1;
    return part.first + Math.floor((yPx - part.yPx) / part.heightPx);
  }

  /** The row a lane has of its own, if any. @param {Lane} lane @returns {Row | null} */
  rowOf(lane) {
    const row = this.#rowOf.get(lane);
    if (row) return row;
    for (const part of this.#parts) {
      if (part.row || part.members[0]?.parent !== lane.parent) continue;
      const index = indexOfLane(part.members, lane);
      if (index >= 0) return this.#row(part, index);
    }
    return null;
  }

  /** Which lanes have a row of their own, by number: 1 for those. @param {number} lanes how many there are */
  shown(lanes) {
    if (this.#shown.length >= lanes) return this.#shown;
    this.#shown = new Uint8Array(lanes);
    for (const lane of this.#rowOf.keys()) this.#shown[lane.id] = 1;
    for (const { row, members } of this.#parts) if (!row) for (const { id } of members) this.#shown[id] = 1;
    return this.#shown;
  }

  /** The rows that touch [topPx, bottomPx). @param {number} topPx @param {number} bottomPx @returns {{rows: Row[], first: number}} */
  between(topPx, bottomPx) {
    const first = Math.max(0, this.indexAt(Math.max(topPx, 0)));
    const rows = [];
    for (let i = first; i < this.length; i++) {
      const row = /** @type {Row} */ (this.at(i));
      if (row.yPx >= bottomPx) break;
      rows.push(row);
    }
    return { rows, first };
  }

  /** The rows that are not members of an unfolded family. */
  get fixed() {
    return this.#parts.flatMap(({ row }) => (row ? [row] : []));
  }

  /** All of them: for tests, and for whoever must. */
  *[Symbol.iterator]() {
    for (let i = 0; i < this.length; i++) yield /** @type {Row} */ (this.at(i));
  }
}

/** @param {Lane[]} members in order of their numbers @param {Lane} lane */
function indexOfLane(members, lane) {
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (/** @type {Lane} */ (members[middle]).id < lane.id) low = middle + 1;
    else high = middle;
  }
  return members[low] === lane ? low : -1;
}

/** Does the row below belong to this one, without a rule between them? @param {Row[]} rows @param {number} index */
export const hasStrip = (rows, index) => rows[index + 1]?.lane.kind === LaneKind.CPU;
