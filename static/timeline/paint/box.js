// @ts-check
/** Where in its row a lane's bars lie: below the flags, if there are any. No DOM. */

/** @param {import("../rowlist.js").Row} row @param {number} y the row's top @param {import("./palette.js").Palette} palette */
export function barBox({ heightPx, flagsPx }, y, palette) {
  const insetPx = Math.min(Math.max(2, Math.round(palette.heights.rowPx * 0.14)), Math.round(heightPx * 0.18));
  return { y: Math.round(y + flagsPx + insetPx), height: Math.round(heightPx - flagsPx - 2 * insetPx) };
}
