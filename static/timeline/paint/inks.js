// @ts-check
/**
 * Inks: how a stretch of a lane looks, whatever state it comes from. A state's ink follows from its `look`; on core and GIL
 * lanes from the thread that holds them.
 */
import { LaneKind, State, STATES, StateClass, Unit } from "../../generated/records.js";

/** @typedef {import("../../recording/model.js").Model} Model */
/** @typedef {import("../../recording/lane.js").Lane} Lane */

export const Ink = /** @type {const} */ ({
  NONE: 0,
  RUNNING: 1,
  RUNNING_C: 2,
  READY: 3,
  WAITING: 4,
  GIL_WAIT: 5,
  PREEMPTED: 6,
  IDLE: 7,
  GAP: 8,
  ENDED: 9,
  OTHER: 10,
  ALIVE: 11,
  HOLDER: 12,
});
export const HOLDERS = 8;
export const INKS = Ink.HOLDER + HOLDERS;

/** @typedef {"none" | "solid" | "hatch" | "line" | "hairline" | "dots" | "cap" | "bracket"} Shape */

/** @type {Record<string, number>} */
const INK_OF_LOOK = {
  [StateClass.RUNNING]: Ink.RUNNING,
  [StateClass.READY]: Ink.READY,
  [StateClass.WAITING]: Ink.WAITING,
  [StateClass.GIL_WAIT]: Ink.GIL_WAIT,
  [StateClass.PREEMPTED]: Ink.PREEMPTED,
  [StateClass.IDLE]: Ink.IDLE,
  [StateClass.ENDED]: Ink.ENDED,
  [StateClass.GAP]: Ink.GAP,
};

/** @type {Shape[]} */
export const SHAPES = ["none", "solid", "solid", "hatch", "line", "hatch", "hatch", "hairline", "dots", "cap", "solid", "bracket", ...Array(HOLDERS).fill("solid")];

const NOTHING = new Set([State.GIL_FREE, State.CORE_IDLE, State.OPEN]);

/** Ink by number of state; an unknown state of a newer recording is a gap. */
export const INK_OF_STATE = new Uint8Array(256).fill(Ink.GAP);
for (const [number, spec] of STATES) INK_OF_STATE[number] = NOTHING.has(/** @type {any} */ (number)) ? Ink.NONE : (INK_OF_LOOK[spec.look] ?? Ink.GAP);
INK_OF_STATE[State.GIL_RELEASED] = Ink.RUNNING_C;

const HELD = new Set([...STATES].filter(([, spec]) => spec.look === StateClass.RUNNING && spec.unit === Unit.THREAD).map(([number]) => number));

/** @type {Set<number>} */
const OPENED = new Set([LaneKind.CONNECTION, LaneKind.CHANNEL, LaneKind.EXCHANGE, LaneKind.CONSUMER]);

/** Is this ink something that runs? */
export const runs = (/** @type {number} */ ink) => ink === Ink.RUNNING || ink === Ink.RUNNING_C || ink === Ink.OTHER || ink >= Ink.HOLDER;

/** @param {Lane} thread */
export const holderInk = (thread) => Ink.HOLDER + (thread.holder % HOLDERS);

/** Does the lane show who holds it instead of what it does? @param {Lane} lane */
export const showsHolder = (lane) => lane.kind === LaneKind.CORE || lane.kind === LaneKind.GIL;

/** The thread a core or GIL lane names at that index, if it is one of ours. @param {Model} model @param {Lane} lane @param {number} index */
export function holderOf(model, lane, index) {
  const tid = model.valueOf(/** @type {number} */ (lane.detail.data[index]));
  return Number.isNaN(tid) ? null : model.thread(tid, lane.kind === LaneKind.GIL ? lane.pid : undefined);
}

/** @param {Model} model @param {Lane} lane @param {number} index */
export function inkOf(model, lane, index) {
  const state = lane.stateOf(index);
  // A process is there; what runs are its threads.
  if (lane.kind === LaneKind.PROCESS && state === State.RUNNING) return Ink.ALIVE;
  // So is a connection; what a consumer has in hand is drawn as an area, for it may be more than one message.
  if (OPENED.has(lane.kind) && (state === State.OPEN || state === State.RUNNING)) return Ink.ALIVE;
  if (!showsHolder(lane) || !HELD.has(state)) return INK_OF_STATE[state] ?? Ink.GAP;
  const thread = holderOf(model, lane, index);
  return thread ? holderInk(thread) : Ink.OTHER;
}
