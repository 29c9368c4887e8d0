// @ts-check
/** Play, pause, speed and step by scheduling event: the controls of the timeline's cursor, and the panels that go along with it. */
import { need } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { SPEEDS } from "../timeline/cursor.js";
import { lineAt } from "../timeline/events.js";
import { stepEvent, togglePlay } from "../timeline/replay.js";

/** @typedef {import("../timeline/timeline.js").Timeline} Timeline */

/**
 * @param {Timeline} timeline
 * @param {{source: import("./source.js").SourcePanel, output: import("./output.js").OutputPanel}} panels
 */
export function installReplay(timeline, { source, output }) {
  const { cursor } = timeline;
  const play = need("#play");
  const speed = /** @type {HTMLSelectElement} */ (need("#speed"));
  for (const one of SPEEDS) speed.add(new Option(`${one}×`, String(one), one === 1, one === 1));
  play.addEventListener("click", () => togglePlay(timeline));
  need("#event-back").addEventListener("click", () => stepEvent(timeline, -1));
  need("#event-next").addEventListener("click", () => stepEvent(timeline, 1));
  speed.addEventListener("change", () => cursor.setSpeed(Number(speed.value)));
  cursor.subscribe(({ tNs, playing, speed: now }) => {
    play.dataset.action = playing ? "pause" : "play";
    play.setAttribute("aria-label", t(playing ? "replay.pause" : "replay.play"));
    play.title = `${t(playing ? "replay.pause" : "replay.play")} (${t("replay.space")})`;
    speed.value = String(now);
    document.body.classList.toggle("looks-back", tNs !== null);
    output.showUntil(tNs);
    if (tNs !== null) source.light(lineAt(timeline.model, tNs, timeline.selected));
  });
}

/** The next faster or slower of the speeds. @param {Timeline} timeline @param {1 | -1} by */
export function changeSpeed({ cursor }, by) {
  const next = SPEEDS[SPEEDS.indexOf(cursor.speed) + by];
  if (next !== undefined) cursor.setSpeed(next);
}
