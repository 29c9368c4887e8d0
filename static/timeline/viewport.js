// @ts-check
/**
 * The visible stretch of time, and the maths between time and pixels. No DOM.
 *
 * Two spaces: `…Ns` is time in nanoseconds after the recording's start; `…Px` is CSS pixels from the plot's left edge.
 * A View is a value: every operation returns a new one. Differences are taken before anything is scaled, so that a
 * nanosecond late in a long run keeps its place.
 */

/** @typedef {{readonly startNs: number, readonly spanNs: number, readonly widthPx: number}} View */
/** @typedef {{readonly startNs: number, readonly endNs: number}} Bounds the stretch that exists */

/** Nothing observed is finer than this. */
export const LEAST_SPAN_NS = 200;
/** How much empty room may be seen beside what exists, as a part of the view. */
const OVERSCROLL = 0.25;
const MARGIN = 0.02;

/** @param {View} view @param {number} tNs */
export const timeToPx = (view, tNs) => ((tNs - view.startNs) * view.widthPx) / view.spanNs;

/** @param {View} view @param {number} xPx */
export const pxToTime = (view, xPx) => view.startNs + (xPx * view.spanNs) / view.widthPx;

/** How long a stretch of `widthPx` pixels is. @param {View} view @param {number} widthPx */
export const pxToSpan = (view, widthPx) => (widthPx * view.spanNs) / view.widthPx;

/** @param {View} view */
export const endOf = (view) => view.startNs + view.spanNs;

/** Everything, with a little room at both ends. @param {Bounds} bounds @param {number} widthPx @returns {View} */
export function fit(bounds, widthPx) {
  const spanNs = Math.max(bounds.endNs - bounds.startNs, LEAST_SPAN_NS);
  return { startNs: bounds.startNs - spanNs * MARGIN, spanNs: spanNs * (1 + 2 * MARGIN), widthPx };
}

/** A stretch of one's own, with a little room. @param {number} startNs @param {number} endNs @param {number} widthPx */
export const show = (startNs, endNs, widthPx) => fit({ startNs, endNs }, widthPx);

/** @param {View} view @param {number} dxPx content moves right by so many pixels @returns {View} */
export const pan = (view, dxPx) => ({ ...view, startNs: view.startNs - pxToSpan(view, dxPx) });

/**
 * The time under `xPx` stays under it; a factor over 1 shows less.
 * @param {View} view @param {number} factor @param {number} xPx @returns {View}
 */
export function zoomAt(view, factor, xPx) {
  const spanNs = Math.max(view.spanNs / factor, LEAST_SPAN_NS);
  const part = xPx / view.widthPx;
  return { ...view, startNs: view.startNs + part * (view.spanNs - spanNs), spanNs };
}

/** Keeps what exists in sight. @param {View} view @param {Bounds} bounds @returns {View} */
export function clamp(view, bounds) {
  const spanNs = Math.min(Math.max(view.spanNs, LEAST_SPAN_NS), fit(bounds, view.widthPx).spanNs);
  const roomNs = spanNs * OVERSCROLL;
  const latestNs = bounds.endNs + roomNs - spanNs;
  return { ...view, startNs: Math.min(Math.max(view.startNs, bounds.startNs - roomNs), latestNs), spanNs };
}

/** @param {View} view @param {number} widthPx @returns {View} */
export const resize = (view, widthPx) => ({ ...view, widthPx });

/** The shortest move that brings [startNs, endNs] into sight; shows less or more only when it must. @param {View} view @param {number} startNs @param {number} endNs @returns {View} */
export function reveal(view, startNs, endNs) {
  const lengthNs = endNs - startNs;
  if (lengthNs > view.spanNs || pxToTime(view, 2) > pxToTime(view, 0) + Math.max(lengthNs, LEAST_SPAN_NS / 10) * 40) {
    return show(startNs - lengthNs * 2, endNs + lengthNs * 2, view.widthPx);
  }
  if (startNs >= view.startNs && endNs <= endOf(view)) return view;
  return { ...view, startNs: startNs + lengthNs / 2 - view.spanNs / 2 };
}

/**
 * While a run is live and all of it is shown, the right end stands still at a round length and jumps when it is reached:
 * an eye can rest on a picture that does not shrink all the time.
 * @param {number} edgeNs @returns {number}
 */
export function roundLength(edgeNs) {
  const least = Math.max(edgeNs * 1.08, 2e8);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 1.5, 2, 3, 5, 7.5, 10].find((factor) => factor * power >= least) ?? 10;
  return step * power;
}
