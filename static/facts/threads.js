// @ts-check
/** Utilisation and waits, lane by lane: threads, tasks, greenlets. */
import { make } from "../common/dom.js";
import { duration, grouped, percent } from "../common/format.js";
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

/** The lists of the facts document that have such a table, and the kind of lane as the page calls it. */
export const LISTS = /** @type {const} */ ({ threads: "thread", tasks: "task", greenlets: "greenlet" });

/**
 * One row a lane: time on a core (threads only), time in each state, the longest wait.
 * @param {Model} model @param {Record<string, any>} facts @param {keyof typeof LISTS} list @param {Visit} visit
 */
export function laneTable(model, facts, list, visit) {
  const rowsOf = /** @type {ThreadFacts[]} */ (facts[list]);
  const kind = LISTS[list];
  const columns = list === "threads" ? { onCpu, preempted, switches, states, longest } : { states, longest };
  const heads = [kind, ...Object.keys(columns)].map((name) => t(`facts.${name}`));
  const severalProcesses = new Set(rowsOf.map(({ lane }) => model.lanes[lane]?.pid)).size > 1;
  const rows = rowsOf.flatMap((row, i) => {
    const lane = model.lanes[row.lane];
    return lane ? [[laneLabel(lane, severalProcesses), ...Object.values(columns).map((column) => column(model, lane, row, `${list}.${i}`, visit))]] : [];
  });
  const { count, shown } = facts.lanes[kind];
  const caption = t(`facts.${list}`) + (shown < count ? ` ${t("facts.shown", { shown: grouped(shown), count: grouped(count) })}` : "");
  return factTable(caption, heads, rows);
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

/** How often it left its core: of its own will, to wait; or because the kernel gave the core to another. @param {Model} model @param {Lane} lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function switches(model, lane, thread, path, visit) {
  if (thread.voluntary === null) return absent(absence(model, "kernel"));
  const figure = (/** @type {"voluntary" | "involuntary"} */ name, /** @type {number} */ state) => number({ text: grouped(thread[name]), fact: `${path}.${name}`, value: thread[name], place: () => placeOfSum(model, stripOf(lane), [state]) }, visit);
  return cell(make("span", {}, figure("voluntary", State.OFF_CPU), " + ", figure("involuntary", State.PREEMPTED)));
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

/** @param {Model} model @param {Lane} _lane @param {ThreadFacts} thread @param {string} path @param {Visit} visit */
function longest(model, _lane, { longest_wait: wait }, path, visit) {
  if (!wait) return make("span", { class: "quiet" }, t("facts.noWait"));
  const fact = { text: duration(wait.duration_ns), fact: `${path}.longest_wait.duration_ns`, value: wait.duration_ns, place: () => placeOfSpan(model, wait) };
  return cell(number(fact, visit), make("span", { class: "quiet" }, reasonText(wait)));
}
