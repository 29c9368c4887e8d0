// @ts-check
/** What a viewer has done to the rows: folded, unfolded, pinned, moved among their neighbours. Whatever is not named keeps its default. No DOM. */
import { MANY } from "./families.js";

/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {"lane" | "density"} RowKind */
/** @typedef {{kind: RowKind, lane: Lane, family?: import("./families.js").Family | null}} Foldable */

export class Arrangement {
  /** @type {Map<string, boolean>} */
  #open = new Map();
  /** Numbers of the lanes that stay in sight, in the order they were pinned. @type {number[]} */
  pinned = [];
  /** Numbers of the children of a lane in the viewer's own order. @type {Map<number, number[]>} */
  #order = new Map();

  /** @param {Foldable} row */
  isOpen(row) {
    return this.#open.get(keyOf(row)) ?? row.kind === "lane";
  }

  /** @param {Foldable} row @param {boolean} open */
  set(row, open) {
    if (open === (row.kind === "lane")) this.#open.delete(keyOf(row));
    else this.#open.set(keyOf(row), open);
  }

  /** Unfolds whatever a lane is hidden under. @param {Lane} lane @param {import("./families.js").Families} families */
  openTo(lane, families) {
    for (let above = lane.parent; above; above = above.parent) this.#open.delete(`l${above.id}`);
    const family = lane.parent && lane.parent.children.length > MANY ? families.of(lane.parent).families.find(({ members }) => members.includes(lane)) : null;
    if (family) this.#open.set(`f${family.key}`, true);
  }

  /** @param {Lane} lane */
  pin(lane) {
    this.pinned = this.pinned.includes(lane.id) ? this.pinned.filter((id) => id !== lane.id) : [...this.pinned, lane.id];
  }

  /** A lane changes places with its neighbour among those drawn one by one. @param {Lane} lane @param {Lane[]} siblings as they stand @param {1 | -1} by */
  move(lane, siblings, by) {
    const from = siblings.indexOf(lane);
    const to = from + by;
    if (from < 0 || to < 0 || to >= siblings.length || !lane.parent) return false;
    const ids = siblings.map(({ id }) => id);
    [ids[from], ids[to]] = [/** @type {number} */ (ids[to]), /** @type {number} */ (ids[from])];
    this.#order.set(lane.parent.id, ids);
    return true;
  }

  /** Siblings in the viewer's own order; those that came since stand at the end. @param {Lane[]} lanes @param {Lane} parent */
  inOrder(lanes, parent) {
    const ids = this.#order.get(parent.id);
    if (!ids) return lanes;
    const place = new Map(ids.map((id, i) => [id, i]));
    return [...lanes].sort((a, b) => (place.get(a.id) ?? Infinity) - (place.get(b.id) ?? Infinity) || a.id - b.id);
  }

  /** As text for an address: what is folded otherwise than by default, what is pinned, what was moved. */
  toTexts() {
    return {
      folded: [...this.#open.keys()].join("~"),
      pinned: this.pinned.join("~"),
      order: [...this.#order].map(([parent, ids]) => `${parent}:${ids.join(",")}`).join("~"),
    };
  }

  /** @param {{folded?: string, pinned?: string, order?: string}} texts of `toTexts`; what makes no sense is passed over */
  fromTexts({ folded = "", pinned = "", order = "" }) {
    this.#open = new Map(parts(folded).map((key) => [key, key.startsWith("f")]));
    this.pinned = numbers(parts(pinned));
    this.#order = new Map(parts(order).map((one) => /** @type {[number, number[]]} */ ([Number(one.split(":")[0]), numbers((one.split(":")[1] ?? "").split(","))])));
  }
}

const parts = (/** @type {string} */ text) => text.split("~").filter(Boolean);
const numbers = (/** @type {string[]} */ texts) => texts.map(Number).filter(Number.isInteger);

/** @param {Foldable} row */
const keyOf = ({ kind, lane, family }) => (kind === "density" && family ? `f${family.key}` : `l${lane.id}`);
