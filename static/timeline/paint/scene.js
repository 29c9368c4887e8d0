// @ts-check
/** One frame of the plot: axis, rows, marks, arrows, in this order, through the renderer. */
import { LaneKind } from "../../generated/records.js";
import { axis } from "../axis.js";
import { hasStrip } from "../rowlist.js";
import { timeToPx } from "../viewport.js";
import { arrowsIn } from "./arrows.js";
import { Bars } from "./bars.js";
import { barBox } from "./box.js";
import { Batch } from "./canvas.js";
import { drawCounter, drawDensity } from "./areas.js";
import { drawFlags } from "./flags.js";
import { holderInk, holderOf, INKS, Ink, SHAPES, showsHolder } from "./inks.js";
import { label } from "./labels.js";

/** @typedef {import("../../recording/model.js").Model} Model */
/** @typedef {import("../../recording/lane.js").Lane} Lane */
/** @typedef {import("../viewport.js").View} View */
/** @typedef {import("../rowlist.js").Row} Row */
/** @typedef {import("./canvas.js").CanvasRenderer} Renderer */
/** @typedef {import("./canvas.js").Text} Text */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {{view: View, rows: import("../rows.js").Rows, heightPx: number, edgeNs: number, live: boolean, palette: Palette, lit: Lane | null}} Frame `lit` is the thread that stands out where threads take turns; `heightPx` the plot's, its axis included */

const LETTER_PX = 15;
const GAP_PX = 1;
/** How much is left of what is not lit. */
export const DIMMED = 0.3;

export class Scene {
  #bars;
  #batches = Array.from({ length: INKS }, () => new Batch());
  #traces = Array.from({ length: INKS }, () => new Batch());
  #dimmed = Array.from({ length: INKS }, () => new Batch());
  /** @type {Text[]} */
  #texts = [];
  /** Arrows in sight that were too many to draw. */
  hiddenArrows = false;

  /** @param {Model} model @param {Renderer} renderer */
  constructor(model, renderer) {
    this.model = model;
    this.renderer = renderer;
    this.#bars = new Bars(model);
  }

  /** @param {Frame} frame */
  draw(frame) {
    const { view, palette, heightPx, rows } = frame;
    const { axisPx } = palette;
    const visible = rows.visible;
    this.#grid(frame, [...visible.pinned, ...visible.rows]);
    this.#band(frame, visible.rows, rows.fromPx, heightPx);
    if (visible.pinned.length) this.#band(frame, visible.pinned, axisPx, rows.fromPx);
    this.renderer.inside(0, axisPx, view.widthPx, heightPx - axisPx, () => {
      this.#reset();
      this.#runMarks(frame);
      const { batch, grave, more } = arrowsIn(frame, this.model);
      this.hiddenArrows = more;
      this.renderer.drawArrows(palette.flow, batch, 5);
      this.renderer.drawArrows(palette.error, grave, 7, 2);
      this.#edge(frame);
      this.renderer.drawTexts(this.#texts);
    });
    this.#drawAxis(frame);
  }

  /** Rows between two heights of the plot: those that scroll, or those that are pinned. @param {Frame} frame @param {Row[]} rows @param {number} fromPx @param {number} toPx */
  #band(frame, rows, fromPx, toPx) {
    this.#reset();
    this.renderer.inside(0, fromPx, frame.view.widthPx, toPx - fromPx, () => {
      this.#drawRows(frame, rows);
      this.#drawMarks(frame, rows);
      this.renderer.drawTexts(this.#texts);
    });
  }

  #reset() {
    for (const batch of this.#batches) batch.length = 0;
    for (const batch of [...this.#traces, ...this.#dimmed]) batch.length = 0;
    this.#texts = [];
  }

  /** @param {Frame} frame @param {Row[]} rows */
  #grid(frame, rows) {
    const { view, palette } = frame;
    const lines = new Batch();
    for (const { tNs, label } of axis(view, 110).ticks) {
      const x = Math.round(timeToPx(view, tNs)) + 0.5;
      if (label) lines.push(x, palette.axisPx, x, frame.heightPx);
    }
    rows.forEach((row, i) => {
      const y = Math.round(frame.rows.yOf(row) + row.heightPx) - 0.5;
      if (!hasStrip(rows, i) && (row.pinned || y >= frame.rows.fromPx)) lines.push(0, y, view.widthPx, y);
    });
    this.renderer.drawLines(palette.rule, lines);
  }

  // --- rows

  /** @param {Frame} frame @param {Row[]} rows */
  #drawRows(frame, rows) {
    const lanes = rows.filter((row) => row.kind === "lane");
    for (const row of lanes) this.#laneRow(frame, row, lanes.length);
    this.#dimmed.forEach((batch, ink) => this.renderer.drawRects(frame.palette.inks[ink] ?? "", batch, DIMMED));
    for (let ink = 0; ink < INKS; ink++) {
      const batch = /** @type {Batch} */ (this.#batches[ink]);
      if (batch.length) this.renderer.drawBars(ink, batch);
    }
    this.#traces.forEach((batch, ink) => this.renderer.drawRects(frame.palette.inks[ink] ?? "", batch));
    for (const row of rows) {
      const y = frame.rows.yOf(row);
      if (row.kind === "density") drawDensity(this.renderer, frame, row, y);
      else if (row.lane.counter) this.#texts.push(...drawCounter(this.renderer, frame, row.lane, barBox(row, y, frame.palette)));
    }
  }

  /** @param {Frame} frame @param {Row} row @param {number} lanes how many share the frame */
  #laneRow(frame, row, lanes) {
    const { lane } = row;
    const { palette } = frame;
    const box = barBox(row, frame.rows.yOf(row), palette);
    const edgeNs = lane.endNs(frame.edgeNs);
    const turns = frame.lit !== null && showsHolder(lane);
    this.#bars.draw(lane, frame.view, edgeNs, (ink, x, width, index, runner) => {
      const placed = this.#place(ink, x, width, box, palette);
      const dim = turns && !this.#isOf(frame.lit, lane, index, ink);
      (dim ? this.#dimmed : this.#batches)[ink]?.push(...placed);
      // What ran for the lesser part is still seen, lower than what ran throughout.
      if (runner !== Ink.NONE) (turns && !this.#isOf(frame.lit, lane, -1, runner) ? this.#dimmed : this.#traces)[runner]?.push(x, box.y + box.height * 0.3, Math.max(width, 1), box.height * 0.4);
      if (index < 0 || width < LETTER_PX || lane.kind === LaneKind.CPU) return;
      const text = label(this.model, this.renderer, frame, { lane, index }, ink, x, width, box);
      if (text) this.#texts.push(dim ? { ...text, color: palette.text } : text);
    }, lanes);
  }

  /** Is that bar of a core or GIL lane the thread's? Several drawn as one are known by their ink only. @param {Lane | null} thread @param {Lane} lane @param {number} index @param {number} ink */
  #isOf(thread, lane, index, ink) {
    return thread !== null && (index < 0 ? ink === holderInk(thread) : holderOf(this.model, lane, index) === thread);
  }

