// @ts-check
/** The whole run in one strip above the plot, with the stretch in sight framed: what to drag to be somewhere else. */
import { t } from "../common/i18n.js";
import { overviewOf, OVERVIEW_COLUMNS } from "./overview.js";
import { Batch, CanvasRenderer } from "./paint/canvas.js";
import { STACK } from "./paint/crowd.js";
import { Ink } from "./paint/inks.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./viewport.js").View} View */

/** Waiting would outweigh everything else: what is shown is who ran, and who could have. */
const SHOWN = STACK.filter((ink) => ink !== Ink.WAITING && ink !== Ink.IDLE && ink !== Ink.GAP);
const SHADE = 0.35;
const KEY_PART = 0.1;
/** A live run's glance is taken again after so many times what it took to take it. */
const PATIENCE = 40;

export class Minimap {
  #base = document.createElement("canvas");
  #frame = document.createElement("canvas");
  #drawn = "";
  #version = -1;
  #againMs = 0;
  #timer = 0;
  /** @type {Float64Array[]} */
  #counts = [];
  #endNs = 1;
  /** @type {import("./paint/palette.js").Palette | null} */
  #palette = null;

  /** @param {HTMLElement} root @param {(startNs: number) => void} onMoved the view is to begin there @param {() => void} onLate it is to be drawn again */
  constructor(root, onMoved, onLate) {
    this.root = root;
    this.onMoved = onMoved;
    this.onLate = onLate;
    this.view = { startNs: 0, spanNs: 1, widthPx: 1 };
    root.replaceChildren(this.#base, this.#frame);
    for (const [name, value] of Object.entries({ role: "slider", tabindex: "0", "aria-label": t("timeline.minimap"), "aria-valuemin": "0" })) root.setAttribute(name, value);
    this.base = new CanvasRenderer(this.#base);
    this.over = new CanvasRenderer(this.#frame);
    this.#listen();
  }

  #listen() {
    let graspPx = 0;
    const at = (/** @type {PointerEvent} */ event) => event.clientX - this.root.getBoundingClientRect().left;
    this.root.addEventListener("pointerdown", (event) => {
      const [fromPx, toPx] = this.#sight();
      // Outside the frame a press brings its middle there.
      graspPx = at(event) >= fromPx && at(event) <= toPx ? at(event) - fromPx : (toPx - fromPx) / 2;
      this.root.setPointerCapture(event.pointerId);
      this.#moveTo(at(event) - graspPx);
    });
    this.root.addEventListener("pointermove", (event) => {
      if (this.root.hasPointerCapture(event.pointerId)) this.#moveTo(at(event) - graspPx);
    });
    this.root.addEventListener("keydown", (event) => {
      const by = event.key === "ArrowRight" ? KEY_PART : event.key === "ArrowLeft" ? -KEY_PART : 0;
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.onMoved(this.view.startNs + by * this.view.spanNs);
    });
  }

  /** @param {number} fromPx */
  #moveTo(fromPx) {
    this.onMoved((fromPx / this.#widthPx) * this.#endNs);
  }

  get #widthPx() {
    return Math.max(this.root.clientWidth, 1);
  }

  /** The stretch in sight, in pixels. @returns {[number, number]} */
  #sight() {
    const scale = this.#widthPx / this.#endNs;
    return [this.view.startNs * scale, (this.view.startNs + this.view.spanNs) * scale];
  }

  /** @param {Model} model @param {View} view @param {number} edgeNs @param {import("./paint/palette.js").Palette} palette @param {number} scale */
  draw(model, view, edgeNs, palette, scale) {
    this.view = view;
    this.#endNs = Math.max(edgeNs, 1);
    this.#look(model, edgeNs);
    const key = `${this.#version} ${this.#widthPx} ${scale} ${Math.round(this.#sight()[0] * 4)} ${Math.round(this.#sight()[1] * 4)} ${palette.background}${palette.text}`;
    if (key === this.#drawn || this.root.clientHeight === 0) return;
    const [before] = this.#drawn.split(" ", 1);
    const sameBase = before === String(this.#version) && this.#drawn.split(" ").slice(1, 3).join() === `${this.#widthPx},${scale}` && this.#drawn.endsWith(palette.background + palette.text);
    this.#drawn = key;
    this.#use(palette);
    if (!sameBase) this.#drawBase(scale);
    this.#drawFrame(palette, scale);
    this.root.setAttribute("aria-valuenow", String(Math.round((view.startNs / this.#endNs) * 100)));
    this.root.setAttribute("aria-valuemax", "100");
  }

  /** Making its patterns costs more than a frame has. @param {import("./paint/palette.js").Palette} palette */
  #use(palette) {
    if (palette === this.#palette) return;
    this.#palette = palette;
    for (const renderer of [this.base, this.over]) renderer.usePalette(palette);
  }

  /** @param {Model} model @param {number} edgeNs */
  #look(model, edgeNs) {
    const nowMs = performance.now();
    if (this.#version === model.version) return;
    if (!model.derived.overview && nowMs < this.#againMs) return this.#lookLater(this.#againMs - nowMs);
    this.#version = model.version;
    this.#counts = model.derived.overview ?? overviewOf(model, edgeNs);
    this.#againMs = nowMs + (performance.now() - nowMs) * PATIENCE;
  }

  /** No frame may come by itself: what has come is not left undrawn. @param {number} waitMs */
  #lookLater(waitMs) {
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0;
      this.onLate();
    }, waitMs);
  }

  /** @param {number} scale */
  #drawBase(scale) {
    const [width, height] = [this.#widthPx, this.root.clientHeight];
    this.base.begin(width, height, scale);
    const shown = SHOWN.map((ink) => ({ ink, counts: this.#counts[STACK.indexOf(ink)] }));
    let most = 0;
    for (let i = 0; i < OVERVIEW_COLUMNS; i++) most = Math.max(most, shown.reduce((sum, { counts }) => sum + (counts?.[i] ?? 0), 0));
    if (!most) return;
    const bottoms = new Float64Array(OVERVIEW_COLUMNS).fill(height);
    for (const { ink, counts } of shown) {
      const tops = bottoms.map((bottom, i) => bottom - ((counts?.[i] ?? 0) / most) * (height - 2));
      this.base.drawArea(ink, bottoms, tops, OVERVIEW_COLUMNS, width / OVERVIEW_COLUMNS);
      bottoms.set(tops);
    }
  }

  /** @param {import("./paint/palette.js").Palette} palette @param {number} scale */
  #drawFrame(palette, scale) {
    const [width, height] = [this.#widthPx, this.root.clientHeight];
    const [from, to] = this.#sight();
    this.over.begin(width, height, scale);
    if (from <= 0 && to >= width) return;
    const [shade, lines] = [new Batch(), new Batch()];
    const [left, right] = [Math.max(from, 0), Math.min(Math.max(to, from + 2), width)];
    shade.push(0, 0, left, height);
    shade.push(right, 0, width - right, height);
    lines.push(left, 0, left, height);
    lines.push(right, 0, right, height);
    this.over.drawRects(palette.strongRule, shade, SHADE);
    this.over.drawLines(palette.accent, lines, 2);
  }
}
