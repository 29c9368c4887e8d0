// @ts-check
/**
 * Which lanes belong together when there are too many to be drawn one by one: those under one parent that are of one kind and one
 * name but for its number. No DOM.
 */
import { Crowd } from "./paint/crowd.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("../recording/model.js").Model} Model */

/** So many children are drawn one by one. */
export const MANY = 200;
/** So few of a name are, too, even among many others. */
const FEW = 8;
/** Where there are more names than this, names do not tell anything. */
const MOST_NAMES = 40;

export class Family {
  /** @type {Lane[]} in order of their numbers */
  members = [];
  /** @type {Crowd | null} */
  #crowd = null;
  #taken = 0;

  /** @param {Lane} parent @param {number} kind @param {string} name "" for lanes of many names */
  constructor(parent, kind, name) {
    this.key = `${parent.id}/${kind}/${name}`;
    this.parent = parent;
    this.kind = kind;
    this.name = name;
  }

  /** How many were in which state. */
  get crowd() {
    const crowd = (this.#crowd ??= new Crowd());
    for (; this.#taken < this.members.length; this.#taken++) crowd.add(/** @type {Lane} */ (this.members[this.#taken]));
    return crowd;
  }

  /** It was summed up before, all of it. @param {Crowd} crowd */
  come(crowd) {
    [this.#crowd, this.#taken] = [crowd, this.members.length];
  }
}

/** @typedef {{children: number, regrouped: number, byName: boolean, families: Map<string, Family>}} Known */

export class Families {
  /** @type {WeakMap<Lane, Known>} */
  #known = new WeakMap();

  /** @param {Model["derived"]} [derived] families that were summed up already */
  constructor(derived) {
    this.derived = derived;
  }

  /** The children of a lane: those that have a row each, and those drawn as families. @param {Lane} parent @returns {{single: Lane[], families: Family[]}} */
  of(parent) {
    if (parent.children.length <= MANY) return { single: parent.children, families: [] };
    const { families } = this.#group(parent);
    const single = parent.children.length > MANY ? [...families.values()].filter(({ members }) => members.length < FEW).flatMap(({ members }) => members) : [];
    const grown = parent.children.length === single.length ? [] : parent.children.filter(({ branches }) => branches);
    return { single: [...grown, ...single].sort((a, b) => a.id - b.id), families: [...families.values()].filter(({ members }) => members.length >= FEW) };
  }

  /** @param {Lane} parent @returns {Known} */
  #group(parent) {
    let known = this.#known.get(parent);
    if (!known || known.regrouped !== parent.regrouped) this.#known.set(parent, (known = { children: 0, regrouped: parent.regrouped, byName: known?.byName ?? true, families: new Map() }));
    for (; known.children < parent.children.length; known.children++) this.#put(known, parent, /** @type {Lane} */ (parent.children[known.children]));
    if (known.byName && known.families.size > MOST_NAMES) {
      this.#known.set(parent, { children: 0, regrouped: parent.regrouped, byName: false, families: new Map() });
      return this.#group(parent);
    }
    this.#recall(known);
    return known;
  }

  /** @param {Known} known @param {Lane} parent @param {Lane} lane */
  #put(known, parent, lane) {
    if (lane.branches) return;
    const name = known.byName ? familyName(lane.name) : "";
    const key = `${lane.kind}/${name}`;
    let family = known.families.get(key);
    if (!family) known.families.set(key, (family = new Family(parent, lane.kind, name)));
    family.members.push(lane);
  }

  /** @param {Known} known */
  #recall({ families }) {
    if (!this.derived?.crowds.size) return;
    for (const family of families.values()) {
      const packed = this.derived.crowds.get(family.key);
      if (packed) family.come(new Crowd(packed));
      this.derived.crowds.delete(family.key);
    }
  }
}

/** What the names of lanes that do the same have in common: "Task-17 work" and "Thread-18 (work)", "worker-1" and "worker-2". @param {string} name */
export function familyName(name) {
  return name.replace(/^Task-\d+ /, "").replace(/^Thread-\d+ \((.*)\)$/, "$1").replace(/[-_ #:]*\d+$/, "");
}