  /**
   * The rectangle of a bar by the shape of its ink.
   * @param {number} ink @param {number} x @param {number} width @param {{y: number, height: number}} box @param {Palette} palette
   * @returns {[number, number, number, number]}
   */
  #place(ink, x, width, { y, height }, palette) {
    const shown = width > 4 ? width - GAP_PX : Math.max(width, 1.25);
    const middle = y + height / 2;
    switch (SHAPES[ink]) {
      case "line":
        return [x, middle - palette.linePx / 2, shown, palette.linePx];
      case "hairline":
        return [x, middle - 0.5, shown, 1];
      case "bracket":
        return [x, middle - 3, shown, 6];
      case "cap":
        return [x, y + height * 0.15, 2, height * 0.7];
      default:
        return [x, y, shown, height];
    }
  }

  // --- marks and arrows

  /** @param {Frame} frame @param {Row[]} rows */
  #drawMarks(frame, rows) {
    const flags = { printed: new Batch(), grave: new Batch(), texts: this.#texts };
    for (const row of rows) {
      if (row.kind !== "lane" || !row.lane.marks.length) continue;
      drawFlags(frame, this.renderer, row.lane.marks, frame.rows.yOf(row), row.heightPx, flags);
    }
    this.#drawFlagBatches(frame, flags);
  }

  /** What happened to the run as a whole stands across all lanes. @param {Frame} frame */
  #runMarks(frame) {
    const flags = { printed: new Batch(), grave: new Batch(), texts: this.#texts };
    const { machine } = this.model;
    if (machine.marks.length) drawFlags(frame, this.renderer, machine.marks, frame.palette.axisPx, frame.heightPx - frame.palette.axisPx, flags);
    for (const text of this.#texts) text.behind = frame.palette.background;
    this.#drawFlagBatches(frame, flags);
  }

  /** @param {Frame} frame @param {{printed: Batch, grave: Batch}} flags */
  #drawFlagBatches(frame, flags) {
    this.renderer.drawRects(frame.palette.text, flags.printed, 0.75);
    this.renderer.drawRects(frame.palette.error, flags.grave);
  }

  /** Nothing is known to the right of the edge. @param {Frame} frame */
  #edge(frame) {
    const x = timeToPx(frame.view, frame.edgeNs);
    if (x < 0 || x > frame.view.widthPx) return;
    const line = new Batch();
    line.push(Math.round(x) + 0.5, frame.palette.axisPx, Math.round(x) + 0.5, frame.heightPx);
    this.renderer.drawLines(frame.live ? frame.palette.accent : frame.palette.strongRule, line, frame.live ? 2 : 1, frame.live ? [] : [2, 3]);
  }

  /** @param {Frame} frame */
  #drawAxis(frame) {
    const { view, palette } = frame;
    const { ticks, base } = axis(view, palette.labelPx * 8);
    const [small, large] = [new Batch(), new Batch()];
    /** @type {Text[]} */
    const texts = [];
    const baseWidth = base ? this.renderer.measure(base, true) + 16 : 0;
    for (const { tNs, label } of ticks) {
      const x = Math.round(timeToPx(view, tNs)) + 0.5;
      (label ? large : small).push(x, palette.axisPx - (label ? 7 : 4), x, palette.axisPx);
      const half = this.renderer.measure(label, true) / 2;
      const clear = base ? x - half > baseWidth + 4 : x >= 0;
      if (label && clear && x <= view.widthPx) texts.push({ text: label, xPx: Math.min(Math.max(x, half + 3), view.widthPx - half - 3), yPx: palette.axisPx / 2 - 1, color: palette.quiet, small: true, align: "center" });
    }
    if (base) texts.push({ text: base, xPx: 6, yPx: palette.axisPx / 2 - 1, color: palette.text, small: true });
    const bottom = new Batch();
    bottom.push(0, palette.axisPx - 0.5, view.widthPx, palette.axisPx - 0.5);
    this.renderer.drawLines(palette.rule, small);
    this.renderer.drawLines(palette.strongRule, large);
    this.renderer.drawLines(palette.strongRule, bottom);
    this.renderer.drawTexts(texts);
  }
}
