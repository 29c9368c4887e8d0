// @ts-check
/**
 * Which rows there are, from top to bottom: the lanes' tree with what is folded away. No DOM; heights in CSS pixels.
 *
 * Many lanes under one parent become one density row until they are unfolded, so that ten thousand coroutines are one picture first.
 */
import { LaneKind } from "../generated/records.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {"lane" | "density"} RowKind */
/**
 * @typedef {object} Row
 * @property {RowKind} kind
 * @property {Lane} lane the lane, or the parent of a density row's lanes
 * @property {Lane[]} members lanes drawn together in a density row, else empty
 * @property {number} depth
 * @property {number} yPx from the top of all rows
 * @property {number} heightPx
 * @property {boolean} foldable
 * @property {boolean} open
 */
/** @typedef {{rowPx: number, thinPx: number, stripPx: number, densityPx: number, counterPx: number, markPx: number}} Heights */

export const MANY = 200;

/** A process's memory right below it, a thread's strip of CPU time below that, cores above processes, the GIL above the threads that take it; otherwise as they appeared. @type {Record<number, number>} */
const RANK = { [LaneKind.MEMORY]: -4, [LaneKind.CORE]: -2, [LaneKind.GIL]: -1, [LaneKind.CPU]: -3 };

/** What a viewer has folded or unfolded, by lane; whatever is not named keeps its default. */
export class Folding {
  /** @type {Map<string, boolean>} */
  #open = new Map();

  /** @param {Lane} lane @param {RowKind} kind */
  isOpen(lane, kind) {
    return this.#open.get(`${kind}${lane.id}`) ?? kind === "lane";
  }

  /** @param {Lane} lane @param {RowKind} kind @param {boolean} open */
  set(lane, kind, open) {
    this.#open.set(`${kind}${lane.id}`, open);
  }

  /** Unfolds whatever a lane is hidden under. @param {Lane} lane */
  openTo(lane) {
    for (let above = lane.parent; above; above = above.parent) {
      this.set(above, "lane", true);
      if (isMany(above) && !lane.children.length) this.set(above, "density", true);
    }
  }
}

/**
 * @param {Lane} machine the root; it has no row of its own unless something was counted on it
 * @param {Folding} folding @param {Heights} heights
 * @returns {{rows: Row[], heightPx: number}}
 */
export function layout(machine, folding, heights) {
  /** @type {Row[]} */
  const rows = [];
  let yPx = 0;

  /** @param {RowKind} kind @param {Lane} lane @param {Lane[]} members @param {number} depth @param {boolean} foldable */
  const add = (kind, lane, members, depth, foldable) => {
    const heightPx = kind === "density" ? heights.densityPx : heightOf(lane, heights);
    const open = foldable && folding.isOpen(lane, kind);
    rows.push({ kind, lane, members, depth, yPx, heightPx, foldable, open });
    yPx += heightPx;
    return open;
  };
  /** @param {Lane[]} lanes @param {number} depth */
  const addAll = (lanes, depth) => {
    for (const lane of lanes) {
      if (add("lane", lane, [], depth, lane.children.length > 0)) descend(lane, depth + 1);
    }
  };
  /** @param {Lane} parent @param {number} depth */
  const descend = (parent, depth) => {
    const many = isMany(parent) ? parent.children.filter((child) => !child.children.length) : [];
    const few = many.length > MANY ? parent.children.filter((child) => child.children.length) : parent.children;
    addAll(ordered(few), depth);
    if (many.length > MANY && add("density", parent, many, depth, true)) addAll(many, depth + 1);
  };

  descend(machine, 0);
  return { rows, heightPx: yPx };
}

/** May its children be drawn as one? @param {Lane} parent */
const isMany = (parent) => parent.children.length > MANY;

/** How much a row may grow when there is more room than rows. */
const MOST_GROWTH = 2.2;

/**
 * The layout for a plot of that height: few rows are given more of it, so that a picture of two lanes fills its frame.
 * @param {Lane} machine @param {Folding} folding @param {Heights} heights @param {number} roomPx
 * @returns {{rows: Row[], heightPx: number, heights: Heights}}
 */
export function layoutInto(machine, folding, heights, roomPx) {
  const plain = layout(machine, folding, heights);
  const growth = Math.min(MOST_GROWTH, (roomPx / Math.max(plain.heightPx, 1)) * 0.98);
  if (growth <= 1.05) return { ...plain, heights };
  const grown = { ...heights };
  for (const name of /** @type {const} */ (["rowPx", "thinPx", "stripPx", "densityPx", "counterPx"])) grown[name] = Math.round(heights[name] * growth);
  return { ...layout(machine, folding, grown), heights: grown };
}

/** @param {Lane[]} lanes */
function ordered(lanes) {
  const rank = (/** @type {Lane} */ lane) => RANK[lane.kind] ?? 0;
  const number = (/** @type {Lane} */ lane) => (lane.kind === LaneKind.CORE ? Number(/\d+/.exec(lane.name)?.[0] ?? 0) : lane.id);
  return lanes.some((lane) => rank(lane)) ? [...lanes].sort((a, b) => rank(a) - rank(b) || number(a) - number(b)) : lanes;
}

/** What asyncio.run() itself does at its end is there, but quiet. @param {Lane} lane */
export const isHousekeeping = (lane) => lane.kind === LaneKind.TASK && /\bBaseEventLoop\.shutdown_/.test(lane.name);

/** Where there are several processes, their memory takes little room. @param {Lane} lane */
const isOneOfManyMemories = (lane) => lane.kind === LaneKind.MEMORY && (lane.parent?.parent?.kind === LaneKind.PROCESS || Boolean(lane.parent?.children.some((child) => child.kind === LaneKind.PROCESS)));

/** Rows that are there, but small. @param {Lane} lane */
export const isQuiet = (lane) => isHousekeeping(lane) || isOneOfManyMemories(lane);

/** @param {Lane} lane @param {Heights} heights */
function heightOf(lane, heights) {
  const flagsPx = lane.marks.length ? heights.markPx : 0;
  if (isQuiet(lane)) return heights.stripPx + flagsPx;
  if (lane.kind === LaneKind.MEMORY) return heights.thinPx + flagsPx;
  if (lane.counter) return heights.counterPx + flagsPx;
  return (lane.kind === LaneKind.PROCESS ? heights.thinPx : lane.kind === LaneKind.CPU ? heights.stripPx : heights.rowPx) + flagsPx;
}

/** Index of the row at `yPx`, -1 outside. @param {Row[]} rows @param {number} yPx */
export function rowAt(rows, yPx) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (/** @type {Row} */ (rows[middle]).yPx > yPx) high = middle;
    else low = middle + 1;
  }
  const row = rows[low - 1];
  return row && yPx < row.yPx + row.heightPx ? low - 1 : -1;
}

/** Does the row below belong to this one, without a rule between them? @param {Row[]} rows @param {number} index */
export const hasStrip = (rows, index) => rows[index + 1]?.lane.kind === LaneKind.CPU;

/** The rows that touch [topPx, bottomPx), as a half-open span of indices. @param {Row[]} rows @param {number} topPx @param {number} bottomPx @returns {[number, number]} */
export function visibleRows(rows, topPx, bottomPx) {
  const first = Math.max(0, rowAt(rows, Math.max(topPx, 0)));
  let last = first;
  while (last < rows.length && /** @type {Row} */ (rows[last]).yPx < bottomPx) last++;
  return [first, last];
}
