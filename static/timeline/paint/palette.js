// @ts-check
/** The colours and type of the drawing, read from the page's design tokens so that themes live in the style sheet alone. */
import { HOLDERS } from "./inks.js";

/** @typedef {ReturnType<typeof readPalette>} Palette */

const INK_TOKENS = ["none", "running", "running-c", "ready", "waiting", "gil-wait", "preempted", "idle", "gap", "ended", "other", "alive"];

/** @param {Element} element */
export function readPalette(element) {
  const style = getComputedStyle(element);
  const token = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const px = (/** @type {string} */ name) => parseFloat(token(name));
  const inks = INK_TOKENS.map((name) => token(`ink-${name}`));
  for (let i = 0; i < HOLDERS; i++) inks.push(token(`holder-${i}`));
  return {
    inks,
    background: token("plot"),
    rule: token("rule"),
    strongRule: token("rule-strong"),
    text: token("text"),
    quiet: token("text-quiet"),
    /** Black or white, whichever reads better on each ink. */
    onInk: inks.map(readableOn),
    /** Bright inks get an edge, because on white they are too pale to be told from it. */
    edges: inks.map((ink) => (luminance(ink) > BRIGHT ? token("edge-bright") : "")),
    accent: token("accent"),
    error: token("error"),
    flow: token("flow"),
    font: `${token("label-size")} ${token("font-text")}`,
    smallFont: `${token("small-size")} ${token("font-text")}`,
    labelPx: px("label-size"),
    smallPx: px("small-size"),
    heights: { rowPx: px("row"), thinPx: px("row-thin"), stripPx: px("row-strip"), densityPx: px("row-density"), counterPx: px("row-counter"), markPx: px("row-mark"), leastPx: px("row-least") },
    axisPx: px("axis"),
    hatchPx: px("hatch"),
    linePx: px("wait-line"),
  };
}

/** Where black and white read alike. */
const MIDDLE = 0.18;
const BRIGHT = 0.3;

/** @param {string} color */
const readableOn = (color) => (luminance(color) > MIDDLE ? "#000000" : "#ffffff");

/** Relative luminance (WCAG 2), nearly. @param {string} color as #rrggbb; 0 for anything else */
function luminance(color) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255 || 0) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
