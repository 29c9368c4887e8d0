// @ts-check
/** What belongs to the place on the timeline that is pointed at: the details of a bar with its line of the script, and a time into sight. */
import { endOf } from "../timeline/viewport.js";
import { showDetails } from "./details.js";

/** @typedef {import("../timeline/timeline.js").Timeline} Timeline */

/** @param {Timeline} timeline @param {import("../recording/model.js").Model} model @param {import("./source.js").SourcePanel} source @param {import("../timeline/describe.js").BarRef | null} bar */
export function showBar(timeline, model, source, bar) {
  showDetails(timeline, bar);
  const detail = bar && model.detail(/** @type {number} */ (bar.lane.detail.data[bar.index]));
  const ours = detail && detail.file !== "" && detail.file === model.header?.script?.path;
  source.light(ours ? detail.line : 0);
}

/** @param {Timeline} timeline @param {number} tNs */
export function showTime(timeline, tNs) {
  const { view } = timeline;
  const half = view.spanNs / 2;
  const inSight = tNs > view.startNs && tNs < endOf(view);
  if (!inSight) timeline.showRange(tNs - half, tNs + half);
  timeline.point(tNs);
}
