// @ts-check
/** What a broker's lanes, marks and messages say, in the page's language. No DOM. */
import { size } from "../common/format.js";
import { has, t } from "../common/i18n.js";
import { DEFAULT_EXCHANGE, FlowKind, GRAVE_MARKS, LaneKind, MarkKind } from "../generated/records.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("../recording/lane.js").Mark} Mark */
/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {Record<string, any>} Words */

/** @type {Set<number>} */
const KINDS = new Set([LaneKind.CONNECTION, LaneKind.CHANNEL, LaneKind.EXCHANGE, LaneKind.QUEUE, LaneKind.CONSUMER]);
/** @type {Set<string>} */
const GRAVE = new Set(GRAVE_MARKS);
/** What is said of a message that a queue gave to its dead-letter exchange. */
const DEAD = "dead-lettered";
/** Tags that a client library or the broker made up: they tell nobody anything. */
const MADE_UP = /^ctag\d+\.[0-9a-f]{32}$|^amq\.ctag-/;

/** @param {Lane} lane */
export const isOfBroker = (lane) => KINDS.has(lane.kind);

/** A queue's second lane, which counts what was delivered and not acknowledged. @param {Lane} lane */
export const countsUnacked = (lane) => lane.kind === LaneKind.QUEUE && lane.parent?.kind === LaneKind.QUEUE;

/** @param {Lane} queue */
export const unackedOf = (queue) => queue.children.find(countsUnacked) ?? null;

/** The message of that number is between two lanes of the broker. @param {Model} model @param {number} flow */
export function isMessage({ flows, lanes }, flow) {
  if (flows.kind.data[flow] !== FlowKind.MESSAGE) return false;
  const [from, to] = [lanes[flows.from.data[flow] ?? 0], lanes[flows.to.data[flow] ?? 0]];
  return from !== undefined && to !== undefined && isOfBroker(from) && isOfBroker(to);
}

/** @type {WeakMap<Mark, Words>} */
const parsed = new WeakMap();

/** @param {string} text @returns {Words} */
export function wordsOf(text) {
  try {
    const words = text.startsWith("{") ? JSON.parse(text) : {};
    return typeof words === "object" && words !== null ? words : {};
  } catch {
    return {};
  }
}

/** What a broker's mark says, as it was recorded. @param {Mark} mark */
export function toldBy(mark) {
  let words = parsed.get(mark);
  if (!words) parsed.set(mark, (words = wordsOf(mark.text)));
  return words;
}

/** Is it a mark of the broker or of its counts? @param {{kind: number}} mark */
export const isBrokers = ({ kind }) => kind === MarkKind.BROKER || kind === MarkKind.DISAGREEMENT;

/** Does it tell of something lost, refused or broken? @param {Mark} mark */
export const isGrave = (mark) => mark.kind === MarkKind.DISAGREEMENT || (mark.kind === MarkKind.BROKER && (GRAVE.has(toldBy(mark).what) || isUnorderly(toldBy(mark))));

/** @param {Words} words */
const isUnorderly = ({ what, code }) => what === "connection.close" && code !== 200 && code !== 0;

/** In a few words: "queue.declare durable". @param {Mark} mark */
export function markText(mark) {
  const words = toldBy(mark);
  if (mark.kind === MarkKind.DISAGREEMENT) return differenceText(words);
  const key = `broker.mark.${String(words.what).replace(/\W+/g, "_")}`;
  if (!has(key)) return String(words.what ?? mark.text);
  const flags = Object.keys(words).filter((name) => words[name] === true).map((name) => (name === "no_ack" ? "auto_ack" : name));
  const to = words.queue ?? words.exchange ?? "";
  return t(key, { key: "", text: "", code: "", tag: "", type: "", product: "", ...words, flags: flags.join(" "), to }).trim();
}

/** The broker's own counts beside those from the frames. @param {Words} words of a disagreement */
export const differenceText = ({ broker, derived }) => t("broker.differs", { broker: countsText(broker), derived: countsText(derived) });

