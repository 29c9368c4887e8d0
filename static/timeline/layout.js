// @ts-check
/**
 * Which rows there are, from top to bottom: pinned lanes, then the lanes' tree with what is folded away. No DOM; heights in CSS pixels.
 *
 * Many lanes that belong together become one density row until they are unfolded, so that ten thousand coroutines are one picture first.
 */
import { LaneKind } from "../generated/records.js";
import { leftOut, LEVELS, LOW_FROM, standsFor, WORDLESS_FROM } from "./condense.js";
import { RowList } from "./rowlist.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./arrangement.js").Arrangement} Arrangement */
/** @typedef {import("./families.js").Families} Families */
/** @typedef {import("./rowlist.js").Row} Row */
/** @typedef {{rowPx: number, thinPx: number, stripPx: number, densityPx: number, counterPx: number, markPx: number, leastPx: number}} Heights `leastPx` of a row on a screen where everything must be in sight; 0 where one scrolls */

/** A process's memory right below it, a thread's strip of CPU time below that, cores above processes, the GIL above the threads that take it, child processes below their parent's threads in the order of their beginning; otherwise as they appeared. @type {Record<number, number>} */
const RANK = { [LaneKind.MEMORY]: -4, [LaneKind.CORE]: -2, [LaneKind.GIL]: -1, [LaneKind.CPU]: -3, [LaneKind.CONNECTION]: 0.1, [LaneKind.EXCHANGE]: 0.2, [LaneKind.QUEUE]: 0.3, [LaneKind.PROCESS]: 1 };
/** Below the queues, so that messages go downwards: from who publishes over exchange and queue to who consumes. */
const CONSUMING_RANK = 0.4;

/**
 * @param {Lane[]} lanes by their numbers; the first is the root, which has no row of its own
 * @param {Arrangement} arrangement @param {Families} families @param {Heights} heights @param {number} [level] of condense.js
 */
export function layout(lanes, arrangement, families, heights, level = 0) {
  const list = new RowList();
  const isLeftOut = leftOut(level);
  /** @param {Lane} lane @param {number} depth @param {boolean} [pinned] */
  const addLane = (lane, depth, pinned = false) => {
    // What is unacknowledged is drawn in its queue's own row.
    const foldable = !pinned && lane.children.length > 0 && lane.kind !== LaneKind.QUEUE;
    const flagsPx = lane.marks.length ? heights.markPx : 0;
    const open = foldable && arrangement.isOpen({ kind: "lane", lane });
    list.add({ kind: "lane", lane, family: null, depth, heightPx: heightOf(lane, heights) + flagsPx, flagsPx, foldable, open, pinned, named: standsFor(lane, isLeftOut) });
    return open;
  };
  /** @param {Lane} parent @param {number} depth */
  const descend = (parent, depth) => {
    const { single, families: many } = families.of(parent);
    for (const lane of arrangement.inOrder(ordered(single), parent)) {
      if (isLeftOut(lane)) descend(lane, depth);
      else if (addLane(lane, depth)) descend(lane, depth + 1);
    }
    for (const family of many) {
      const open = arrangement.isOpen({ kind: "density", lane: parent, family });
      list.add({ kind: "density", lane: parent, family, depth, heightPx: heights.densityPx, flagsPx: 0, foldable: true, open, pinned: false });
      if (open) list.addMembers(family.members, depth + 1, heights.rowPx, heights.markPx);
    }
  };

  for (const id of arrangement.pinned) {
    const lane = lanes[id];
    if (lane) addLane(lane, 0, true);
    for (const strip of lane?.children ?? []) if (strip.kind === LaneKind.CPU) addLane(strip, 1, true);
  }
  list.pinnedPx = list.heightPx;
  if (lanes[0]) descend(lanes[0], 0);
  return list;
}

/** How much a row may grow when there is more room than rows. */
const MOST_GROWTH = 2.2;

/**
 * The layout for a plot of that height: few rows are given more of it, so that a picture of two lanes fills its frame.
 * @param {Lane[]} lanes @param {Arrangement} arrangement @param {Families} families @param {Heights} heights @param {number} roomPx
 * @returns {{rows: RowList, heights: Heights, leftOut: number}} `leftOut` is how many rows are not shown for want of room
 */
