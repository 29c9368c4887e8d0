// @ts-check
/** What the cursor can do on a timeline: play through it, and go from one scheduling event to the next. No DOM. */
import { eventFrom } from "./events.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** Plays from the cursor on, or stands still; at the end it begins anew. @param {Timeline} timeline */
export function togglePlay({ cursor, edge, view }) {
  const atEnd = cursor.tNs !== null && cursor.tNs >= edge.ns && !edge.live;
  if (!cursor.playing && atEnd) cursor.move(0);
  cursor.play(!cursor.playing, Math.max(0, view.startNs));
}

/** To the next or previous scheduling event, which is selected. @param {Timeline} timeline @param {1 | -1} by */
export function stepEvent(timeline, by) {
  const { cursor, selected, model } = timeline;
  const atNs = cursor.tNs ?? (by > 0 ? Math.max(0, timeline.view.startNs) : timeline.edge.ns);
  const here = selected && selected.lane.startOf(selected.index) === atNs ? selected.lane.id : -1;
  const bar = eventFrom(model, atNs, here, by);
  if (!bar) return;
  cursor.play(false);
  cursor.move(bar.lane.startOf(bar.index));
  timeline.select(bar);
  timeline.camera.keepInSight(bar.lane.startOf(bar.index));
  if (timeline.rows.of(bar.lane)) timeline.scrollTo(bar.lane);
}
