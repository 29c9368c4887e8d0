// @ts-check
/** The keys of the run page. */
import { t } from "../common/i18n.js";
import { moveBy } from "../timeline/moves.js";
import { stepEvent, togglePlay } from "../timeline/replay.js";
import { changeSpeed } from "./replay.js";

/** @param {{timeline: import("../timeline/timeline.js").Timeline, press: () => Promise<void>, toggleAbout: () => void, share: () => void, compare: () => void, facts: import("../facts/panel.js").FactsPanel, search: import("./searchbox.js").SearchBox}} page @returns {import("./keys.js").Binding[]} */
export function bindings(page) {
  const { timeline } = page;
  return [
    { keys: ["r"], shown: "R", key: "run", act: () => void page.press() },
    { keys: ["w", "+", "="], shown: "W +", key: "zoomIn", act: () => moveBy(timeline, "in") },
    { keys: ["s", "-"], shown: "S -", key: "zoomOut", act: () => moveBy(timeline, "out") },
    { keys: ["a", "arrowleft"], shown: "A ←", key: "left", act: () => moveBy(timeline, "left") },
    { keys: ["d", "arrowright"], shown: "D →", key: "right", act: () => moveBy(timeline, "right") },
    { keys: ["arrowup"], shown: "↑", key: "up", act: () => moveBy(timeline, "up") },
    { keys: ["arrowdown"], shown: "↓", key: "down", act: () => moveBy(timeline, "down") },
    { keys: ["0", "f"], shown: "0 F", key: "fit", act: () => timeline.fit() },
    { keys: ["g"], shown: "G", key: "waker", act: () => timeline.followWaker() },
    { keys: [" "], shown: t("replay.space"), key: "play", act: () => togglePlay(timeline) },
    { keys: ["["], shown: "[", key: "eventBack", act: () => stepEvent(timeline, -1) },
    { keys: ["]"], shown: "]", key: "eventNext", act: () => stepEvent(timeline, 1) },
    { keys: ["<"], shown: "<", key: "slower", act: () => changeSpeed(timeline, -1) },
    { keys: [">"], shown: ">", key: "faster", act: () => changeSpeed(timeline, 1) },
    { keys: ["/"], shown: "/", key: "find", act: () => page.search.open() },
    { keys: ["n"], shown: "N", key: "findNext", act: () => page.search.go(1) },
    { keys: ["b"], shown: "B", key: "findPrevious", act: () => page.search.go(-1) },
    { keys: ["i"], shown: "I", key: "pin", act: () => timeline.pin() },
    { keys: ["l"], shown: "L", key: "live", act: () => timeline.followEdge() },
    { keys: [","], shown: ",", key: "previous", act: () => timeline.step(-1) },
    { keys: ["."], shown: ".", key: "next", act: () => timeline.step(1) },
    { keys: ["q"], shown: "Q", key: "about", act: () => page.toggleAbout() },
    { keys: ["t"], shown: "T", key: "facts", act: () => page.facts.open(!page.facts.isOpen) },
    { keys: ["h"], shown: "H", key: "share", act: () => page.share() },
    { keys: ["c"], shown: "C", key: "compare", act: () => page.compare() },
    { keys: ["escape"], shown: "Esc", key: "unselect", act: () => timeline.select(null) },
  ];
}
