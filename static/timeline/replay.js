// @ts-check
/** What the cursor can do on a timeline: play through it, and go from one scheduling event to the next. No DOM. */
import { isOfBroker } from "./broker.js";
import { eventFrom } from "./events.js";
import { messageTimeFrom } from "./messages.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** Plays from the cursor on, or stands still; at the end it begins anew. @param {Timeline} timeline */
export function togglePlay({ cursor, edge, view }) {
  const atEnd = cursor.tNs !== null && cursor.tNs >= edge.ns && !edge.live;
  if (!cursor.playing && atEnd) cursor.move(0);
  cursor.play(!cursor.playing, Math.max(0, view.startNs));
}

/** To the next or previous scheduling event, which is selected; while a lane of the broker is selected, to its next or previous message. @param {Timeline} timeline @param {1 | -1} by */
export function stepEvent(timeline, by) {
  const { cursor, selected, model } = timeline;
  const atNs = cursor.tNs ?? (by > 0 ? Math.max(0, timeline.view.startNs) : timeline.edge.ns);
  if (selected && isOfBroker(selected.lane)) {
    const tNs = messageTimeFrom(model, atNs, selected.lane, by);
    if (tNs !== null) goTo(timeline, { lane: selected.lane, index: Math.max(0, selected.lane.indexAt(tNs)) }, tNs);
    return;
  }
  const here = selected && selected.lane.startOf(selected.index) === atNs ? selected.lane.id : -1;
  const bar = eventFrom(model, atNs, here, by);
  if (bar) goTo(timeline, bar, bar.lane.startOf(bar.index));
}

/** @param {Timeline} timeline @param {import("./describe.js").BarRef} bar @param {number} tNs */
function goTo(timeline, bar, tNs) {
  timeline.cursor.play(false);
  timeline.cursor.move(tNs);
  timeline.select(bar);
  timeline.camera.keepInSight(tNs);
  if (timeline.rows.of(bar.lane)) timeline.scrollTo(bar.lane);
}