/** @param {{ready: number, unacked: number} | null | undefined} counts */
const countsText = (counts) => (counts ? t("broker.counts", counts) : t("broker.noQueue"));

/** What was said of a message or a mark, as pairs. @param {Words} words @returns {[string, string][]} */
export function pairsOf(words) {
  return Object.entries(words).flatMap(([name, value]) => (has(`broker.word.${name}`) ? [/** @type {[string, string]} */ ([t(`broker.word.${name}`), valueText(name, value)])] : []));
}

/** @param {string} name @param {any} value */
function valueText(name, value) {
  if (name === "bytes") return size(value);
  if (typeof value === "boolean") return t(value ? "broker.yes" : "broker.no");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {Lane} lane */
export function brokerName(lane) {
  const kind = t(`lane.${KEYS[lane.kind]}`);
  if (lane.kind === LaneKind.EXCHANGE) return lane.name === DEFAULT_EXCHANGE ? t("broker.defaultExchange") : `${kind} ${lane.name}`;
  if (lane.kind === LaneKind.QUEUE) return countsUnacked(lane) ? t("broker.unacked") : `${kind} ${lane.name}`;
  if (lane.kind === LaneKind.CONSUMER) return consumerName(lane);
  return `${kind} ${/\d+$/.exec(lane.name)?.[0] ?? lane.name}`;
}

/** @type {Record<number, string>} */
const KEYS = { [LaneKind.CONNECTION]: "connection", [LaneKind.CHANNEL]: "channel", [LaneKind.EXCHANGE]: "exchange", [LaneKind.QUEUE]: "queue" };

/** @param {Lane} lane */
const consumerName = (lane) => [t("broker.consumerOf", { queue: lane.name.split(" → ")[0] ?? "" }), ownTag(lane)].filter(Boolean).join(" ");

/** The tag of a consumer, if the program gave it one. @param {Lane} lane */
export function ownTag(lane) {
  const tag = lane.kind === LaneKind.CONSUMER ? (lane.name.split(" → ")[1] ?? "") : "";
  return MADE_UP.test(tag) ? "" : tag;
}

/** A step of a message: what the step itself says, then what its publish said. @param {Model} model @param {number} flow @returns {{number: number, redelivered: boolean, returned: boolean, dead: boolean, words: Words}} */
export function messageOf(model, flow) {
  const { text, value } = model.detail(model.flows.detail.data[flow] ?? 0);
  const own = wordsOf(text);
  const publish = publishOf(model, value);
  const words = publish >= 0 && publish !== flow ? { ...own, ...wordsOf(model.detail(model.flows.detail.data[publish] ?? 0).text) } : own;
  return { number: value, redelivered: own.redelivered === true || text === "redelivered", returned: text === "returned", dead: text === DEAD, words };
}

/** Was the message returned, dead-lettered, or delivered once more? @param {Model} model @param {number} flow */
export function isUnusual(model, flow) {
  const text = model.strings[model.details.text.data[model.flows.detail.data[flow] ?? 0] ?? 0] ?? "";
  return text === "returned" || text === DEAD || text === "redelivered" || (text.startsWith('{"tag":') && text.endsWith('"redelivered":true}'));
}

/** @type {WeakMap<Model, {taken: number, publishes: Map<number, number>}>} */
const known = new WeakMap();

/** The flow in which the message of that number was published; -1 if that was not seen. @param {Model} model @param {number} number */
function publishOf(model, number) {
  const { flows, lanes } = model;
  let index = known.get(model);
  if (!index) known.set(model, (index = { taken: 0, publishes: new Map() }));
  for (; index.taken < flows.length; index.taken++) {
    const i = index.taken;
    if (lanes[flows.from.data[i] ?? 0]?.kind !== LaneKind.CHANNEL || lanes[flows.to.data[i] ?? 0]?.kind !== LaneKind.EXCHANGE) continue;
    index.publishes.set(model.valueOf(flows.detail.data[i] ?? 0), i);
  }
  return index.publishes.get(number) ?? -1;
}
