// @ts-check
/** When to draw: at most once a frame, everything only when it has changed, and never so often that the page has no time for anything else. */

/** A scene that takes longer than this leaves the page pauses while a run is live. */
const QUICK_MS = 6;

export class Frames {
  #frame = 0;
  #stale = true;
  #sceneMs = 0;

  /** @param {(nowMs: number) => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  /** Asks for a frame in which everything is drawn. */
  all() {
    this.#stale = true;
    this.request();
  }

  /** Without a reason to draw the bars anew, a frame only moves what lies over them. */
  request() {
    this.#frame ||= requestAnimationFrame((nowMs) => {
      this.#frame = 0;
      this.draw(nowMs);
    });
  }

  /** Draws the scene if something has changed, or if it is wanted anyway. @param {boolean} anyway @param {() => void} draw */
  scene(anyway, draw) {
    if (!this.#stale && !anyway) return;
    const startMs = performance.now();
    this.#stale = false;
    draw();
    this.#sceneMs = performance.now() - startMs;
  }

  /** The next frame of something that moves by itself; after a slow scene the page gets time for everything else first. */
  goOn() {
    if (this.#sceneMs < QUICK_MS) this.request();
    else setTimeout(() => this.request(), 2 * this.#sceneMs);
  }
}
