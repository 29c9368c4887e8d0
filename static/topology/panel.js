// @ts-check
/** The topology beside its timeline: the same cursor, the same selection. Hidden where a run has nothing to do with a broker. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { differenceText, messageOf } from "../timeline/broker.js";
import { Drawing } from "./drawing.js";
import { curve, layersOf, place, pointOn } from "./layout.js";
import { LateClock } from "./lateclock.js";
import { Topology } from "./model.js";
import { totalsText } from "./words.js";

/** @typedef {import("../timeline/timeline.js").Timeline} Timeline */
/** @typedef {import("./steps.js").Moving} Moving */

/** While time runs, a leg of a message's way is drawn for so long. */
const LEG_MS = 350;
/** While it stands still, for so much of what the timeline shows. */
const LEG_SHARE = 0.02;
const MOST_DOTS = 80;
/** So few messages on their way say what is in them. */
const FEW = 3;
const HEAD_LETTERS = 18;

export class TopologyPanel {
  /** @type {Topology | null} */
  #topology = null;
  #version = -1;
  #arranged = "";
  #frame = 0;
  #late = new LateClock();
  /** @type {import("./layout.js").Placed | null} */
  #placed = null;
  #totals = make("span", { class: "topology-totals" });
  #room = make("div", { class: "topology-room", tabindex: -1 });

  /** @param {HTMLElement} root @param {Timeline} timeline */
  constructor(root, timeline) {
    this.root = root;
    this.timeline = timeline;
    const stage = make("div", { class: "topology-stage" });
    this.#room.append(stage);
    root.replaceChildren(make("h2", {}, t("topology.title"), " ", this.#totals), this.#room);
    this.drawing = new Drawing(stage, (lane) => this.#choose(lane));
    // Keys that press a button must not play the run as well.
    root.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && event.stopPropagation());
    timeline.cursor.subscribe(() => this.look());
    new ResizeObserver(() => this.look()).observe(this.#room);
  }

  /** Something has changed: more is known, the cursor or the selection is elsewhere. At most one drawing a frame. */
  look() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** @param {import("../recording/lane.js").Lane} lane */
  #choose(lane) {
    if (lane.length) this.timeline.select({ lane, index: Math.max(0, lane.indexAt(this.#tNs)) });
    this.timeline.scrollTo(lane);
  }

  get #tNs() {
    return this.timeline.cursor.tNs ?? this.timeline.edge.ns;
  }

  #draw() {
    const topology = this.#newest();
    this.root.hidden = topology.nodes.size === 0;
    if (this.root.hidden) return;
    this.#arrange(topology);
    const { live } = this.timeline.edge;
    this.#late.advance(performance.now(), this.timeline.model.lastNs, live);
    if (this.#late.ns !== null && !live) this.look(); // nobody else asks for frames any more
    const tNs = this.#tNs;
    const queues = [...topology.nodes.values()].filter(({ role }) => role === "queue");
    const most = Math.max(1, ...queues.map(({ lane }) => (lane.counter?.max ?? 0) + (lane.children[0]?.counter?.max ?? 0)));
    this.drawing.show(topology, tNs, this.timeline.selected?.lane.id ?? -1, most);
    this.drawing.move(this.#dots(topology, tNs));
    this.#say(topology, tNs);
    this.root.dataset.shownNs = String(Math.round(tNs)); // for whoever waits for it
  }

  #newest() {
    const { model } = this.timeline;
    if (this.#topology?.model !== model) [this.#topology, this.#version, this.#late] = [new Topology(model), -1, new LateClock()];
    const topology = this.#topology;
    if (model.version !== this.#version) {
      this.#version = model.version;
      topology.update();
    }
    return topology;
  }

  /** @param {Topology} topology */
  #arrange(topology) {
    const [widthPx, heightPx] = [this.#room.clientWidth, this.#room.clientHeight];
    const textPx = parseFloat(getComputedStyle(this.root).getPropertyValue("--small-size"));
    const key = `${topology.shape} ${widthPx} ${heightPx} ${textPx}`;
    if (key === this.#arranged && this.#placed) return;
    this.#arranged = key;
    const { edges } = topology;
    this.#placed = place(layersOf(topology.nodes.values(), edges), edges, { widthPx, heightPx, textPx });
    this.drawing.arrange(topology, edges, this.#placed);
  }

  /** @param {Topology} topology @param {number} tNs */
  #say(topology, tNs) {
    const said = totalsText(topology.totalsAt(tNs));
    const differing = [...topology.nodes.values()].map((node) => topology.stateOf(node, tNs).differs).find(Boolean);
    if (topology.brokerAt(tNs) === "killed") said.push({ text: t("topology.down"), grave: true });
    if (differing) said.push({ text: differenceText(differing), grave: true });
    const text = said.map((one) => one.text).join();
    if (this.#totals.dataset.said === text) return;
    this.#totals.dataset.said = text;
    this.#totals.replaceChildren(...said.map((one) => make("span", { class: one.grave ? "is-grave" : null }, one.text)));
    this.root.classList.toggle("is-down", topology.brokerAt(tNs) === "killed");
  }

  /** @param {Topology} topology @param {number} tNs */
  #dots(topology, tNs) {
    const { cursor, view } = this.timeline;
    const atNs = cursor.tNs === null ? this.#late.ns : tNs;
    if (atNs === null) return [];
    const legNs = cursor.tNs === null ? LEG_MS * 1e6 : cursor.playing ? LEG_MS * 1e6 * cursor.speed : view.spanNs * LEG_SHARE;
    const moving = topology.steps.movingAt(atNs, legNs).slice(-MOST_DOTS);
    return moving.flatMap((one) => this.#dot(topology, one, moving.length <= FEW));
  }

  /** @param {Topology} topology @param {Moving} moving @param {boolean} telling @returns {import("./drawing.js").Dot[]} */
  #dot(topology, { step, along: asked }, telling) {
    const placed = /** @type {import("./layout.js").Placed} */ (this.#placed);
    const { boxes } = placed;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const along = still ? 0.5 : asked;
    const mood = step.kind === "lost" ? "lost" : step.kind === "return" ? "returned" : step.redelivered ? "redelivered" : "sent";
    const head = telling && step.flow >= 0 ? String(messageOf(topology.model, step.flow).words.head ?? "") : "";
    const common = { mood: /** @type {import("./drawing.js").Dot["mood"]} */ (mood), text: head.length > HEAD_LETTERS ? `${head.slice(0, HEAD_LETTERS)}…` : head, fade: 1 };
    const way = topology.wayOf(step);
    const leg = Math.min(way.length - 2, Math.floor(along * (way.length - 1)));
    const [from, to] = [boxes.get(way[leg] ?? -1), boxes.get(way[leg + 1] ?? -1)];
    if (!from || !to) return [];
    if (step.kind === "lost") return [{ ...common, x: from.x + from.width * 0.85, y: from.y + from.height * (1 + along), fade: 1 - along * 0.7 }];
    const within = along * (way.length - 1) - leg;
    return [{ ...common, ...(step.kind === "return" ? pointOn(curve(to, from, placed), 1 - within) : pointOn(curve(from, to, placed), within)) }];
  }
}