export function layoutInto(lanes, arrangement, families, heights, roomPx) {
  let rows = layout(lanes, arrangement, families, heights);
  const { length } = rows;
  for (let level = 1; heights.leastPx && rows.heightPx > roomPx && level <= LEVELS; level++) {
    if (level === LOW_FROM) heights = low(heights);
    if (level === WORDLESS_FROM) heights = { ...heights, markPx: heights.stripPx / 2, densityPx: Math.min(heights.densityPx, LEAST_DENSITY * heights.leastPx) };
    rows = layout(lanes, arrangement, families, heights, level);
  }
  const growth = Math.min(MOST_GROWTH, (roomPx / Math.max(rows.heightPx, 1)) * 0.98);
  const leftOut = length - rows.length;
  if (growth <= 1.05) return { rows, heights, leftOut };
  const grown = { ...heights };
  for (const name of /** @type {const} */ (["rowPx", "thinPx", "stripPx", "densityPx", "counterPx"])) grown[name] = Math.round(heights[name] * growth);
  const larger = layout(lanes, arrangement, families, grown);
  return larger.heightPx <= roomPx || !heights.leastPx ? { rows: larger, heights: grown, leftOut: 0 } : { rows, heights, leftOut };
}

/** A crowd's row is a picture, so it keeps more. */
const LOW_DENSITY = 4;
const LEAST_DENSITY = 2;

/** @param {Heights} heights @returns {Heights} */
function low(heights) {
  const { leastPx } = heights;
  const densityPx = Math.min(heights.densityPx, LOW_DENSITY * leastPx);
  return { ...heights, rowPx: Math.min(heights.rowPx, leastPx), thinPx: Math.min(heights.thinPx, leastPx), counterPx: Math.min(heights.counterPx, leastPx), densityPx };
}

/** @param {Lane[]} lanes */
export function ordered(lanes) {
  const rank = (/** @type {Lane} */ lane) => (consumes(lane) ? CONSUMING_RANK : (RANK[lane.kind] ?? 0));
  const number = (/** @type {Lane} */ lane) => (lane.kind === LaneKind.CORE ? Number(/\d+/.exec(lane.name)?.[0] ?? 0) : lane.kind === LaneKind.PROCESS ? lane.t : lane.id);
  return lanes.some((lane) => rank(lane)) ? [...lanes].sort((a, b) => rank(a) - rank(b) || number(a) - number(b)) : lanes;
}

/** A connection with a consumer in one of its channels. @param {Lane} lane */
const consumes = (lane) => lane.kind === LaneKind.CONNECTION && lane.children.some((channel) => channel.children.length > 0);

/** What asyncio.run() itself does at its end is there, but quiet. @param {Lane} lane */
export const isHousekeeping = (lane) => lane.kind === LaneKind.TASK && /\bBaseEventLoop\.shutdown_/.test(lane.name);

/** Where there are several processes, their memory takes little room. @param {Lane} lane */
const isOneOfManyMemories = (lane) => lane.kind === LaneKind.MEMORY && (lane.parent?.parent?.kind === LaneKind.PROCESS || Boolean(lane.parent?.children.some((child) => child.kind === LaneKind.PROCESS)));

/** Rows that are there, but small. @param {Lane} lane */
export const isQuiet = (lane) => isHousekeeping(lane) || isOneOfManyMemories(lane);

/** @param {Lane} lane @param {Heights} heights without room for flags */
function heightOf(lane, heights) {
  if (isQuiet(lane)) return heights.stripPx;
  if (lane.kind === LaneKind.MEMORY) return heights.thinPx;
  if (lane.counter && lane.kind !== LaneKind.CHANNEL && lane.kind !== LaneKind.CONSUMER) return heights.counterPx;
  return lane.kind === LaneKind.PROCESS ? heights.thinPx : lane.kind === LaneKind.CPU ? heights.stripPx : heights.rowPx;
}
