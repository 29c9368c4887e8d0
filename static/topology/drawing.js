// @ts-check
/** The graph on the page: nodes as buttons, edges and what moves along them as SVG. It is told what to show and asks nobody. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { curve } from "./layout.js";
import { counts, described, isDefault, title } from "./words.js";

/** @typedef {import("./model.js").Topology} Topology */
/** @typedef {import("./model.js").Node} Node */
/** @typedef {import("./model.js").Edge} Edge */
/** @typedef {import("./layout.js").Placed} Placed */
/** @typedef {{x: number, y: number, mood: "sent" | "redelivered" | "returned" | "lost", text: string, fade: number}} Dot */
/** @typedef {{button: HTMLButtonElement, name: HTMLElement, counts: HTMLElement, depth: HTMLElement, node: Node}} Drawn */

const SVG = "http://www.w3.org/2000/svg";
/** What stands in a dot besides its colour. */
const SIGNS = { sent: "", redelivered: "↻", returned: "↩", lost: "×" };
/** How far before where it leads the key of an edge is written, and how far from the next key there, in lines. */
const KEY_LINES = { first: 1, next: 1.1 };

/** @param {string} name @param {Record<string, string | number>} [attributes] */
function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export class Drawing {
  #lines = svg("g");
  #dots = svg("g");
  /** @type {Map<number, Drawn>} */
  #nodes = new Map();
  /** @type {{edge: Edge, path: Element, key: HTMLElement}[]} */
  #edges = [];
  /** @type {Placed | null} */
  #placed = null;

  /** @param {HTMLElement} stage @param {(lane: import("../recording/lane.js").Lane) => void} onChosen */
  constructor(stage, onChosen) {
    this.stage = stage;
    this.onChosen = onChosen;
    const marker = svg("marker", { id: "topology-arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse" });
    marker.append(svg("path", { d: "M0 0.5 L8 4 L0 7.5 Z", class: "topology-arrow" }));
    const definitions = svg("defs");
    definitions.append(marker);
    this.picture = svg("svg", { class: "topology-lines", "aria-hidden": "true" });
    this.picture.append(definitions, this.#lines);
    // Edges pass below the nodes, messages above them.
    const above = svg("svg", { class: "topology-lines is-above", "aria-hidden": "true" });
    above.append(this.#dots);
    stage.replaceChildren(this.picture, above);
  }

  /** Another graph, or another room for it. @param {Topology} topology @param {Edge[]} edges @param {Placed} placed */
  arrange(topology, edges, placed) {
    this.#placed = placed;
    this.stage.style.width = `${placed.widthPx}px`;
    this.stage.style.height = `${placed.heightPx}px`;
    this.#arrangeNodes(topology, placed);
    for (const { key } of this.#edges) key.remove();
    this.#edges = edges.flatMap((edge, i) => this.#arrangeEdge(edge, placed, edges.slice(0, i).filter(({ to, kind }) => to === edge.to && kind === edge.kind).length));
    this.#lines.replaceChildren(...this.#edges.map(({ path }) => path));
  }

  /** @param {Topology} topology @param {Placed} placed */
  #arrangeNodes(topology, { boxes }) {
    for (const [id, { button, node }] of this.#nodes) {
      if (topology.nodes.get(id) === node) continue;
      button.remove();
      this.#nodes.delete(id);
    }
    // In the order in which messages pass them: so the Tab key goes, too.
    for (const [id, box] of boxes) {
      const node = /** @type {Node} */ (topology.nodes.get(id));
      const drawn = this.#nodes.get(id) ?? this.#newNode(node);
      this.#nodes.set(id, drawn);
      this.stage.append(drawn.button);
      Object.assign(drawn.button.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` });
    }
  }

  /** @param {Node} node @returns {Drawn} */
  #newNode(node) {
    const [name, told, depth] = [make("span", { class: "topology-name" }, title(node)), make("span", { class: "topology-counts" }), make("span", { class: "topology-depth", hidden: node.role !== "queue" }, make("i", {}), make("b", {}))];
    const button = make("button", { class: "topology-node", type: "button", "data-role": node.role, "data-lane": node.lane.id }, name, told, depth);
    button.addEventListener("click", () => this.onChosen(node.lane));
    return { button, name, counts: told, depth, node };
  }

  /** @param {Edge} edge @param {Placed} placed @param {number} before how many keys of others stand there */
  #arrangeEdge(edge, placed, before) {
    const { boxes, down, gapPx } = placed;
    const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)];
    if (!from || !to) return [];
    const line = curve(from, to, placed);
    const path = svg("path", { d: `M${line[0]} ${line[1]} C${line.slice(2).join(" ")}`, class: "topology-edge", "data-kind": edge.kind, "marker-end": "url(#topology-arrow)" });
    const linePx = parseFloat(getComputedStyle(this.stage).lineHeight);
    const at = down ? { x: to.x + to.width / 2, y: to.y - linePx * (KEY_LINES.first + KEY_LINES.next * before) } : { x: to.x - gapPx / 2, y: to.y + to.height / 2 + linePx * KEY_LINES.next * before };
    const key = make("span", { class: "topology-key", "aria-hidden": "true" });
    const widthPx = down ? to.width + 8 : gapPx * 0.9;
    Object.assign(key.style, { left: `${at.x}px`, top: `${at.y}px`, maxWidth: `${widthPx}px` });
    this.stage.append(key);
    return [{ edge, path, key }];
  }

  /** As it was at a time. @param {Topology} topology @param {number} tNs @param {number} selected the lane's number, -1 for none @param {number} most messages in any queue */
  show(topology, tNs, selected, most) {
    for (const [id, drawn] of this.#nodes) {
      const state = topology.stateOf(drawn.node, tNs);
      const { button } = drawn;
      button.dataset.life = state.life;
      button.classList.toggle("is-differing", state.differs !== null);
      button.setAttribute("aria-pressed", String(id === selected));
      say(drawn.counts, `${state.differs ? "≠ " : ""}${counts(topology, drawn.node, state)}`);
      drawn.depth.style.setProperty("--ready", String(state.ready / most));
      drawn.depth.style.setProperty("--unacked", String(state.unacked / most));
      const words = described(topology, drawn.node, state, tNs);
      if (button.title === words) continue;
      button.title = words;
      button.setAttribute("aria-description", words); // its name is what is written in it
    }
    for (const { edge, path, key } of this.#edges) {
      const keys = topology.keysAt(edge, tNs);
      path.setAttribute("data-there", String(keys !== null));
      const text = edge.kind === "dead" ? (keys ? t("topology.dead") : "") : edge.kind === "implied" && keys && !isDefault(topology.nodes.get(edge.from)) ? t("topology.noBinding") : (keys ?? []).map((one) => one.text || "∅").join(" · ");
      say(key, text);
      key.hidden = text === "";
    }
  }

  /** What a message says stands where no node is: beside it on its way down, above it on its way to the right. @param {Element} text @param {number} x */
  #putBeside(text, x) {
    const { down, widthPx } = /** @type {Placed} */ (this.#placed);
    const left = x > widthPx * 0.6;
    text.setAttribute("text-anchor", !down ? "middle" : left ? "end" : "start");
    text.setAttribute("x", !down ? "0" : left ? "-0.8em" : "0.8em");
    text.setAttribute("y", down ? "0" : "-1.2em");
  }

  /** @param {Dot[]} dots */
  move(dots) {
    const { children } = this.#dots;
    while (children.length > dots.length) children[children.length - 1]?.remove();
    while (children.length < dots.length) {
      const dot = svg("g", { class: "topology-dot" });
      dot.append(svg("circle"), svg("text", { class: "topology-sign" }), svg("text", { class: "topology-head" }));
      this.#dots.append(dot);
    }
    dots.forEach(({ x, y, mood, text, fade }, i) => {
      const dot = /** @type {Element} */ (children[i]);
      dot.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      dot.setAttribute("data-mood", mood);
      dot.setAttribute("opacity", fade.toFixed(2));
      say(/** @type {Element} */ (dot.children[1]), SIGNS[mood]);
      say(/** @type {Element} */ (dot.children[2]), text);
      this.#putBeside(/** @type {Element} */ (dot.children[2]), x);
    });
  }
}

/** @param {Element} element @param {string} text */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
