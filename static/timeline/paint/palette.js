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
    edge: token("edge-bright"),
    accent: token("accent"),
    error: token("error"),
    flow: token("flow"),
    font: `${token("label-size")} ${token("font-text")}`,
    smallFont: `${token("small-size")} ${token("font-text")}`,
    labelPx: px("label-size"),
    smallPx: px("small-size"),
    heights: { rowPx: px("row"), thinPx: px("row-thin"), stripPx: px("row-strip"), densityPx: px("row-density"), counterPx: px("row-counter"), markPx: px("row-mark") },
    axisPx: px("axis"),
    hatchPx: px("hatch"),
    linePx: px("wait-line"),
  };
}

/** @param {string} color as #rrggbb */
function readableOn(color) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.18 ? "#000000" : "#ffffff";
}
