// @ts-check
/** What is written on a bar: its longest name that fits, else the letter of its state. */
import { STATES } from "../../generated/records.js";
import { shortText, stateName } from "../describe.js";
import { Ink, SHAPES } from "./inks.js";

/** @typedef {import("../../recording/model.js").Model} Model */
/** @typedef {import("../describe.js").BarRef} BarRef */
/** @typedef {import("./canvas.js").CanvasRenderer} Renderer */
/** @typedef {import("./canvas.js").Text} Text */

const CUT_FROM_PX = 52;
/** Thin lines begin before their words, so that one sees where the wait began. */
const BEFORE_PX = { filled: 7, line: 14 };

/**
 * @param {Model} model @param {Renderer} renderer @param {import("./scene.js").Frame} frame @param {BarRef} bar
 * @param {number} ink @param {number} x @param {number} width @param {{y: number, height: number}} box @returns {Text | null}
 */
export function label(model, renderer, { view, palette }, bar, ink, x, width, box) {
  if (box.height < palette.smallPx * 0.95) return null;
  const left = Math.max(x, 0);
  const room = Math.min(x + width, view.widthPx) - left;
  if (room < palette.smallPx * (SHAPES[ink] === "hatch" ? 2 : 1.2)) return null;
  const solid = SHAPES[ink] === "solid";
  const before = isFilled(ink) ? BEFORE_PX.filled : BEFORE_PX.line;
  const text = wording(model, renderer, bar, ink, room - before - BEFORE_PX.filled);
  if (!text) return null;
  const letter = text.length === 1;
  return {
    text,
    xPx: letter ? left + room / 2 : left + before,
    yPx: box.y + box.height / 2 + 0.5,
    color: solid ? (palette.onInk[ink] ?? palette.text) : palette.text,
    small: true,
    align: letter ? "center" : "left",
    ...(solid ? {} : { behind: palette.background }),
  };
}

/** @param {number} ink */
const isFilled = (ink) => SHAPES[ink] === "solid" || SHAPES[ink] === "hatch";

/** A holder's name may be cut; the rest fall back to the state's letter. @param {Model} model @param {Renderer} renderer @param {BarRef} bar @param {number} ink @param {number} roomPx */
function wording(model, renderer, bar, ink, roomPx) {
  if (SHAPES[ink] === "bracket" || SHAPES[ink] === "cap") return "";
  const name = stateName(model, bar);
  for (const text of isFilled(ink) ? [name] : [shortText(model, bar), name]) {
    if (renderer.measure(text, true) <= roomPx) return text;
    if (ink >= Ink.HOLDER && roomPx > CUT_FROM_PX) return renderer.cut(text, roomPx);
  }
  return isFilled(ink) ? (STATES.get(bar.lane.stateOf(bar.index))?.letter ?? "?") : "";
}
