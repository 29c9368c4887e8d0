// @ts-check
/** The keys of the run page. */
import { isProjector } from "./projector.js";

/** @param {{timeline: import("../timeline/timeline.js").Timeline, press: () => Promise<void>, toggleAbout: () => void, share: () => void, facts: import("../facts/panel.js").FactsPanel}} page @returns {import("./keys.js").Binding[]} */
export function bindings(page) {
  const { timeline } = page;
  return [
    { keys: ["r"], shown: "R", key: "run", act: () => void page.press() },
    { keys: ["w", "+", "="], shown: "W +", key: "zoomIn", act: () => timeline.byKey("in") },
    { keys: ["s", "-"], shown: "S -", key: "zoomOut", act: () => timeline.byKey("out") },
    { keys: ["a", "arrowleft"], shown: "A ←", key: "left", act: () => timeline.byKey("left") },
    { keys: ["d", "arrowright"], shown: "D →", key: "right", act: () => timeline.byKey("right") },
    { keys: ["arrowup"], shown: "↑", key: "up", act: () => timeline.byKey("up") },
    { keys: ["arrowdown"], shown: "↓", key: "down", act: () => timeline.byKey("down") },
    { keys: ["0"], shown: "0", key: "fit", act: () => timeline.fit() },
    // While projecting, F is the clicker's full screen.
    { keys: isProjector() ? ["g"] : ["f", "g"], shown: isProjector() ? "G" : "F", key: "waker", act: () => timeline.followWaker() },
    { keys: ["l"], shown: "L", key: "live", act: () => timeline.followEdge() },
    { keys: [","], shown: ",", key: "previous", act: () => timeline.step(-1) },
    { keys: ["."], shown: ".", key: "next", act: () => timeline.step(1) },
    { keys: ["q"], shown: "Q", key: "about", act: () => page.toggleAbout() },
    { keys: ["t"], shown: "T", key: "facts", act: () => page.facts.open(!page.facts.isOpen) },
    { keys: ["h"], shown: "H", key: "share", act: () => page.share() },
    { keys: ["escape"], shown: "Esc", key: "unselect", act: () => timeline.select(null) },
  ];
}
