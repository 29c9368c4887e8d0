// @ts-check
/** Each GIL: how busy it was, how often it changed hands, and who made whom wait for it. */
import { make } from "../common/dom.js";
import { duration, grouped, percent } from "../common/format.js";
import { t } from "../common/i18n.js";
import { State } from "../generated/records.js";
import { laneName } from "../timeline/describe.js";
import { placeOfPair, placeOfSpan, placeOfSum } from "./places.js";
import { perSecond } from "./sentences.js";
import { cell, factTable, laneLabel, number, shareBar } from "./table.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./table.js").Visit} Visit */
/** @typedef {Record<string, any>} GilFacts */

/** @param {Model} model @param {GilFacts[]} gils @param {Visit} visit */
export function gilTable(model, gils, visit) {
  const heads = ["gilName", "held", "handovers", "longest", "madeWait"].map((key) => t(`facts.${key}`));
  const rows = gils.flatMap((gil, i) => {
    const lane = model.lanes[gil.lane];
    return lane ? [gilRow(model, lane, gil, `gils.${i}`, visit)] : [];
  });
  return factTable(t("facts.gils"), heads, rows);
}

/** @param {Model} model @param {Lane} lane @param {GilFacts} gil @param {string} path @param {Visit} visit */
function gilRow(model, lane, gil, path, visit) {
  const place = () => placeOfSum(model, lane, [State.GIL_HELD]);
  const held = { text: percent(gil.utilisation), fact: `${path}.utilisation`, value: gil.utilisation, place };
  const rate = { text: t("facts.perSecond", { n: perSecond(gil.handovers_per_s) }), fact: `${path}.handovers_per_s`, value: gil.handovers_per_s, place };
  const times = { text: t("facts.times", { n: grouped(gil.handovers) }), fact: `${path}.handovers`, value: gil.handovers, place };
  return [
    make("span", { class: "lane-label", "data-lane": lane.id }, make("span", { class: "lane-label-text" }, lane.parent ? laneName(lane.parent) : laneName(lane)), make("span", { class: "quiet" }, `pid ${lane.pid}`)),
    cell(number(held, visit), shareBar(gil.utilisation)),
    gil.handovers ? cell(number(rate, visit), number(times, visit)) : cell(number({ ...times, text: t("facts.never") }, visit)),
    longest(model, gil, path, visit),
    pairs(model, lane, gil, path, visit),
  ];
}

/** @param {Model} model @param {GilFacts} gil @param {string} path @param {Visit} visit */
function longest(model, { longest_wait: wait }, path, visit) {
  const lane = model.lanes[wait?.lane];
  if (!lane) return make("span", { class: "quiet" }, t("facts.noWait"));
  const fact = { text: duration(wait.duration_ns), fact: `${path}.longest_wait.duration_ns`, value: wait.duration_ns, place: () => placeOfSpan(model, wait) };
  return cell(number(fact, visit), laneLabel(lane));
}

/** Who held it while whom waited, longest first. @param {Model} model @param {Lane} gil @param {GilFacts} facts @param {string} path @param {Visit} visit */
function pairs(model, gil, { made_wait: found }, path, visit) {
  if (!found.length) return make("span", { class: "quiet" }, t("facts.noWait"));
  const most = found[0].duration_ns;
  const items = found.flatMap((/** @type {any} */ pair, /** @type {number} */ i) => {
    const [holder, waiter] = [model.lanes[pair.holder], model.lanes[pair.waiter]];
    if (!holder || !waiter) return [];
    const fact = { text: duration(pair.duration_ns), fact: `${path}.made_wait.${i}.duration_ns`, value: pair.duration_ns, place: () => placeOfPair(model, gil, holder, waiter) };
    const quiet = (/** @type {string} */ text) => make("span", { class: "quiet" }, text);
    return [make("li", {}, laneLabel(holder), quiet(t("facts.made")), laneLabel(waiter), quiet(t("facts.waited")), number(fact, visit), shareBar(pair.duration_ns / most, "share waited"))];
  });
  return make("ul", { class: "pairs-list" }, ...items);
}
