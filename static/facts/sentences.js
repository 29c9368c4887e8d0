// @ts-check
/** The most telling facts of a run in one or two sentences, each a list of words and of figures that lead to their spans. No DOM. */
import { duration, grouped, percent, size } from "../common/format.js";
import { t, tParts } from "../common/i18n.js";
import { State } from "../generated/records.js";
import { laneName } from "../timeline/describe.js";
import { placeOfSpan, placeOfSum, statesNamed } from "./places.js";
import { reasonText } from "./words.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./places.js").Place} Place */
/** @typedef {Record<string, any>} Facts the document of app/core/facts.py */
/** @typedef {{text: string, fact: string, value: number, place: () => Place}} Figure `fact` is the number's path in the document; the `place` it leads to is looked for when asked */
/** @typedef {string | Figure} Piece */

/** A shorter wait of what is ready is the loop's ordinary work, not a stall. */
const STALL_NS = 10e6;
/** A shorter wait for the GIL is less than a switch interval (sys.getswitchinterval) and nothing to tell. */
const GIL_WAIT_NS = 5e6;

/** Less than this of the core time a run wanted is the scheduler's ordinary cost of switching. */
const TAKEN_SHARE = 0.1;
/** Who ran less than this of the time that another was ready did not keep it waiting alone: the one had to queue. */
const ALONE_SHARE = 0.8;
/** A run that wanted less of one core than this does not care who has them. */
const WANTED_SHARE = 0.3;

/** @param {Model} model @param {Facts} facts @returns {Piece[][]} */
export function sentences(model, facts) {
  const about = [oldCall(facts), brokerLost(model, facts), deadlock(model, facts), messages(facts), parallelism(model, facts), given(facts), taken(facts), gil(model, facts), copied(model, facts), refused(model, facts), stall(model, facts) ?? gilWait(model, facts)];
  return about.filter((sentence) => sentence !== null);
}

/** A sentence of the catalogue with its places filled. @param {string} key @param {Record<string, Piece>} values @returns {Piece[]} */
const say = (key, values) => tParts(key).map((part) => (typeof part === "string" ? part : (values[part.name] ?? "")));

/** Why an observer gave nothing, "" when it did. @param {Model} model @param {string} observer */
export function absence(model, observer) {
  const word = String(model.header?.observers?.[observer] ?? "none");
  return word.startsWith("exact") ? "" : word.replace(/^[^:]*:\s*/, "");
}

/** @param {Model} model @param {Facts} facts */
function parallelism(model, facts) {
  if (facts.parallelism === null) return say("facts.noKernel", { why: absence(model, "kernel") });
  const place = () => ({ startNs: 0, endNs: facts.wall_ns, bar: null });
  const value = { text: facts.parallelism.toFixed(2), fact: "parallelism", value: facts.parallelism, place };
  return say("facts.parallelism", { value, cores: String(model.header?.machine?.cores ?? "?") });
}

/** A call of pika 0.x that ended the run, as it is written today. @param {Facts} facts */
function oldCall({ old_call: found }) {
  return found ? say("facts.oldCall", { line: String(found.line), now: found.now }) : null;
}

/** How the run's RabbitMQ was lost to it. @param {Model} model @param {Facts} facts */
function brokerLost(model, { broker_lost: lost }) {
  const lane = model.lanes[lost?.lane];
  if (!lane) return null;
  const [, address] = /^(.*), not ours$/.exec(String(model.header?.broker ?? "")) ?? [];
  const broker = address ? t("facts.brokerGiven", { address }) : t("facts.brokerOwn");
  const endNs = model.sinceStart(lost.t_ns);
  const place = () => placeOfSum(model, lane, [State.OPEN, State.STARTING]);
  const time = { text: duration(endNs), fact: "broker_lost.t_ns", value: lost.t_ns, place };
  return say(SAYS_LOST[/** @type {keyof typeof SAYS_LOST} */ (lost.how)], { broker, why: lost.why, time, connection: laneName(lane) });
}

const SAYS_LOST = { refused: "facts.brokerRefused", unreachable: "facts.brokerUnreachable", gone: "facts.brokerGone" };

/** What became of a broker's messages; of what goes wrong only where there was any. @param {Facts} facts */
function messages({ messages: counts, wall_ns }) {
  if (!counts) return null;
  const place = () => ({ startNs: 0, endNs: wall_ns, bar: null });
  const told = Object.keys(counts).filter((name) => counts[name] || name === "published" || name === "delivered");
  const said = told.flatMap((name, i) => [...(i ? [t("facts.comma")] : []), ...say(`topology.total.${name}`, { n: { text: grouped(counts[name]), fact: `messages.${name}`, value: counts[name], place } })]);
  return tParts("facts.messages").flatMap((part) => (typeof part === "string" ? [part] : said));
}

/** What reads copied into the program. @param {Model} model @param {Facts} facts */
function copied(model, { reads }) {
  if (!reads.copies) return null;
  const place = () => placeOfSpan(model, reads.longest_copy);
  const bytes = { text: size(reads.copied_bytes), fact: "reads.copied_bytes", value: reads.copied_bytes, place };
  return say("facts.copied", { bytes, time: { text: duration(reads.copy_ns), fact: "reads.copy_ns", value: reads.copy_ns, place }, n: grouped(reads.copies) });
}

/** Calls that found nothing. @param {Model} model @param {Facts} facts */
function refused(model, { reads }) {
  if (!reads.refused) return null;
  return say("facts.refused", { n: { text: grouped(reads.refused), fact: "reads.refused", value: reads.refused, place: () => placeOfSpan(model, reads.first_refused) } });
}

