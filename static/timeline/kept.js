// @ts-check
/** What an address keeps of a timeline: where one looks, and how the rows are arranged. */
import { endOf } from "./viewport.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./viewstate.js").ViewState} ViewState */

/** @param {Timeline} timeline @returns {ViewState} */
export function viewStateOf({ view, selected, cursor, camera, scroller, rows }) {
  return {
    range: camera.following === "none" ? { startNs: view.startNs, endNs: endOf(view) } : null,
    selected: selected && { lane: selected.lane.id, index: selected.index },
    cursorNs: cursor.tNs,
    topPx: scroller.scrollTop,
    ...rows.arrangement.toTexts(),
  };
}

/** Looks as it was looked before. @param {Timeline} timeline @param {ViewState} state */
export function restoreView(timeline, state) {
  timeline.rows.arrange((arrangement) => arrangement.fromTexts(state));
  if (state.range) timeline.camera.show(state.range.startNs, state.range.endNs);
  const lane = timeline.model.lanes[state.selected?.lane ?? -1];
  if (lane && state.selected && state.selected.index < lane.length) timeline.select({ lane, index: state.selected.index });
  if (state.cursorNs !== null) timeline.cursor.move(state.cursorNs);
  timeline.layOut();
  timeline.scroller.scrollTop = state.topPx;
  timeline.requestDraw();
}
