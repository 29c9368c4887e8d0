// @ts-check
/** Rows that are areas: many lanes as how many of them were in each state, and a counter as its value. */
import { bytes, grouped } from "../../common/format.js";
import { t } from "../../common/i18n.js";
import { LaneKind } from "../../generated/records.js";
import { firstAfter } from "../../recording/columns.js";
import { isOfBroker, unackedOf } from "../broker.js";
import { pxToTime } from "../viewport.js";
import { STACK } from "./crowd.js";
import { Ink, runs } from "./inks.js";

/** @typedef {import("./scene.js").Frame} Frame */
/** @typedef {import("./canvas.js").CanvasRenderer} Renderer */
/** @typedef {import("./canvas.js").Text} Text */
/** @typedef {import("../../recording/lane.js").Counter} Counter */

const INSET_PX = 4;
/** One that runs among ten thousand is still seen. */
const LEAST_RUNNING_PX = 2;

/** @param {Renderer} renderer @param {Frame} frame @param {import("../rowlist.js").Row} row @param {number} y */
export function drawDensity(renderer, { view, edgeNs }, row, y) {
  const { family } = row;
  if (!family) return;
  const columns = Math.ceil(view.widthPx);
  const height = row.heightPx - 2 * INSET_PX;
  const bottoms = new Float64Array(columns).fill(y + INSET_PX + height);
  const pxEach = height / family.members.length;
  const areas = family.crowd.means({ ...view, spanNs: (view.spanNs * columns) / view.widthPx }, edgeNs, columns).flatMap((count, place) => {
    const ink = STACK[place] ?? Ink.NONE;
    if (!count.some((one) => one > 0)) return [];
    const leastPx = runs(ink) ? LEAST_RUNNING_PX : 0;
    const area = { ink, bottoms: bottoms.slice(), tops: new Float64Array(columns) };
    for (let i = 0; i < columns; i++) {
      const partPx = /** @type {number} */ (count[i]) * pxEach;
      const bottom = /** @type {number} */ (bottoms[i]);
      area.tops[i] = partPx > 1e-9 ? bottom - Math.max(partPx, leastPx) : bottom;
      bottoms[i] = bottom - partPx;
    }
    return [area];
  });
  // From above, so that the least of what runs lies over what waits.
  for (const { ink, bottoms: from, tops } of areas.reverse()) renderer.drawArea(ink, from, tops, columns, 1);
}

/**
 * @param {Renderer} renderer @param {Frame} frame @param {import("../../recording/lane.js").Lane} lane
 * @param {{y: number, height: number}} box @returns {Text[]} its highest values, where there is room for them
 */
export function drawCounter(renderer, { view, edgeNs, palette }, lane, box) {
  const endNs = lane.endNs(edgeNs);
  const { counter } = lane;
  const unacked = lane.kind === LaneKind.QUEUE ? (unackedOf(lane)?.counter ?? null) : null;
  const most = (counter?.max ?? 0) + (unacked?.max ?? 0);
  if (!counter || most <= 0) return [];
  const columns = Math.ceil(view.widthPx);
  const bottoms = new Float64Array(columns).fill(box.y + box.height);
  // What consumers have in hand stands below what waits for them.
  for (const [each, ink] of /** @type {[Counter | null, number][]} */ ([[unacked, Ink.RUNNING], [counter, lane.kind === LaneKind.CONSUMER ? Ink.RUNNING : Ink.WAITING]])) {
    if (!each || each.max <= 0) continue;
    const tops = bottoms.slice();
    highest(each, view, endNs, columns).forEach((value, i) => (tops[i] = /** @type {number} */ (bottoms[i]) - (value / most) * box.height));
    renderer.drawArea(ink, bottoms, tops, columns, 1);
    bottoms.set(tops);
  }
  if (box.height < palette.smallPx * 0.8) return []; // it would stand in its neighbours' rows
  return [{ text: highestText(lane, counter.max, unacked?.max ?? 0), xPx: 6, yPx: box.y + palette.smallPx * 0.6, color: palette.quiet, small: true, behind: palette.background }];
}

/** The highest value within each column stays seen, however short it was. @param {Counter} counter @param {import("../viewport.js").View} view @param {number} edgeNs @param {number} columns */
function highest({ t, value }, view, edgeNs, columns) {
  const found = new Float64Array(columns);
  let next = firstAfter(t.data, t.length, view.startNs);
  let now = value.data[next - 1] ?? 0;
  for (let i = 0; i < columns; i++) {
    let most = now;
    for (; next < t.length && /** @type {number} */ (t.data[next]) < pxToTime(view, i + 1); next++) {
      now = value.data[next] ?? 0;
      most = Math.max(most, now);
    }
    found[i] = pxToTime(view, i) > edgeNs ? 0 : most;
  }
  return found;
}

/** @param {import("../../recording/lane.js").Lane} lane @param {number} most @param {number} unacked */
function highestText(lane, most, unacked) {
  if (lane.kind === LaneKind.MEMORY) return bytes(most);
  if (!isOfBroker(lane)) return grouped(most);
  if (lane.kind === LaneKind.QUEUE) return t("broker.mostInQueue", { ready: grouped(most), unacked: grouped(unacked) });
  return t(lane.kind === LaneKind.CHANNEL ? "broker.mostUnconfirmed" : "broker.mostUnacked", { n: grouped(most) });
}
