// @ts-check
/** Lanes and bars in words, in the page's language. No DOM. */
import { duration, exact, grouped, size } from "../common/format.js";
import { has, t } from "../common/i18n.js";
import { LaneKind, STATES, State, Unit } from "../generated/records.js";
import { brokerName, isOfBroker } from "./broker.js";
import { holderOf, showsHolder } from "./paint/inks.js";
import { usersOf } from "./users.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {{lane: Lane, index: number}} BarRef */

const KIND_KEYS = Object.fromEntries(Object.entries(LaneKind).map(([key, number]) => [number, key.toLowerCase()]));
const ANSI = /\u001b\[[0-9;:?]*[ -/]*[@-~]/g;

/** What kind of thing a lane is: "thread". @param {Lane} lane */
export const kindName = (lane) => t(`lane.${KIND_KEYS[lane.kind] ?? "unknown"}`);

/** @param {Lane} lane */
export function laneName(lane) {
  if (lane.kind === LaneKind.MACHINE) return t("lane.machine");
  if (lane.kind === LaneKind.GIL) return lane.name || "GIL";
  if (lane.kind === LaneKind.SEMAPHORE) return t(/\d/.test(lane.name) ? "lane.semaphoreOf" : "lane.semaphore", { n: /\d+/.exec(lane.name)?.[0] ?? "" });
  if (lane.kind === LaneKind.CORE) return `${kindName(lane)} ${/\d+/.exec(lane.name)?.[0] ?? lane.name}`;
  if (lane.kind === LaneKind.CPU || lane.kind === LaneKind.MEMORY) return kindName(lane);
  if (isOfBroker(lane)) return brokerName(lane);
  return lane.name || `${kindName(lane)} ${lane.id}`;
}

/** Lanes drawn as one: "10,000 tasks · work". @param {import("./families.js").Family} family */
export function familyText({ members, name }) {
  const many = t("timeline.many", { n: grouped(members.length), kind: kindName(/** @type {Lane} */ (members[0])) });
  return name ? `${name} · ${many}` : many;
}

/** Kind and name, without saying a word twice: "thread MainThread", "core 0". @param {Lane} lane */
export function fullName(lane) {
  const [kind, name] = [kindName(lane), laneName(lane)];
  return name.startsWith(kind) ? name : `${kind} ${name}`;
}

/** @param {Model} model @param {BarRef} bar */
export function stateName(model, { lane, index }) {
  if (showsHolder(lane) && holds(lane, index)) {
    const thread = holderOf(model, lane, index);
    return thread ? laneName(thread) : t("bar.otherProgram");
  }
  const spec = STATES.get(lane.stateOf(index));
  if (!spec) return t("state.unknown");
  if (lane.kind === LaneKind.CONSUMER && lane.stateOf(index) === State.RUNNING) return t("broker.holds");
  return t(`state.${isNoLock(model, { lane, index }) ? STATES.get(State.WAIT)?.key : spec.key}`);
}

/** A lock may be a part of something else that is waited for: an event, a queue, a thread's end. @param {Model} model @param {BarRef} bar */
function isNoLock(model, { lane, index }) {
  if (lane.stateOf(index) !== State.LOCK) return false;
  const { object } = model.detail(/** @type {number} */ (lane.detail.data[index]));
  return object !== "" && !/^R?Lock( |$)/.test(object);
}

/** @param {Lane} lane @param {number} index */
const holds = (lane, index) => lane.stateOf(index) === State.GIL_HELD || lane.stateOf(index) === State.ON_CPU;

/** The number of a bar's detail in the unit its state names, "" where there is none. @param {Model} model @param {BarRef} bar */
export function valueText(model, { lane, index }) {
  const spec = STATES.get(lane.stateOf(index));
  const value = model.valueOf(/** @type {number} */ (lane.detail.data[index]));
  if (!spec || Number.isNaN(value)) return "";
  switch (spec.unit) {
    case Unit.NANOSECONDS:
      return duration(value);
    case Unit.DESCRIPTOR:
      return `fd ${value}`;
    case Unit.COUNT:
      return t("bar.count", { n: grouped(value) });
    case Unit.CORE:
      return t("bar.onCore", { n: value });
    case Unit.PROCESS:
      return `pid ${value}`;
    case Unit.EXIT_CODE:
      return t("bar.exitCode", { n: value });
    case Unit.SIGNAL:
      return t("bar.signal", { n: value });
    case Unit.LANE:
      return laneNamed(model, value);
    case Unit.BYTES:
      return size(value);
    case Unit.ADDRESS:
      return `0x${value.toString(16)}`;
    default:
      return "";
  }
}

/** @param {Model} model @param {number} number */
function laneNamed(model, number) {
  const lane = model.lanes[number];
  if (!lane) return "";
  const process = lane.kind === LaneKind.THREAD && lane.parent && lane.parent.kind === LaneKind.PROCESS ? lane.parent : null;
  const alone = !process || model.lanes.filter((other) => other.kind === LaneKind.PROCESS).length < 2;
  return alone ? laneName(lane) : `${laneName(process)} ${laneName(lane)}`;
}

/** Which threads of which programs a lane of the broker serves, "" for others. @param {Model} model @param {Lane} lane */
export const userText = (model, lane) => (isOfBroker(lane) ? usersOf(model, lane).map((thread) => `${laneNamed(model, thread.id)} (pid ${thread.pid})`).join(", ") : "");

/** What stands small beside a lane's name: of a process its number, of a connection that of the process that uses it. @param {Model} model @param {Lane} lane */
export function noteOf(model, lane) {
  if (lane.kind === LaneKind.PROCESS) return `pid ${lane.pid}`;
  const [user, ...others] = lane.kind === LaneKind.CONNECTION ? usersOf(model, lane) : [];
  return user ? `pid ${user.pid}${others.length ? "…" : ""}` : "";
}

/** What a wide bar says of itself: "timer 2 s". @param {Model} model @param {BarRef} bar */
export function shortText(model, bar) {
  const state = bar.lane.stateOf(bar.index);
  const name = stateName(model, bar);
  if (showsHolder(bar.lane)) return name;
  if (state === State.LOCK) {
    const { object } = model.detail(/** @type {number} */ (bar.lane.detail.data[bar.index]));
    return object ? t("bar.waitsFor", { object }) : name;
  }
  const value = valueText(model, bar);
  return value ? `${name} ${value}` : name;
}

/** Where in the script: "demo.py:14", "" when it is not known. @param {Model} model @param {BarRef} bar */
export function placeText(model, { lane, index }) {
  const { file, line } = model.detail(/** @type {number} */ (lane.detail.data[index]));
  return file ? `${file.slice(file.lastIndexOf("/") + 1)}${line ? `:${line}` : ""}` : "";
}

/**
 * Everything about a bar, as pairs of a word and what it is.
 * @param {Model} model @param {BarRef} bar @param {number} edgeNs @returns {[string, string][]}
 */
export function facts(model, bar, edgeNs) {
  const { lane, index } = bar;
  const startNs = lane.startOf(index);
  const open = index === lane.length - 1;
  const ended = open && lane.ended;
  const detail = model.detail(/** @type {number} */ (lane.detail.data[index]));
  /** @type {[string, string][]} */
  const rows = [[t("bar.from"), exact(startNs)]];
  if (!ended) {
    rows.push([t("bar.to"), open && !model.end ? t("bar.still") : exact(lane.endOf(index, edgeNs))]);
    rows.push([t("bar.lasted"), exact(lane.endOf(index, edgeNs) - startNs)]);
  }
  const place = placeText(model, bar);
  if (place) rows.push([t("bar.at"), place]);
  if (detail.text) rows.push([t("bar.in"), detail.text]);
  if (detail.object) rows.push([t("bar.object"), detail.object]);
  const holder = laneNamed(model, detail.holder);
  if (detail.holder && holder) rows.push([t(detail.object.startsWith("Thread ") ? "unit.lane" : "bar.holder"), holder]);
  const users = userText(model, lane);
  if (users) rows.push([t("broker.user"), users]);
  const value = isNoLock(model, bar) ? "" : valueText(model, bar);
  if (value) rows.push([t(valueWord(lane.stateOf(index))), value]);
  return rows;
}

/** @param {number} state */
function valueWord(state) {
  const unit = STATES.get(state)?.unit ?? "";
  return has(`unit.${unit}`) ? `unit.${unit}` : "bar.value";
}

/** One line of a printed text, without colours. @param {string} text */
export function plain(text) {
  return text.replace(ANSI, "").replace(/[\u0000-\u001f]+/g, " ").trim();
}
