// @ts-check
/**
 * The broker of a run as a graph, and how it was at any time: who publishes, through which exchanges and bindings messages go to
 * which queues, who consumes. Made of the recording alone, as far as it has come; nothing is guessed: where a message
 * was seen to go without a binding (the default exchange has none), the edge says so by being `implied`. No DOM.
 */
import { LaneKind, MarkKind, State } from "../generated/records.js";
import { countsUnacked, isMessage, isUnusual, toldBy, unackedOf } from "../timeline/broker.js";
import { Steps } from "./steps.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("../recording/lane.js").Lane} Lane */
/** @typedef {import("./steps.js").Moving} Moving */
/** @typedef {"producer" | "exchange" | "queue" | "consumer"} Role */
/** @typedef {"publish" | "binding" | "implied" | "consume" | "dead"} EdgeKind `dead`: a queue's dead-letter exchange */
/** @typedef {{lane: Lane, role: Role}} Node */
/** @typedef {{text: string, fromNs: number, toNs: number}} Key a binding's key (or arguments), and when it was bound */
/** @typedef {{from: number, to: number, kind: EdgeKind, keys: Key[]}} Edge between lanes by their numbers */
/** @typedef {"before" | "there" | "gone" | "killed"} Life */
/** @typedef {{life: Life, ready: number, unacked: number, unconfirmed: number, differs: {broker: any, derived: any} | null}} NodeState `differs`: the last time the broker's own counts were others than those from the frames */
/** @typedef {{published: number, delivered: number, redelivered: number, returned: number, unroutable: number}} Totals */

export class Topology {
  /** By the number of their lane. @type {Map<number, Node>} */
  nodes = new Map();
  steps = new Steps();
  /** Counts changes of nodes and edges. */
  shape = 0;
  #lanes = 0;
  #flows = 0;
  #marks = -1;
  /** @type {Map<string, Edge>} */
  #seen = new Map();
  /** @type {Map<string, Edge>} */
  #bindings = new Map();

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  /** Takes in what the recording has more than before. */
  update() {
    this.#takeLanes();
    this.#takeMarks();
    this.#takeFlows();
  }

  /** Those of messages only that went where no binding leads are drawn of their own. @returns {Edge[]} */
  get edges() {
    return [...this.#bindings.values(), ...[...this.#seen.values()].filter(({ kind, from, to }) => kind !== "implied" || this.#path(from, to, null).length === 0)];
  }

  /** @param {Lane} lane @param {Role} role */
  #addNode(lane, role) {
    if (this.nodes.has(lane.id)) return;
    this.nodes.set(lane.id, { lane, role });
    this.shape++;
  }

  /** @param {EdgeKind} kind @param {number} from @param {number} to */
  #addEdge(kind, from, to) {
    const key = `${from}>${to}`;
    if (this.#seen.has(key)) return;
    this.#seen.set(key, { from, to, kind, keys: [] });
    this.shape++;
  }

  #takeLanes() {
    const { lanes } = this.model;
    for (; this.#lanes < lanes.length; this.#lanes++) {
      const lane = /** @type {Lane} */ (lanes[this.#lanes]);
      if (lane.kind === LaneKind.EXCHANGE) this.#addNode(lane, "exchange");
      if (lane.kind === LaneKind.QUEUE && !countsUnacked(lane)) this.#addNode(lane, "queue");
      if (lane.kind !== LaneKind.CONSUMER) continue;
      this.#addNode(lane, "consumer");
      const queue = this.#named(LaneKind.QUEUE, lane.name.split(" → ")[0] ?? "", lane.t);
      if (queue) this.#addEdge("consume", queue.id, lane.id);
    }
  }

  /** The latest lane of that name that began before a time: queues are deleted and declared anew. @param {number} kind @param {string} name @param {number} tNs */
  #named(kind, name, tNs) {
    return [...this.nodes.values()].findLast(({ lane }) => lane.kind === kind && lane.name === name && lane.t <= tNs)?.lane ?? null;
  }

