// @ts-check
/** What pointer, wheel and fingers do to a timeline. */
import { threadOf } from "./hit.js";
import { listen } from "./input.js";
import { pxToTime } from "./viewport.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** Room on both sides of a bar that was zoomed to, as a part of its length. */
const MARGIN = 0.1;

/** @param {Timeline} timeline */
export function installPointing(timeline) {
  const { over, frames } = timeline;
  const barAt = (/** @type {number} */ x, /** @type {number} */ y) => timeline.rows.barAt(timeline.view, timeline.edge.ns, x, y);
  const hover = (/** @type {{x: number, y: number} | null} */ point) => {
    over.pointer = point;
    const bar = point && barAt(point.x, point.y);
    timeline.light(bar && threadOf(timeline.model, bar));
    frames.request();
  };
  listen(timeline.plot, {
    onPanned: (dx, dy) => timeline.pan(dx, dy),
    onZoomed: (factor, x) => timeline.zoom(factor, x),
    onHovered: (x, y) => hover({ x, y }),
    onLeft: () => hover(null),
    onClicked: (x, y) => {
      const row = timeline.rows.at(y);
      if (row?.kind === "density") timeline.fold(row, !row.open);
      else timeline.select(barAt(x, y));
    },
    onDoubleClicked: (x, y) => zoomTo(timeline, barAt(x, y)),
    onMeasured: (from, to) => {
      over.measure = from === to ? null : [pxToTime(timeline.view, from), pxToTime(timeline.view, to)];
      frames.request();
    },
    onScrubbed: (x) => timeline.cursor.move(Math.min(pxToTime(timeline.view, x), timeline.edge.ns)),
    scrubs: (y) => y < timeline.palette.axisPx,
  });
}

/** @param {Timeline} timeline @param {import("./describe.js").BarRef | null} bar */
function zoomTo(timeline, bar) {
  if (!bar) return;
  const [startNs, endNs] = [bar.lane.startOf(bar.index), bar.lane.endOf(bar.index, timeline.edge.ns)];
  const marginNs = (endNs - startNs) * MARGIN;
  timeline.showRange(startNs - marginNs, endNs + marginNs);
}