/** What the machine gave before the run, where it was measured. @param {Facts} facts */
function given({ cores, wall_ns }) {
  if (cores.given === null) return null;
  const place = () => ({ startNs: 0, endNs: wall_ns, bar: null });
  return say("facts.given", { reported: String(cores.reported), given: { text: cores.given.toFixed(1), fact: "cores.given", value: cores.given, place } });
}

/** Others had the cores while this run wanted them. @param {Facts} facts */
function taken({ cores, wall_ns }) {
  if (cores.wanted_ns === null || cores.wanted_ns < WANTED_SHARE * wall_ns || cores.taken_ns < TAKEN_SHARE * cores.wanted_ns) return null;
  const share = cores.taken_ns / cores.wanted_ns;
  return say("facts.taken", { share: { text: percent(share), fact: "cores.taken_ns", value: cores.taken_ns, place: () => ({ startNs: 0, endNs: wall_ns, bar: null }) } });
}

/** The GIL that was held most. @param {Facts} facts @returns {number} its place among the GILs, -1 for none */
function busiest({ gils }) {
  return gils.reduce((/** @type {number} */ best, /** @type {any} */ one, /** @type {number} */ i) => (best < 0 || one.held_ns > gils[best].held_ns ? i : best), -1);
}

/** @param {Model} model @param {Facts} facts */
function gil(model, facts) {
  const at = busiest(facts);
  const one = facts.gils[at];
  const lane = model.lanes[one?.lane];
  if (!lane) {
    if (model.header?.interpreter?.free_threaded) return say("facts.freeThreaded", {});
    const why = absence(model, "gil");
    return why && why !== "none" ? say("facts.noGil", { why }) : null;
  }
  const place = () => placeOfSum(model, lane, [State.GIL_HELD]);
  const held = { text: percent(one.utilisation), fact: `gils.${at}.utilisation`, value: one.utilisation, place };
  const hands = { text: perSecond(one.handovers_per_s), fact: `gils.${at}.handovers_per_s`, value: one.handovers_per_s, place };
  const process = lane.parent ? `${laneName(lane.parent)} (pid ${lane.pid})` : "";
  const key = `facts.${facts.gils.length > 1 ? "gilOf" : "gil"}${one.handovers ? "" : "Alone"}`;
  return say(key, { held, hands, process });
}

/** @param {number} rate */
export const perSecond = (rate) => (rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toPrecision(2));

/** Who waited longest for the GIL. @param {Model} model @param {Facts} facts */
function gilWait(model, facts) {
  const at = busiest(facts);
  const wait = facts.gils[at]?.longest_wait;
  const lane = model.lanes[wait?.lane];
  if (!lane || wait.duration_ns < GIL_WAIT_NS) return null;
  const time = { text: duration(wait.duration_ns), fact: `gils.${at}.longest_wait.duration_ns`, value: wait.duration_ns, place: () => placeOfSpan(model, wait) };
  return say("facts.gilWait", { thread: laneName(lane), time });
}

/** A plain lock by its name alone. @param {string} object */
const lockName = (object) => object.replace(/^Lock (?=.)/, "");

/** Who waited for whom in a circle. @param {Model} model @param {Facts} facts */
function deadlock(model, { deadlock: found }) {
  if (!found) return null;
  const cycle = found.waits.flatMap((/** @type {any} */ wait, /** @type {number} */ i) => {
    const named = (/** @type {number} */ id) => (model.lanes[id] ? laneName(model.lanes[id]) : String(id));
    const wants = { text: lockName(wait.wants), fact: `deadlock.waits.${i}.duration_ns`, value: wait.duration_ns, place: () => placeOfSpan(model, wait) };
    const values = { waiter: named(wait.lane), has: lockName(wait.has), wants, holder: named(wait.holder) };
    return [...(i ? [t("facts.deadlockAnd")] : []), ...say(found.waits.length > 1 ? "facts.deadlockWait" : "facts.deadlockAlone", values)];
  });
  return tParts("facts.deadlock").flatMap((part) => (typeof part === "string" ? [part] : cycle));
}

/** Who was ready longest while many others ran before it. @param {Model} model @param {any} found the stall */
function queued(model, found) {
  const lane = model.lanes[found.lane];
  if (!lane) return null;
  const time = { text: duration(found.duration_ns), fact: "stall.duration_ns", value: found.duration_ns, place: () => placeOfSpan(model, found) };
  return say("facts.queued", { waiter: laneName(lane), time, n: grouped(found.ready_together - 1) });
}

/** What kept an event loop from going round. @param {Model} model @param {Facts} facts */
function stall(model, { stall: found }) {
  const culprit = model.lanes[found?.culprit ?? -1];
  if (!culprit || found.duration_ns < STALL_NS) return null;
  const ready = { text: t(found.ready_together === 1 ? "facts.readyOne" : "facts.ready", { n: grouped(found.ready_together) }), fact: "stall.ready_together", value: found.ready_together, place: () => placeOfSpan(model, found) };
  const { cause } = found;
  // A short wait on the way is not what held the loop up.
  if (!cause || cause.duration_ns < found.duration_ns / 2) {
    if (found.culprit_ns < ALONE_SHARE * found.duration_ns) return queued(model, found);
    const time = { text: duration(found.duration_ns), fact: "stall.duration_ns", value: found.duration_ns, place: () => placeOfSum(model, culprit, statesNamed("running")) };
    return say("facts.busy", { culprit: laneName(culprit), time, ready });
  }
  const time = { text: duration(cause.duration_ns), fact: "stall.cause.duration_ns", value: cause.duration_ns, place: () => placeOfSpan(model, cause) };
  return say("facts.stall", { culprit: laneName(culprit), time, reason: reasonText(cause), ready });
}

