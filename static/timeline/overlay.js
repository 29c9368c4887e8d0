// @ts-check
/** What moves over the plot without it being drawn anew: cursor line, hovered and selected bar, a measured stretch. */
import { duration } from "../common/format.js";
import { Batch, CanvasRenderer } from "./paint/canvas.js";
import { timeToPx } from "./viewport.js";

/** @typedef {import("./viewport.js").View} View */
/** @typedef {import("./describe.js").BarRef} BarRef */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/**
 * @typedef {object} Over
 * @property {View} view @property {number} heightPx @property {number} scale
 * @property {import("./paint/palette.js").Palette} palette
 * @property {number | null} pointedNs under the pointer @property {number | null} cursorNs the time that is looked at @property {number} fromPx where the rows that scroll begin
 * @property {BarRef | null} hovered @property {BarRef | null} selected
 * @property {(bar: BarRef) => Box | null} boxOf
 * @property {[number, number] | null} measure
 * @property {Box | null} arrow from (x, y) to (x + width, y + height): what woke the selected bar
 */

const HANDLE_PX = 9;

export class Overlay {
  #renderer;
  /** @type {import("./paint/palette.js").Palette | null} */
  #palette = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#renderer = new CanvasRenderer(canvas);
  }

  /** @param {Over} over */
  draw(over) {
    const { view, palette, heightPx } = over;
    if (palette !== this.#palette) this.#renderer.usePalette((this.#palette = palette));
    this.#renderer.begin(view.widthPx, heightPx, over.scale);
    if (over.measure) this.#measure(over, over.measure);
    this.#renderer.inside(0, palette.axisPx, view.widthPx, heightPx, () => {
      if (over.hovered) this.#frame(over.boxOf(over.hovered), palette.strongRule, 1);
      if (over.selected) this.#frame(over.boxOf(over.selected), palette.accent, 2);
      if (over.arrow) this.#arrow(over.arrow, palette.accent);
    });
    if (over.pointedNs !== null) this.#pointed(over, over.pointedNs);
    if (over.cursorNs !== null) this.#cursor(over, over.cursorNs);
  }

  /** @param {Box | null} box @param {string} color @param {number} widthPx */
  #frame(box, color, widthPx) {
    if (!box) return;
    const [left, right] = [Math.max(box.x - 1, -10), Math.min(box.x + box.width + 1, 20000)];
    const [top, bottom] = [box.y - 2, box.y + box.height + 2];
    const lines = new Batch();
    lines.push(left, top, right, top);
    lines.push(left, bottom, right, bottom);
    lines.push(left, top, left, bottom);
    lines.push(right, top, right, bottom);
    this.#renderer.drawLines(color, lines, widthPx);
  }

  /** @param {Box} arrow @param {string} color */
  #arrow({ x, y, width, height }, color) {
    const batch = new Batch();
    batch.push(x, y, x + width, y + height);
    this.#renderer.drawArrows(color, batch, 8, 2.5);
  }

  /** A line with a handle on the axis. @param {Over} over @param {number} cursorNs */
  #cursor({ view, heightPx, palette }, cursorNs) {
    const x = Math.round(timeToPx(view, cursorNs));
    if (x < -HANDLE_PX || x > view.widthPx + HANDLE_PX) return;
    const [line, handle] = [new Batch(), new Batch()];
    line.push(x, palette.axisPx - HANDLE_PX, x, heightPx);
    handle.push(x - HANDLE_PX / 2, palette.axisPx - HANDLE_PX - 2, HANDLE_PX, HANDLE_PX);
    this.#renderer.drawLines(palette.accent, line, 2);
    this.#renderer.drawRects(palette.accent, handle);
  }

  /** @param {Over} over @param {number} pointedNs */
  #pointed({ view, heightPx, palette }, pointedNs) {
    const x = Math.round(timeToPx(view, pointedNs)) + 0.5;
    const line = new Batch();
    line.push(x, palette.axisPx - 8, x, heightPx);
    this.#renderer.drawLines(palette.quiet, line, 1, [1, 3]);
  }

  /** @param {Over} over @param {[number, number]} measure */
  #measure({ view, heightPx, palette }, [a, b]) {
    const [left, right] = [timeToPx(view, Math.min(a, b)), timeToPx(view, Math.max(a, b))];
    const area = new Batch();
    area.push(left, palette.axisPx, right - left, heightPx);
    this.#renderer.drawRects(palette.accent, area, 0.12);
    const text = duration(Math.abs(b - a));
    this.#renderer.drawTexts([{ text, xPx: left + 8, yPx: heightPx - 18, color: palette.text, behind: palette.background }]);
  }
}
