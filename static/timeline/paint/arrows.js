// @ts-check
/** The arrows in sight: who woke whom. Too many to follow are not drawn, and that is said. */
import { endOf, timeToPx } from "../viewport.js";
import { barBox } from "./box.js";
import { Batch } from "./canvas.js";

/** @typedef {import("./scene.js").Frame} Frame */
/** @typedef {import("../../recording/lane.js").Lane} Lane */

const MOST_ARROWS = 600;

/** @param {Frame} frame @param {import("../../recording/model.js").Model} model @returns {{batch: Batch, more: boolean}} */
export function arrowsIn({ view, palette, rows }, { flows, lanes }) {
  const batch = new Batch();
  const shown = rows.all.shown(lanes.length);
  const wanted = (/** @type {number} */ i) => shown[flows.from.data[i] ?? 0] === 1 && shown[flows.to.data[i] ?? 0] === 1;
  const { found, more } = flows.between(view.startNs, endOf(view), MOST_ARROWS, wanted);
  if (more) return { batch, more };
  for (const i of found) {
    const [from, to] = [rows.of(/** @type {Lane} */ (lanes[flows.from.data[i] ?? 0])), rows.of(/** @type {Lane} */ (lanes[flows.to.data[i] ?? 0]))];
    if (!from || !to || from.lane === to.lane) continue;
    const [a, b] = [barBox(from, rows.yOf(from), palette), barBox(to, rows.yOf(to), palette)];
    batch.push(timeToPx(view, /** @type {number} */ (flows.t.data[i])), a.y + a.height / 2, timeToPx(view, /** @type {number} */ (flows.t2.data[i])), b.y > a.y ? b.y : b.y + b.height);
  }
  return { batch, more };
}
