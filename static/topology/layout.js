// @ts-check
/**
 * Where the graph's nodes stand: in layers from who publishes to who consumes, downwards where the room is narrow, to the right
 * where it is wide. Pure; sizes in CSS pixels.
 */

/** @typedef {import("./model.js").Node} Node */
/** @typedef {import("./model.js").Edge} Edge */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {{boxes: Map<number, Box>, widthPx: number, heightPx: number, down: boolean, gapPx: number, backPx: number}} Placed `gapPx` between two layers, `backPx` beside all of them for edges that go back */
/** @typedef {[number, number, number, number, number, number, number, number]} Curve a cubic one: x and y of its start, two handles, end */

/** Wider than so many times its height: to the right. */
const WIDE = 1.5;
const LINE = 1.4;
/** Lines a node has below its name, and some room. @type {Record<import("./model.js").Role, number>} */
const LINES = { producer: 1.4, exchange: 1.4, queue: 2.8, consumer: 1.4 };
const MOST_NAME_LINES = 2;
/** How much of an em a bold letter takes: more often than not it is less. */
const LETTER = 0.62;

/** Nodes by layer, exchanges that are bound to others below those. @param {Iterable<Node>} nodes @param {Edge[]} edges @returns {Node[][]} */
export function layersOf(nodes, edges) {
  const all = [...nodes];
  const of = (/** @type {string} */ role) => all.filter((node) => node.role === role);
  const exchanges = of("exchange");
  const depth = new Map(exchanges.map(({ lane }) => [lane.id, 0]));
  // As often as there are exchanges: a longer way goes in a circle.
  for (let round = 1; round < exchanges.length; round++) {
    for (const { from, to } of edges) {
      const [above, below] = [depth.get(from), depth.get(to)];
      if (above !== undefined && below !== undefined && from !== to) depth.set(to, Math.min(Math.max(below, above + 1), exchanges.length - 1));
    }
  }
  const levels = [...new Set(depth.values())].sort((a, b) => a - b);
  const layers = [of("producer"), ...levels.map((level) => exchanges.filter(({ lane }) => depth.get(lane.id) === level)), of("queue"), of("consumer")];
  return untangled(layers.filter((layer) => layer.length > 0), edges);
}

/** Each node near to the middle of those it is joined to above. @param {Node[][]} layers @param {Edge[]} edges */
function untangled(layers, edges) {
  const place = new Map((layers[0] ?? []).map(({ lane }, i) => [lane.id, i]));
  return layers.map((layer, at) => {
    if (at === 0) return layer;
    const middle = (/** @type {Node} */ { lane }, /** @type {number} */ i) => {
      const above = edges.filter(({ to, from }) => to === lane.id && place.has(from)).map(({ from }) => place.get(from) ?? 0);
      return above.length ? above.reduce((sum, one) => sum + one, 0) / above.length : i;
    };
    const sorted = layer.map((node, i) => ({ node, at: middle(node, i) })).sort((a, b) => a.at - b.at || a.node.lane.id - b.node.lane.id).map(({ node }) => node);
    sorted.forEach(({ lane }, i) => place.set(lane.id, i));
    return sorted;
  });
}

/** @param {Node[][]} layers @param {Edge[]} edges @param {{widthPx: number, heightPx: number, textPx: number}} room @returns {Placed} it may be larger than the room */
export function place(layers, edges, { widthPx, heightPx, textPx }) {
  const depth = new Map(layers.flatMap((layer, i) => layer.map(({ lane }) => /** @type {[number, number]} */ ([lane.id, i]))));
  const backPx = edges.some(({ from, to }) => (depth.get(to) ?? 0) < (depth.get(from) ?? 0)) ? textPx * 2.4 : 0;
  const down = widthPx < heightPx * WIDE;
  return down ? placeDown(layers, widthPx, heightPx, textPx, backPx) : placeRight(layers, widthPx, heightPx, textPx, backPx);
}

/** @param {Node} node @param {number} textPx @param {number} widthPx */
function heightOf({ role, lane }, textPx, widthPx) {
  const lines = role === "queue" || role === "exchange" ? Math.ceil((lane.name.length * LETTER * textPx) / Math.max(widthPx - textPx, 1)) : 1;
  return (LINES[role] + Math.min(Math.max(lines, 1), MOST_NAME_LINES)) * textPx * LINE;
}

