// @ts-check
/** The small box beside the pointer: what lies under it, with exact times. */
import { make } from "../common/dom.js";
import { bytes, exact, grouped } from "../common/format.js";
import { t } from "../common/i18n.js";
import { LaneKind } from "../generated/records.js";
import { countsUnacked, isBrokers, isOfBroker, messageOf, pairsOf, toldBy, unackedOf } from "./broker.js";
import { messageAt } from "./messages.js";
import { STACK } from "./paint/crowd.js";
import { Ink, inkOf, SHAPES } from "./paint/inks.js";
import { facts, familyText, fullName, laneName, plain, stateName } from "./describe.js";
import { markAt } from "./hit.js";
import { markWords } from "./marks.js";
import { pxToTime } from "./viewport.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {import("./rowlist.js").Row} Row */

const AWAY_PX = 14;

export class Tooltip {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.box = make("div", { class: "tooltip", role: "tooltip", hidden: true });
    host.append(this.box);
  }

  hide() {
    this.box.hidden = true;
  }

  /** @param {Node[]} contents @param {number} xPx @param {number} yPx in the host */
  show(contents, xPx, yPx) {
    this.box.replaceChildren(...contents);
    this.box.hidden = false;
    const { width, height } = this.box.getBoundingClientRect();
    const host = this.host.getBoundingClientRect();
    const left = xPx + AWAY_PX + width > host.width ? xPx - AWAY_PX - width : xPx + AWAY_PX;
    const top = yPx + AWAY_PX + height > host.height ? yPx - AWAY_PX - height : yPx + AWAY_PX;
    this.box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }
}

/** What lies under a point of the plot; null for nothing. @param {Model} model @param {import("./rows.js").Rows} rows @param {import("./viewport.js").View} view @param {number} edgeNs @param {{x: number, y: number}} point */
export function contentsAt(model, rows, view, edgeNs, { x, y }) {
  const row = rows.at(y);
  if (!row) return null;
  const atNs = pxToTime(view, x);
  if (row.kind === "density") return densityContents(row, atNs);
  const mark = y < rows.yOf(row) + rows.palette.heights.markPx ? markAt(row, view, x) : null;
  if (mark) return markContents(mark);
  const message = messageAt(model, rows, view, { x, y });
  if (message >= 0) return messageContents(model, message);
  if (row.lane.counter && !row.lane.length) return counterContents(row.lane, atNs, edgeNs);
  const bar = atNs <= edgeNs ? rows.barAt(view, edgeNs, x, y) : null;
  return bar && [...barContents(model, bar, edgeNs), ...counted(bar.lane, atNs)];
}

/** @param {Model} model @param {BarRef} bar @param {number} edgeNs @returns {HTMLElement[]} */
function barContents(model, bar, edgeNs) {
  return [heading(model, bar), table(facts(model, bar, edgeNs))];
}

/** @param {Model} model @param {BarRef} bar */
export function heading(model, bar) {
  const ink = inkOf(model, bar.lane, bar.index);
  return make(
    "p",
    { class: "tooltip-head" },
    make("span", { class: "swatch", "data-ink": ink, "data-holder": ink >= Ink.HOLDER ? ink - Ink.HOLDER : null, "data-shape": SHAPES[ink] ?? "none" }),
    make("strong", {}, stateName(model, bar)),
    make("span", { class: "quiet" }, fullName(bar.lane)),
  );
}

/** @param {[string, string][]} rows */
export function table(rows) {
  return make("dl", { class: "pairs" }, ...rows.flatMap(([word, value]) => [make("dt", {}, word), make("dd", {}, value)]));
}

/** A step of a message: from where to where, and what it is. @param {Model} model @param {number} flow */
function messageContents(model, flow) {
  const { number, redelivered, returned, dead, words } = messageOf(model, flow);
  const { from, to, t: times } = model.flows;
  const [source, target] = [from, to].map(({ data }) => fullName(/** @type {import("../recording/lane.js").Lane} */ (model.lanes[data[flow] ?? 0])));
  const what = t(returned ? "broker.returned" : dead ? "broker.dead" : redelivered ? "broker.redelivered" : "broker.message", { number });
  return [
    make("p", { class: "tooltip-head" }, make("strong", {}, what), make("span", { class: "quiet" }, exact(times.data[flow] ?? 0))),
    make("p", { class: "tooltip-text quiet" }, `${source} → ${target}`),
    table(pairsOf(words)),
  ];
}

/** How many messages a lane of the broker had at a time. @param {import("../recording/lane.js").Lane} lane @param {number} atNs */
function counted(lane, atNs) {
  if (!isOfBroker(lane) || !lane.counter) return [];
  const word = lane.kind === LaneKind.QUEUE && !countsUnacked(lane) ? "broker.ready" : lane.kind === LaneKind.CHANNEL ? "broker.unconfirmed" : "broker.unacked";
  const unacked = lane.kind === LaneKind.QUEUE ? unackedOf(lane) : null;
  return [table([[t(word), grouped(lane.countAt(atNs))], ...(unacked ? [/** @type {[string, string]} */ ([t("broker.unacked"), grouped(unacked.countAt(atNs))])] : [])])];
}

/** What a lane that is nothing but a counter counted at a time; null before its first value and after its process. @param {import("../recording/lane.js").Lane} lane @param {number} atNs @param {number} edgeNs */
function counterContents(lane, atNs, edgeNs) {
  const { counter, parent } = lane;
  if (!counter || atNs < (counter.t.data[0] ?? Infinity) || atNs > (parent?.endNs(edgeNs) ?? edgeNs)) return null;
  const value = lane.countAt(atNs);
  const whose = parent && parent.kind === LaneKind.PROCESS ? [laneName(parent)] : [];
  return [
    make("p", { class: "tooltip-head" }, make("strong", {}, lane.kind === LaneKind.MEMORY ? bytes(value) : grouped(value)), make("span", { class: "quiet" }, exact(atNs))),
    make("p", { class: "tooltip-text quiet" }, [laneName(lane), ...whose].join(" · ")),
  ];
}

/** @param {{t: number, text: string, kind: number}} mark */
function markContents(mark) {
  return [make("p", { class: "tooltip-head" }, make("strong", {}, t(`mark.${mark.kind}`)), make("span", { class: "quiet" }, exact(mark.t))), make("p", { class: "tooltip-text" }, plain(markWords(mark))), ...(isBrokers(mark) ? [table(pairsOf(toldBy(mark)))] : [])];
}

/** How many lanes of a density row were in each state at one time. @param {Row} row @param {number} atNs */
function densityContents({ family }, atNs) {
  if (!family) return null;
  const counts = family.crowd.at(atNs);
  const rows = STACK.flatMap((ink, place) => (counts[place] ? [/** @type {[string, string]} */ ([t(`ink.${ink}`), grouped(counts[place] ?? 0)])] : []));
  return [make("p", { class: "tooltip-head" }, make("strong", {}, familyText(family)), make("span", { class: "quiet" }, exact(atNs))), table(rows)];
}
