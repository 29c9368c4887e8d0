// @ts-check
/** Which threads speak over which connection to the broker: told by the arrows of the bytes they wrote into it and read from it. No DOM. */
import { FlowKind, LaneKind } from "../generated/records.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("../recording/model.js").Model} Model */

/** @type {WeakMap<Model, {taken: number, users: Map<Lane, Set<Lane>>}>} */
const known = new WeakMap();

/** The connection and the thread that an arrow of bytes lies between, null for any other arrow. @param {Model} model @param {number} flow @returns {[Lane, Lane] | null} */
function ends({ flows, lanes }, flow) {
  if (flows.kind.data[flow] !== FlowKind.MESSAGE) return null;
  const [from, to] = [lanes[flows.from.data[flow] ?? 0], lanes[flows.to.data[flow] ?? 0]];
  if (from?.kind === LaneKind.CONNECTION && to?.kind === LaneKind.THREAD) return [from, to];
  return from?.kind === LaneKind.THREAD && to?.kind === LaneKind.CONNECTION ? [to, from] : null;
}

/** Does the arrow tell of bytes between a thread and its connection? @param {Model} model @param {number} flow */
export const isSpoken = (model, flow) => ends(model, flow) !== null;

/** The threads that have used a connection, or the one a channel or consumer lies on, in the order they first did. @param {Model} model @param {Lane} lane @returns {Lane[]} */
export function usersOf(model, lane) {
  let index = known.get(model);
  if (!index) known.set(model, (index = { taken: 0, users: new Map() }));
  for (; index.taken < model.flows.length; index.taken++) {
    const [connection, thread] = ends(model, index.taken) ?? [];
    if (!connection || !thread) continue;
    const users = index.users.get(connection);
    if (users) users.add(thread);
    else index.users.set(connection, new Set([thread]));
  }
  /** @type {Lane | null} */
  let at = lane;
  while (at && at.kind !== LaneKind.CONNECTION) at = at.parent;
  return [...((at && index.users.get(at)) ?? [])];
}