/** @param {Node[][]} layers @param {number} widthPx @param {number} heightPx @param {number} textPx @param {number} backPx @returns {Placed} */
function placeDown(layers, widthPx, heightPx, textPx, backPx) {
  const [marginPx, apartPx] = [textPx * 0.6, textPx * 0.7];
  const most = Math.max(1, ...layers.map(({ length }) => length));
  const totalPx = Math.max(widthPx - backPx, most * (textPx * 6 + apartPx) + 2 * marginPx);
  const widths = layers.map(({ length }) => Math.min((totalPx - 2 * marginPx) / length - apartPx, textPx * 15));
  const heights = layers.map((layer, i) => Math.max(...layer.map((node) => heightOf(node, textPx, widths[i] ?? 0))));
  const leftPx = heightPx - 2 * marginPx - heights.reduce((sum, one) => sum + one, 0);
  const gapPx = Math.max(textPx * 2, Math.min(textPx * 6, leftPx / Math.max(1, layers.length - 1)));
  const boxes = new Map();
  let y = marginPx;
  layers.forEach((layer, i) => {
    const slotPx = (totalPx - 2 * marginPx) / layer.length;
    const width = widths[i] ?? 0;
    layer.forEach((node, j) => boxes.set(node.lane.id, { x: marginPx + slotPx * (j + 0.5) - width / 2, y, width, height: heights[i] ?? 0 }));
    y += (heights[i] ?? 0) + gapPx;
  });
  return { boxes, widthPx: totalPx + backPx, heightPx: Math.max(y - gapPx + marginPx, 0), down: true, gapPx, backPx };
}

/** @param {Node[][]} layers @param {number} widthPx @param {number} heightPx @param {number} textPx @param {number} backPx @returns {Placed} */
function placeRight(layers, widthPx, heightPx, textPx, backPx) {
  const [marginPx, apartPx] = [textPx * 0.6, textPx * 0.5];
  const columns = Math.max(1, layers.length);
  const gapPx = columns > 1 ? Math.max(textPx * 5, (widthPx * 0.36) / (columns - 1)) : 0;
  const width = Math.max(textPx * 6, Math.min(textPx * 15, (widthPx - 2 * marginPx - gapPx * (columns - 1)) / columns));
  const needs = layers.map((layer) => layer.reduce((sum, node) => sum + heightOf(node, textPx, width) + apartPx, -apartPx));
  const totalPx = Math.max(heightPx - backPx, Math.max(0, ...needs) + 2 * marginPx);
  const boxes = new Map();
  layers.forEach((layer, i) => {
    const sparePx = (totalPx - 2 * marginPx - (needs[i] ?? 0)) / layer.length;
    let y = marginPx + sparePx / 2;
    for (const node of layer) {
      const height = heightOf(node, textPx, width);
      boxes.set(node.lane.id, { x: marginPx + i * (width + gapPx), y, width, height });
      y += height + apartPx + sparePx;
    }
  });
  return { boxes, widthPx: Math.max(widthPx, 2 * marginPx + columns * width + (columns - 1) * gapPx), heightPx: totalPx + backPx, down: false, gapPx, backPx };
}

/** From the edge of one box to that of another. @param {Box} from @param {Box} to @param {Placed} placed @returns {Curve} */
export function curve(from, to, { down, backPx }) {
  if (down ? to.y < from.y : to.x < from.x) return down ? backAtTheSide(from, to, backPx) : backBelow(from, to, backPx);
  if (down) {
    const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y];
    const middle = (y1 + y2) / 2;
    return [x1, y1, x1, middle, x2, middle, x2, y2];
  }
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2];
  const middle = (x1 + x2) / 2;
  return [x1, y1, middle, y1, middle, y2, x2, y2];
}

/** A channel gets messages itself. @param {Box} from @param {Box} to @param {number} backPx @returns {Curve} */
function backAtTheSide(from, to, backPx) {
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + from.height / 2, to.x + to.width, to.y + to.height / 2];
  const right = Math.max(x1, x2) + backPx;
  return [x1, y1, right, y1, right, y2, x2, y2];
}

/** @param {Box} from @param {Box} to @param {number} backPx @returns {Curve} */
function backBelow(from, to, backPx) {
  const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, to.x + to.width / 2, to.y + to.height];
  const low = Math.max(y1, y2) + backPx;
  return [x1, y1, x1, low, x2, low, x2, y2];
}

/** A point of a curve. @param {Curve} of @param {number} along from 0 to 1 @returns {{x: number, y: number}} */
export function pointOn([x1, y1, x2, y2, x3, y3, x4, y4], along) {
  const [u, v] = [1 - along, along];
  const [a, b, c, d] = [u * u * u, 3 * u * u * v, 3 * u * v * v, v * v * v];
  return { x: a * x1 + b * x2 + c * x3 + d * x4, y: a * y1 + b * y2 + c * y3 + d * y4 };
}
