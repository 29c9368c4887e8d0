// @ts-check
/**
 * A whole model as a message from one thread to another: columns over all lanes instead of one object a lane, so that a
 * hundred thousand lanes cost a few transfers. `pack` leaves its gatherer empty-handed; `unpack` fills a new model.
 */
import { Column } from "./columns.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {{baseNs: number, looks: Uint8Array[]}} PackedPyramid as of timeline/paint/lod.js */
/** @typedef {{t: Float64Array, code: Uint8Array, counts: Int32Array, sums: Float64Array}} PackedCrowd */
/**
 * @typedef {object} Derived what is made of a recording before it is first drawn
 * @property {Map<number, PackedPyramid>} pyramids by lane @property {Map<string, PackedCrowd>} crowds by family
 * @property {Float64Array[] | null} overview as of timeline/overview.js
 */
/**
 * @typedef {object} Packed
 * @property {Record<string, any> | null} header @property {Record<string, any> | null} end @property {bigint} t0
 * @property {string[]} strings @property {Record<string, any>} details @property {import("./details.js").Details["objects"]} objects @property {Record<string, any>} lanes
 * @property {import("./lane.js").Slab} slab @property {Uint32Array} slabEnds where in it each lane's states end @property {Record<string, any>} flows
 * @property {[number, Float64Array, Float64Array, number][]} counters @property {[number, import("./lane.js").Mark[]][]} marks
 * @property {import("./model.js").Output[]} output @property {number} lastNs @property {number} stateCount @property {Uint8Array} seen
 * @property {Derived} derived
 */

const LANE_COLUMNS = /** @type {const} */ ({ t: Float64Array, parent: Uint32Array, pid: Uint32Array, tid: Uint32Array, kind: Uint8Array });

/** @param {Model} model whose states lie in a slab @param {Pick<Packed, "slab" | "slabEnds">} states @returns {Packed} */
export function pack(model, states) {
  const { header, end, t0, lastNs, stateCount, seen, output, derived } = model;
  const lanes = model.lanes;
  return {
    header, end, t0, lastNs, stateCount, seen, output, derived,
    strings: model.strings,
    details: wholeColumns(model.details),
    objects: model.details.objects,
    lanes: laneTable(lanes),
    ...states,
    flows: wholeColumns(model.flows),
    counters: lanes.flatMap(({ id, counter }) => (counter ? [/** @type {[number, Float64Array, Float64Array, number]} */ ([id, counter.t.whole(), counter.value.whole(), counter.max])] : [])),
    marks: lanes.flatMap(({ id, marks }) => (marks.length ? [/** @type {[number, import("./lane.js").Mark[]]} */ ([id, marks])] : [])),
  };
}

/** Its buffers, which go over without being copied. @param {unknown} value @param {Set<Transferable>} [into] @returns {Set<Transferable>} */
export function buffersOf(value, into = new Set()) {
  if (ArrayBuffer.isView(value)) into.add(/** @type {ArrayBuffer} */ (value.buffer));
  else if (value instanceof Map) for (const one of value.values()) buffersOf(one, into);
  else if (Array.isArray(value) && typeof value[0] !== "string") for (const one of value) buffersOf(one, into);
  else if (value && typeof value === "object" && !Array.isArray(value)) for (const one of Object.values(value)) buffersOf(one, into);
  return into;
}

/** @param {Lane[]} lanes */
function laneTable(lanes) {
  /** @type {Record<string, any>} */
  const table = {};
  for (const [name, type] of Object.entries(LANE_COLUMNS)) {
    const column = (table[name] = new type(lanes.length));
    lanes.forEach((lane, i) => (column[i] = name === "parent" ? (lane.parent?.id ?? 0) : /** @type {any} */ (lane)[name]));
  }
  return { ...table, names: lanes.map(({ name }) => name) };
}

/** @param {object} holder of columns */
function wholeColumns(holder) {
  return Object.fromEntries(Object.entries(holder).flatMap(([name, column]) => (column instanceof Column ? [[name, column.whole()]] : [])));
}

/** @param {object} holder @param {Record<string, any>} whole */
function takeColumns(holder, whole) {
  for (const [name, column] of Object.entries(holder)) if (column instanceof Column && whole[name]) column.over(whole[name]);
}

/** Fills an empty model. @param {Model} model @param {Packed} packed */
export function unpack(model, packed) {
  const { header, end, t0, lastNs, stateCount, seen, output, derived, strings } = packed;
  Object.assign(model, { header, end, t0, lastNs, stateCount, seen, output, derived, strings });
  takeColumns(model.details, packed.details);
  model.details.objects = packed.objects;
  takeColumns(model.flows, packed.flows);
  unpackLanes(model, packed);
  for (const [id, t, value, max] of packed.counters) laneOf(model, id).counter = { t: new Column(Float64Array, 0).over(t), value: new Column(Float64Array, 0).over(value), max };
  for (const [id, marks] of packed.marks) laneOf(model, id).marks = marks;
  model.version++;
  model.treeVersion++;
}

/** @param {Model} model @param {Packed} packed */
function unpackLanes(model, { lanes, slab, slabEnds }) {
  const { t, parent, pid, tid, kind, names } = /** @type {Record<string, any>} */ (lanes);
  for (let i = 1; i < t.length; i++) model.addLane(laneOf(model, parent[i]), kind[i], names[i], pid[i], tid[i], t[i]);
  model.lanes.forEach((lane, i) => lane.lieIn(slab, slabEnds[i - 1] ?? 0, slabEnds[i] ?? 0));
}

/** @param {Model} model @param {number} id */
const laneOf = (model, id) => /** @type {Lane} */ (model.lanes[id]);