  /** The exchanges' marks tell of bindings and of messages no queue was found for. They are few and may come late: read anew. */
  #takeMarks() {
    const exchanges = [...this.nodes.values()].filter(({ role }) => role === "exchange").map(({ lane }) => lane);
    const marks = exchanges.reduce((sum, lane) => sum + lane.marks.length, 0);
    if (marks === this.#marks) return;
    this.#marks = marks;
    this.#bindings = new Map();
    this.steps.drop("lost");
    for (const lane of exchanges) for (const mark of lane.marks) this.#takeMark(lane, mark.t, toldBy(mark));
    this.shape++;
  }

  /** @param {Lane} exchange @param {number} tNs @param {Record<string, any>} words */
  #takeMark(exchange, tNs, words) {
    if (words.what === "unroutable") this.steps.add({ kind: "lost", tNs, from: exchange.id, to: exchange.id, number: words.number ?? 0, redelivered: false, flow: -1 });
    if (words.what !== "bind" && words.what !== "unbind") return;
    const target = words.exchange !== undefined ? this.#named(LaneKind.EXCHANGE, words.exchange, Infinity) : this.#named(LaneKind.QUEUE, words.queue, tNs);
    if (!target) return;
    const text = words.arguments ? argumentsText(words.arguments) : String(words.key ?? "");
    const name = `${exchange.id}>${target.id}`;
    const edge = this.#bindings.get(name) ?? { from: exchange.id, to: target.id, kind: /** @type {const} */ ("binding"), keys: [] };
    this.#bindings.set(name, edge);
    const open = edge.keys.find((key) => key.text === text && key.toNs === Infinity);
    if (words.what === "unbind" && open) open.toNs = tNs;
    else if (words.what === "bind" && !open) edge.keys.push({ text, fromNs: tNs, toNs: Infinity });
  }

  #takeFlows() {
    const { flows, lanes } = this.model;
    for (; this.#flows < flows.length; this.#flows++) {
      if (!isMessage(this.model, this.#flows)) continue;
      const [from, to] = [lanes[flows.from.data[this.#flows] ?? 0], lanes[flows.to.data[this.#flows] ?? 0]];
      if (from && to) this.#takeStep(this.#flows, from, to);
    }
  }

  /** @param {number} flow @param {Lane} from @param {Lane} to */
  #takeStep(flow, from, to) {
    const kind = KIND_OF[`${from.kind}>${to.kind}`];
    if (!kind) return;
    if (kind === "publish") this.#addNode(from, "producer");
    if (kind === "deliver") this.#addNode(to, "consumer");
    if (kind !== "return") this.#addEdge(EDGE_OF[kind], from.id, to.id);
    const number = this.model.valueOf(this.model.flows.detail.data[flow] ?? 0);
    const redelivered = kind === "deliver" && isUnusual(this.model, flow);
    this.steps.add({ kind, tNs: this.model.flows.t.data[flow] ?? 0, from: from.id, to: to.id, number: number || 0, redelivered, flow });
  }

  // --- how it was at a time

  /** @param {Node} node @param {number} tNs @returns {NodeState} */
  stateOf({ lane, role }, tNs) {
    const life = lifeOf(lane, tNs);
    const there = life === "there";
    const own = there ? lane.countAt(tNs) : 0;
    const differs = lane.marks.findLast((mark) => mark.kind === MarkKind.DISAGREEMENT && mark.t <= tNs);
    return {
      life,
      ready: role === "queue" ? own : 0,
      unacked: role === "queue" ? (there ? (unackedOf(lane)?.countAt(tNs) ?? 0) : 0) : role === "consumer" ? own : 0,
      unconfirmed: role === "producer" ? own : 0,
      differs: differs ? /** @type {any} */ (toldBy(differs)) : null,
    };
  }

  /** The keys an edge had at a time; null while it was not there. @param {Edge} edge @param {number} tNs @returns {Key[] | null} */
  keysAt(edge, tNs) {
    if (edge.kind !== "binding") return [edge.from, edge.to].every((id) => lifeOf(/** @type {Lane} */ (this.model.lanes[id]), tNs) === "there") ? [] : null;
    const keys = edge.keys.filter(({ fromNs, toNs }) => fromNs <= tNs && tNs < toNs);
    return keys.length && lifeOf(/** @type {Lane} */ (this.model.lanes[edge.to]), tNs) === "there" ? keys : null;
  }

  /** @param {number} tNs @returns {Totals} */
  totalsAt(tNs) {
    const { steps } = this;
    return { published: steps.count("publish", tNs), delivered: steps.count("deliver", tNs), redelivered: steps.count("redelivered", tNs), returned: steps.count("return", tNs), unroutable: steps.count("lost", tNs) };
  }

  /** The lanes a message passes on this step: a route may go through several exchanges. @param {import("./steps.js").Step} step @returns {number[]} */
  wayOf({ kind, from, to, tNs }) {
    const way = kind === "route" ? this.#path(from, to, tNs) : [];
    return way.length ? way : [from, to];
  }

  /** Along bindings of that time (null: of any time), breadth first; empty when none leads there. @param {number} from @param {number} to @param {number | null} tNs */
  #path(from, to, tNs) {
    const ways = [[from]];
    const passed = new Set([from]);
    for (let way = ways.shift(); way; way = ways.shift()) {
      for (const edge of this.#bindings.values()) {
        if (edge.from !== way.at(-1) || passed.has(edge.to) || (tNs !== null && !this.keysAt(edge, tNs))) continue;
        if (edge.to === to) return [...way, to];
        passed.add(edge.to);
        ways.push([...way, edge.to]);
      }
    }
    return [];
  }

  /** Is the broker running? "killed" from its crash until it is back. @param {number} tNs @returns {"running" | "killed"} */
  brokerAt(tNs) {
    const last = this.model.machine.marks.findLast((mark) => mark.kind === MarkKind.BROKER && mark.t <= tNs && /^broker (killed|restarted|died)/.test(toldBy(mark).what ?? ""));
    return last && toldBy(last).what !== "broker restarted" ? "killed" : "running";
  }

  /** What an exchange or queue was declared as: "topic", "durable". @param {Node} node @returns {string} */
  declaredAs({ lane }) {
    const words = lane.marks.map(toldBy).find(({ what }) => what === "exchange.declare" || what === "queue.declare");
    return words ? [words.type, ...["durable", "exclusive", "auto_delete"].filter((name) => words[name] === true)].filter(Boolean).join(" ") : "";
  }

  /** Does the broker take a message for done as soon as it has sent it to this consumer? @param {Node} node */
  acksItself({ lane }) {
    return lane.marks.some((mark) => toldBy(mark).what === "basic.consume" && toldBy(mark).no_ack === true);
  }
}

/** @type {Record<string, import("./steps.js").StepKind>} */
const KIND_OF = {
  [`${LaneKind.CHANNEL}>${LaneKind.EXCHANGE}`]: "publish",
  [`${LaneKind.EXCHANGE}>${LaneKind.QUEUE}`]: "route",
  [`${LaneKind.EXCHANGE}>${LaneKind.CHANNEL}`]: "return",
  [`${LaneKind.QUEUE}>${LaneKind.CONSUMER}`]: "deliver",
  [`${LaneKind.QUEUE}>${LaneKind.CHANNEL}`]: "deliver",
  [`${LaneKind.QUEUE}>${LaneKind.EXCHANGE}`]: "dead",
};
/** @type {Record<string, EdgeKind>} */
const EDGE_OF = { publish: "publish", route: "implied", deliver: "consume", dead: "dead" };

/** @param {Lane} lane @param {number} tNs @returns {Life} */
function lifeOf(lane, tNs) {
  if (tNs < lane.t) return "before";
  if (!lane.ended || tNs < lane.startOf(lane.length - 1)) return "there";
  return lane.stateOf(lane.length - 1) === State.KILLED ? "killed" : "gone";
}

/** @param {Record<string, unknown>} given the arguments of a binding of a headers exchange */
const argumentsText = (given) => Object.entries(given).map(([name, value]) => `${name}=${value}`).join(" ");
