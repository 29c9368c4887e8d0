// @ts-check
/** Where somebody looks, as the text of an address and back. No DOM. */

/** @typedef {{startNs: number, endNs: number}} Range */
/**
 * @typedef {object} ViewState
 * @property {Range | null} range null while everything, or the live edge, is followed
 * @property {{lane: number, index: number} | null} selected the bar, by the numbers of its lane and within it
 * @property {number | null} cursorNs null at the newest
 * @property {number} topPx how far the rows are scrolled
 * @property {string} folded @property {string} pinned @property {string} order as of arrangement.js
 */

/** The letters of an address. @type {Record<"folded" | "pinned" | "order", string>} */
const LETTERS = { folded: "f", pinned: "p", order: "o" };

/** `#t=1.5-2.25` in seconds with every digit; `&b=4.17` the bar, `&c=1.7` the cursor, `&y=120`, folded, pinned, moved lanes. @param {ViewState} state */
export function hashOf(state) {
  const parts = [];
  if (state.range) parts.push(`t=${seconds(state.range.startNs)}-${seconds(state.range.endNs)}`);
  if (state.selected) parts.push(`b=${state.selected.lane}.${state.selected.index}`);
  if (state.cursorNs !== null) parts.push(`c=${seconds(state.cursorNs)}`);
  if (state.topPx) parts.push(`y=${Math.round(state.topPx)}`);
  for (const [name, letter] of Object.entries(LETTERS)) {
    const text = state[/** @type {keyof typeof LETTERS} */ (name)];
    if (text) parts.push(`${letter}=${encodeURIComponent(text)}`);
  }
  return parts.length ? `#${parts.join("&")}` : "";
}

/** What makes no sense is as if it were not there. @param {string} hash @returns {ViewState | null} null when nothing is said */
export function stateOf(hash) {
  if (hash.length < 2) return null;
  const said = new Map(hash.slice(1).split("&").filter((part) => /^\w=/.test(part)).map((part) => /** @type {[string, string]} */ ([part.slice(0, 1), decoded(part.slice(2))])));
  const bar = /^(\d+)\.(\d+)$/.exec(said.get("b") ?? "");
  const cursor = /^[\d.]+$/.exec(said.get("c") ?? "");
  return {
    range: rangeOf(said.get("t") ?? ""),
    selected: bar ? { lane: Number(bar[1]), index: Number(bar[2]) } : null,
    cursorNs: cursor ? Number(cursor[0]) * 1e9 : null,
    topPx: Number(said.get("y")) || 0,
    folded: said.get("f") ?? "",
    pinned: said.get("p") ?? "",
    order: said.get("o") ?? "",
  };
}

/** @param {string} text @returns {Range | null} */
function rangeOf(text) {
  const match = /^(-?[\d.]+)-([\d.]+)$/.exec(text);
  if (!match) return null;
  const [startNs, endNs] = [Number(match[1]) * 1e9, Number(match[2]) * 1e9];
  return endNs > startNs ? { startNs, endNs } : null;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** To the nanosecond, and a part of one where the view is that narrow. @param {number} ns */
const seconds = (ns) => (ns / 1e9).toFixed(10).replace(/\.?0+$/, "");
