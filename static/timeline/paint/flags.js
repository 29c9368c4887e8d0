// @ts-check
/** Marks as small flags on a lane: a tick over its height, and its text where there is room for it. */
import { MarkKind, ROUTINE_MARKS } from "../../generated/records.js";
import { isBrokers, isGrave, toldBy } from "../broker.js";
import { markWords } from "../marks.js";
import { plain } from "../describe.js";
import { endOf, pxToSpan, timeToPx } from "../viewport.js";

/** @typedef {import("./scene.js").Frame} Frame */
/** @typedef {import("./canvas.js").Batch} Batch */
/** @typedef {import("./canvas.js").Text} Text */
/** @typedef {{t: number, kind: number, text: string}} Mark */
/** @typedef {{printed: Batch, grave: Batch, texts: Text[]}} Flags */

/** Marks that tell of something gone wrong or lost. @type {Set<number>} */
const SERIOUS = new Set([MarkKind.EXCEPTION, MarkKind.DROPPED, MarkKind.LIMIT, MarkKind.HOOK, MarkKind.STDERR]);
/** @param {Mark} mark */
const isSerious = (mark) => SERIOUS.has(mark.kind) || isGrave(mark);
/** @type {Set<string>} */
const ROUTINE = new Set(ROUTINE_MARKS);
/** @param {Mark} mark */
const isRoutine = (mark) => isBrokers(mark) && ROUTINE.has(toldBy(mark).what);
const LONGEST_PX = 420;
const SHORTEST_PX = 28;
const BESIDE_PX = 10;
/** Flags this near to each other look like one. */
const SAME_PX = 5;

/**
 * @param {Frame} frame @param {import("./canvas.js").CanvasRenderer} renderer @param {Mark[]} marks in order of time
 * @param {number} y @param {number} heightPx of the row @param {Flags} flags
 */
export function drawFlags({ view, palette }, renderer, marks, y, heightPx, flags) {
  const first = firstFrom(marks, view.startNs - pxToSpan(view, LONGEST_PX));
  const flagPx = Math.max(5, palette.heights.markPx * 0.3);
  let takenPx = -Infinity; // up to here the strip is written on
  let lastPx = -Infinity;
  let flaggedPx = -Infinity;
  for (let i = first; i < marks.length; i++) {
    const mark = /** @type {Mark} */ (marks[i]);
    const x = Math.round(timeToPx(view, mark.t));
    if (mark.t > endOf(view)) break;
    if (x === lastPx) continue;
    lastPx = x;
    const batch = isSerious(mark) ? flags.grave : flags.printed;
    // Acknowledgements by the hundred must not hide what is drawn below.
    batch.push(x, y + 3, 1.5, isRoutine(mark) ? palette.heights.markPx - 3 : heightPx - 6);
    if (x < takenPx) continue;
    if (x - flaggedPx > flagPx + 3) batch.push(x, y + 3, flagPx + 1, flagPx);
    flaggedPx = x;
    takenPx = x + write(told(marks, i, view), x, roomRight(marks, i, view), takenPx) + 4;
  }

  /** Beside the flag, to its right or, at the plot's end, to its left; returns the width taken. @param {Mark} mark @param {number} x @param {number} rightPx @param {number} freeFromPx */
  function write(mark, x, rightPx, freeFromPx) {
    const text = palette.heights.markPx < palette.smallPx ? "" : plain(markWords(mark)); // no room for words
    const beside = flagPx + BESIDE_PX / 2;
    const width = renderer.measure(text, true);
    const common = { text, yPx: y + 3 + palette.heights.markPx / 2, color: isSerious(mark) ? palette.error : palette.text, small: true };
    const clear = Math.max(freeFromPx, 0);
    if (rightPx - beside < width && view.widthPx - x < width + beside && x - 6 - width > clear) {
      flags.texts.push({ ...common, xPx: x - 6, align: "right" });
      return beside;
    }
    const maxPx = Math.min(rightPx - beside - 4, LONGEST_PX);
    if (!text || (maxPx < SHORTEST_PX && maxPx < width)) return beside;
    flags.texts.push({ ...common, xPx: x + beside, maxPx });
    return beside + Math.min(width, maxPx);
  }
}

/** Of several that look like one, the one that tells of something gone wrong has the word. @param {Mark[]} marks @param {number} index @param {import("../viewport.js").View} view */
function told(marks, index, view) {
  const untilNs = /** @type {Mark} */ (marks[index]).t + pxToSpan(view, SAME_PX);
  for (let i = index; i < marks.length && /** @type {Mark} */ (marks[i]).t <= untilNs; i++) {
    if (isSerious(/** @type {Mark} */ (marks[i]))) return /** @type {Mark} */ (marks[i]);
  }
  return /** @type {Mark} */ (marks[index]);
}

/** How far it is to the next flag that one could tell from this one. @param {Mark[]} marks @param {number} index @param {import("../viewport.js").View} view */
function roomRight(marks, index, view) {
  const x = timeToPx(view, /** @type {Mark} */ (marks[index]).t);
  for (let i = index + 1; i < marks.length; i++) {
    const next = timeToPx(view, /** @type {Mark} */ (marks[i]).t);
    if (next > x + SAME_PX) return Math.min(next, view.widthPx) - x;
  }
  return view.widthPx - x;
}

/** @param {Mark[]} marks @param {number} t */
function firstFrom(marks, t) {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (/** @type {Mark} */ (marks[middle]).t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}
