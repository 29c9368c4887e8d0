// @ts-check
/** The line below the timeline about the selected bar: its times, its reason, and the way to what woke it. */
import { make, need } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { FlowKind } from "../generated/records.js";
import { facts, laneName } from "../timeline/describe.js";
import { heading, table } from "../timeline/tooltip.js";

/** @typedef {import("../timeline/describe.js").BarRef} BarRef */

/** @param {import("../timeline/timeline.js").Timeline} timeline @param {BarRef | null} bar */
export function showDetails(timeline, bar) {
  const details = need("#details");
  need("#details-empty").hidden = bar !== null;
  details.hidden = bar === null;
  if (bar) details.replaceChildren(heading(timeline.model, bar), table(facts(timeline.model, bar, timeline.edge.ns)), ...wokenBy(timeline));
}

/** @param {import("../timeline/timeline.js").Timeline} timeline */
function wokenBy(timeline) {
  const { waking } = timeline;
  if (!waking) return [];
  const button = make("button", { class: "number", id: "waker", type: "button", title: "G" }, laneName(waking.from.lane));
  button.addEventListener("click", () => timeline.followWaker());
  return [make("p", {}, make("span", { class: "quiet" }, `${t(waking.kind === FlowKind.SPAWN ? "bar.startedBy" : "bar.wokenBy")} `), button)];
}
