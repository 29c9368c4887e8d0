// @ts-check
/**
 * The renderer on Canvas 2D. Views hand it batches over typed arrays and know nothing of the canvas, so that another back end
 * can take its place.
 */
import { INKS, SHAPES } from "./inks.js";

/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {{text: string, xPx: number, yPx: number, color: string, small?: boolean, align?: CanvasTextAlign, behind?: string, maxPx?: number}} Text `behind` paints the ground under it */

/** Rectangles of one ink: x, y, width, height after one another. */
export class Batch {
  data = new Float32Array(256);
  length = 0;

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  push(x, y, width, height) {
    if (this.length + 4 > this.data.length) {
      const bigger = new Float32Array(2 * this.data.length);
      bigger.set(this.data);
      this.data = bigger;
    }
    this.data[this.length++] = x;
    this.data[this.length++] = y;
    this.data[this.length++] = width;
    this.data[this.length++] = height;
  }
}

export class CanvasRenderer {
  #context;
  /** @type {(CanvasPattern | string)[]} */
  #fills = [];
  /** @type {Palette | null} */
  #palette = null;
  #scale = 1;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser has no Canvas 2D");
    this.#context = context;
  }

  /** @param {Palette} palette */
  usePalette(palette) {
    this.#palette = palette;
    this.#fills = [];
    for (let ink = 0; ink < INKS; ink++) this.#fills.push(this.#fillOf(ink));
  }

  /** Starts a frame of that size in CSS pixels, empty. @param {number} widthPx @param {number} heightPx @param {number} scale device pixels per CSS pixel */
  begin(widthPx, heightPx, scale) {
    const [width, height] = [Math.round(widthPx * scale), Math.round(heightPx * scale)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${widthPx}px`;
      this.canvas.style.height = `${heightPx}px`;
    }
    if (scale !== this.#scale && this.#palette) {
      this.#scale = scale;
      this.usePalette(this.#palette);
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#context.clearRect(0, 0, widthPx, heightPx);
    this.#context.textBaseline = "middle";
  }

  /** Everything `draw` draws is kept inside the rectangle. @param {number} x @param {number} y @param {number} width @param {number} height @param {() => void} draw */
  inside(x, y, width, height, draw) {
    this.#context.save();
    this.#context.beginPath();
    this.#context.rect(x, y, width, height);
    this.#context.clip();
    draw();
    this.#context.restore();
  }

  /** Bars in an ink's own colour and pattern. @param {number} ink @param {Batch} batch */
  drawBars(ink, batch) {
    this.#context.fillStyle = this.#fills[ink] ?? "";
    this.#rects(batch);
    const patterned = SHAPES[ink] === "hatch" || SHAPES[ink] === "dots";
    const edge = patterned ? this.#palette?.inks[ink] : SHAPES[ink] === "solid" && this.#palette?.edges[ink];
    if (edge) this.#outline(ink, batch, edge);
  }

  /** Bars in one colour. @param {string} color @param {Batch} batch @param {number} [alpha] */
  drawRects(color, batch, alpha = 1) {
    this.#context.globalAlpha = alpha;
    this.#context.fillStyle = color;
    this.#rects(batch);
    this.#context.globalAlpha = 1;
  }

  /** @param {Batch} batch */
  #rects({ data, length }) {
    for (let i = 0; i < length; i += 4) {
      this.#context.fillRect(/** @type {number} */ (data[i]), /** @type {number} */ (data[i + 1]), /** @type {number} */ (data[i + 2]), /** @type {number} */ (data[i + 3]));
    }
  }

  /** Pale inks keep their shape on any ground by an edge. @param {number} ink @param {Batch} batch @param {string} color */
  #outline(ink, { data, length }, color) {
    const context = this.#context;
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.setLineDash(SHAPES[ink] === "dots" ? [2, 3] : []);
    context.beginPath();
    for (let i = 0; i < length; i += 4) {
      const width = /** @type {number} */ (data[i + 2]);
      if (width >= 3) context.rect(/** @type {number} */ (data[i]) + 0.5, /** @type {number} */ (data[i + 1]) + 0.5, width - 1, /** @type {number} */ (data[i + 3]) - 1);
    }
    context.stroke();
    context.setLineDash([]);
  }

  /**
   * A stepped area, one step each `columnPx`. Inks that are thin lines on a lane are a pale ground here, with their line on top:
   * a wait must not outshine what runs, however many wait.
   * @param {number} ink @param {ArrayLike<number>} bottoms @param {ArrayLike<number>} tops in pixels @param {number} columns @param {number} columnPx
   */
  drawArea(ink, bottoms, tops, columns, columnPx) {
    const context = this.#context;
    const pale = SHAPES[ink] === "line" || SHAPES[ink] === "hairline";
    context.fillStyle = this.#fills[ink] ?? "";
    context.globalAlpha = pale ? 0.28 : 1;
    context.beginPath();
    for (let i = 0; i < columns; i++) {
      const [bottom, top] = [/** @type {number} */ (bottoms[i]), /** @type {number} */ (tops[i])];
      if (bottom - top > 0.05) context.rect(i * columnPx, top, columnPx, bottom - top);
    }
    context.fill();
    context.globalAlpha = 1;
    if (pale) this.#ridge(ink, bottoms, tops, columns, columnPx);
  }

  /** The upper edge of an area. @param {number} ink @param {ArrayLike<number>} bottoms @param {ArrayLike<number>} tops @param {number} columns @param {number} columnPx */
  #ridge(ink, bottoms, tops, columns, columnPx) {
    const context = this.#context;
    context.strokeStyle = this.#palette?.inks[ink] ?? "";
    context.lineWidth = 1.5;
    context.beginPath();
    for (let i = 0; i < columns; i++) {
      const [bottom, top] = [/** @type {number} */ (bottoms[i]), /** @type {number} */ (tops[i])];
      const begins = i === 0 || /** @type {number} */ (bottoms[i - 1]) - /** @type {number} */ (tops[i - 1]) <= 0.05;
      if (bottom - top <= 0.05) continue;
      if (begins) context.moveTo(i * columnPx, top);
      else context.lineTo(i * columnPx, top);
      context.lineTo((i + 1) * columnPx, top);
    }
    context.stroke();
  }

  /** Straight lines: x1, y1, x2, y2 after one another. @param {string} color @param {Batch} batch @param {number} [widthPx] @param {number[]} [dash] */
  drawLines(color, { data, length }, widthPx = 1, dash = []) {
    const context = this.#context;
    context.strokeStyle = color;
    context.lineWidth = widthPx;
    context.setLineDash(dash);
    context.beginPath();
    for (let i = 0; i < length; i += 4) {
      context.moveTo(/** @type {number} */ (data[i]), /** @type {number} */ (data[i + 1]));
      context.lineTo(/** @type {number} */ (data[i + 2]), /** @type {number} */ (data[i + 3]));
    }
    context.stroke();
    context.setLineDash([]);
  }

  /** Arrows from (x1, y1) to (x2, y2) with a head at their end. @param {string} color @param {Batch} batch @param {number} headPx @param {number} [widthPx] */
  drawArrows(color, batch, headPx, widthPx = 1.25) {
    const context = this.#context;
    this.#curves(color, batch, widthPx);
    context.fillStyle = color;
    context.beginPath();
    for (let i = 0; i < batch.length; i += 4) {
      const [y1, x2, y2] = [/** @type {number} */ (batch.data[i + 1]), /** @type {number} */ (batch.data[i + 2]), /** @type {number} */ (batch.data[i + 3])];
      const back = y2 > y1 ? -headPx : headPx;
      context.moveTo(x2, y2);
      context.lineTo(x2 - headPx * 0.55, y2 + back);
      context.lineTo(x2 + headPx * 0.55, y2 + back);
    }
    context.fill();
  }

  /** @param {string} color @param {Batch} batch @param {number} widthPx */
  #curves(color, { data, length }, widthPx) {
    const context = this.#context;
    context.strokeStyle = color;
    context.lineWidth = widthPx;
    context.beginPath();
    for (let i = 0; i < length; i += 4) {
      const [x1, y1, x2, y2] = [/** @type {number} */ (data[i]), /** @type {number} */ (data[i + 1]), /** @type {number} */ (data[i + 2]), /** @type {number} */ (data[i + 3])];
      context.moveTo(x1, y1);
      if (Math.abs(x2 - x1) < 2) context.lineTo(x2, y2);
      else context.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
    }
    context.stroke();
  }

  /** @param {Text[]} texts */
  drawTexts(texts) {
    const context = this.#context;
    const palette = this.#palette;
    if (!palette) return;
    for (const { text, xPx, yPx, color, small, align, behind, maxPx } of texts) {
      context.font = small ? palette.smallFont : palette.font;
      context.textAlign = align ?? "left";
      const shown = maxPx === undefined ? text : this.cut(text, maxPx);
      if (!shown) continue;
      if (behind) {
        const width = context.measureText(shown).width;
        const left = align === "center" ? xPx - width / 2 : align === "right" ? xPx - width : xPx;
        context.fillStyle = behind;
        context.fillRect(left - 4, yPx - palette.smallPx * 0.7, width + 8, palette.smallPx * 1.4);
      }
      context.fillStyle = color;
      context.fillText(shown, xPx, yPx);
    }
  }

  /** Width of a text in CSS pixels. @param {string} text @param {boolean} [small] */
  measure(text, small = false) {
    this.#context.font = (small ? this.#palette?.smallFont : this.#palette?.font) ?? "";
    return this.#context.measureText(text).width;
  }

  /** As much of a text as fits, by the context's present font; nothing when not even a few letters would. @param {string} text @param {number} maxPx */
  cut(text, maxPx) {
    const whole = this.#context.measureText(text).width;
    if (whole <= maxPx) return text;
    const letters = [...text];
    const keep = Math.floor((letters.length * maxPx) / whole) - 1;
    return keep < 3 ? "" : `${letters.slice(0, keep).join("").trimEnd()}…`;
  }

  /** @param {number} ink @returns {CanvasPattern | string} */
  #fillOf(ink) {
    const color = this.#palette?.inks[ink] ?? "";
    if (SHAPES[ink] === "dots") return "transparent";
    return SHAPES[ink] === "hatch" ? this.#hatch(color) : color;
  }

  /** Diagonal stripes, drawn at the device's own resolution. @param {string} color */
  #hatch(color) {
    const size = Math.max(4, Math.round((this.#palette?.hatchPx ?? 6) * this.#scale));
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const context = tile.getContext("2d");
    if (!context) return color;
    context.globalAlpha = 0.22;
    context.fillStyle = color;
    context.fillRect(0, 0, size, size);
    context.globalAlpha = 1;
    context.strokeStyle = color;
    context.lineWidth = size * 0.34;
    context.beginPath();
    for (const shift of [-size, 0, size]) {
      context.moveTo(shift - 1, size + 1);
      context.lineTo(shift + size + 1, -1);
    }
    context.stroke();
    const pattern = this.#context.createPattern(tile, "repeat");
    pattern?.setTransform(new DOMMatrix().scale(1 / this.#scale));
    return pattern ?? color;
  }
}
