// @ts-check
/** The arrows in sight: who woke whom. Too many to follow are not drawn, and that is said. */
import { isMessage, isUnusual } from "../broker.js";
import { isSpoken } from "../users.js";
import { endOf, timeToPx } from "../viewport.js";
import { barBox } from "./box.js";
import { Batch } from "./canvas.js";

/** @typedef {import("./scene.js").Frame} Frame */
/** @typedef {import("../../recording/lane.js").Lane} Lane */

const MOST_ARROWS = 600;
/** Messages between the same two lanes are drawn no nearer than this. */
const APART_PX = 6;
/** Those between a thread and its connection cross many rows, and tell nothing more of each message. */
const SPOKEN_APART_PX = 18;
const MOST_COLUMNS = 4096;

/**
 * @param {Frame} frame @param {import("../../recording/model.js").Model} model
 * @returns {{batch: Batch, grave: Batch, more: boolean}} `grave` are messages that were returned, or delivered once more
 */
export function arrowsIn({ view, palette, rows }, model) {
  const { flows, lanes } = model;
  const [batch, grave] = [new Batch(), new Batch()];
  const drawn = new Set();
  const shown = rows.all.shown(lanes.length);
  const wanted = (/** @type {number} */ i) => {
    const [from, to] = [flows.from.data[i] ?? 0, flows.to.data[i] ?? 0];
    if (shown[from] !== 1 || shown[to] !== 1) return false;
    const spoken = isSpoken(model, i);
    if (!spoken && !isMessage(model, i)) return true;
    // Of a stream of messages as many are drawn as can be told apart; none that went wrong is left out for one that did not.
    const key = (from * lanes.length + to) * MOST_COLUMNS + 2 * Math.floor(timeToPx(view, flows.t.data[i] ?? 0) / (spoken ? SPOKEN_APART_PX : APART_PX)) + (isUnusual(model, i) ? 1 : 0);
    return !drawn.has(key) && Boolean(drawn.add(key));
  };
  const { found, more } = flows.between(view.startNs, endOf(view), MOST_ARROWS, wanted);
  if (more) return { batch, grave, more };
  for (const i of found) {
    const [from, to] = [rows.of(/** @type {Lane} */ (lanes[flows.from.data[i] ?? 0])), rows.of(/** @type {Lane} */ (lanes[flows.to.data[i] ?? 0]))];
    if (!from || !to || from.lane === to.lane) continue;
    const [a, b] = [barBox(from, rows.yOf(from), palette), barBox(to, rows.yOf(to), palette)];
    (isMessage(model, i) && isUnusual(model, i) ? grave : batch).push(timeToPx(view, /** @type {number} */ (flows.t.data[i])), a.y + a.height / 2, timeToPx(view, /** @type {number} */ (flows.t2.data[i])), b.y > a.y ? b.y : b.y + b.height);
  }
  return { batch, grave, more };
}
