// @ts-check
/** The run page's buttons, each given what it does. */
import { need } from "../common/dom.js";
import { moveBy } from "../timeline/moves.js";

/** @param {{timeline: import("../timeline/timeline.js").Timeline, press: () => Promise<void>, toggleAbout: () => void, share: () => void, compare: () => void}} page */
export function installButtons(page) {
  const { timeline } = page;
  /** @type {Record<string, () => void>} */
  const acts = {
    "#run": () => void page.press(),
    "#fit": () => timeline.fit(),
    "#zoom-in": () => moveBy(timeline, "in"),
    "#zoom-out": () => moveBy(timeline, "out"),
    "#follow": () => timeline.followEdge(),
    "#about-toggle": () => page.toggleAbout(),
    "#share": () => page.share(),
    "#compare": () => page.compare(),
  };
  for (const [css, act] of Object.entries(acts)) document.querySelector(css)?.addEventListener("click", act);
  need(".strip").addEventListener("submit", (event) => {
    event.preventDefault();
    void page.press();
  });
}
