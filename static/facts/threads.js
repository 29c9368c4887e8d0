// @ts-check
/** Utilisation and waits per thread. */
import { make } from "../common/dom.js";
import { duration, percent } from "../common/format.js";
import { t } from "../common/i18n.js";
import { State } from "../generated/records.js";
import { INK_OF_STATE, SHAPES } from "../timeline/paint/inks.js";
import { placeOfSpan, placeOfSum, statesNamed, stripOf } from "./places.js";
import { absence } from "./sentences.js";
import { absent, cell, factTable, laneLabel, number, shareBar } from "./table.js";
import { reasonText, stateText } from "./words.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./table.js").Visit} Visit */
/** @typedef {Record<string, any>} ThreadFacts */

/** @param {Model} model @param {ThreadFacts[]} threads @param {Visit} visit */
export function threadTable(model, threads, visit) {
  const heads = ["thread", "onCpu", "preempted", "states", "longest"].map((key) => t(`facts.${key}`));
  const severalProcesses = new Set(threads.map(({ lane }) => model.lanes[lane]?.pid)).size > 1;
  const rows = threads.flatMap((thread, i) => {
    const lane = model.lanes[thread.lane];
    return lane ? [[laneLabel(lane, severalProcesses), ...threadCells(model, lane, thread, `threads.${i}`, visit)]] : [];
  });
  return factTable(t("facts.threads"), heads, rows);
}

/** @param {Model} model @param {Lane} lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function threadCells(model, lane, thread, path, visit) {
  return [onCpu(model, lane, thread, path, visit), preempted(model, lane, thread, path, visit), states(model, lane, thread, path, visit), longest(model, thread, path, visit)];
}

/** @param {Model} model @param {Lane} lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function onCpu(model, lane, thread, path, visit) {
  const { on_cpu_ns: ns, lifetime_ns: lifetimeNs } = thread;
  if (ns === null) return absent(absence(model, "kernel"));
  const share = lifetimeNs ? ns / lifetimeNs : 0;
  const fact = { text: percent(share), fact: `${path}.on_cpu_ns`, value: ns, place: () => placeOfSum(model, stripOf(lane), [State.ON_CPU]) };
  return cell(number(fact, visit), shareBar(share));
}

/** @param {Model} model @param {Lane} lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function preempted(model, lane, thread, path, visit) {
  const ns = thread.preempted_ns;
  if (ns === null) return absent(absence(model, "kernel"));
  return cell(number({ text: duration(ns), fact: `${path}.preempted_ns`, value: ns, place: () => placeOfSum(model, stripOf(lane), [State.PREEMPTED]) }, visit));
}

/** Time per state: one bar in the timeline's own looks, and the numbers, longest first. @param {Model} model @param {Lane} lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function states(model, lane, thread, path, visit) {
  const times = /** @type {[string, number][]} */ (Object.entries(thread.states)).sort((a, b) => b[1] - a[1]);
  const bar = make("span", { class: "stack", "aria-hidden": "true" }, ...times.map(([name, ns]) => piece(name, ns / (thread.lifetime_ns || 1))));
  const items = times.map(([name, ns]) => {
    const place = () => placeOfSum(model, lane, statesNamed(name));
    return make("li", {}, swatch(name), `${stateText(name)} `, number({ text: duration(ns), fact: `${path}.states.${name}`, value: ns, place }, visit));
  });
  return cell(bar, make("ul", { class: "states" }, ...items));
}

/** @param {string} name */
function inkNamed(name) {
  return INK_OF_STATE[statesNamed(name)[0] ?? 0] ?? 0;
}

/** @param {string} name */
const swatch = (name) => make("span", { class: "swatch", "data-ink": inkNamed(name), "data-shape": SHAPES[inkNamed(name)] ?? "none", "aria-hidden": "true" });

/** @param {string} name @param {number} share */
function piece(name, share) {
  const part = swatch(name);
  part.style.setProperty("--share", String(share));
  return part;
}

/** @param {Model} model @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function longest(model, { longest_wait: wait }, path, visit) {
  if (!wait) return make("span", { class: "quiet" }, t("facts.noWait"));
  const fact = { text: duration(wait.duration_ns), fact: `${path}.longest_wait.duration_ns`, value: wait.duration_ns, place: () => placeOfSpan(model, wait) };
  return cell(number(fact, visit), make("span", { class: "quiet" }, reasonText(wait)));
}
