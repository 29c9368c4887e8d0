// @ts-check
/** A key's or a button's step through the picture. */

const PAN = 0.12;
const ZOOM = 1.35;

/** @param {import("./timeline.js").Timeline} timeline @param {"left" | "right" | "in" | "out" | "up" | "down"} move */
export function moveBy(timeline, move) {
  const stepPx = timeline.view.widthPx * PAN;
  if (move === "in" || move === "out") timeline.zoom(move === "in" ? ZOOM : 1 / ZOOM);
  else if (move === "up" || move === "down") timeline.pan(0, (move === "up" ? 2 : -2) * timeline.palette.heights.rowPx);
  else timeline.pan(move === "left" ? stepPx : -stepPx);
}
