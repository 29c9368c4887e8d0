// @ts-check
/** The edge between names and plot, which can be dragged, or moved with the arrow keys; a double click puts it back. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";

const LEAST_PX = 80;
const STEP_PX = 24;

/** @param {HTMLElement} root of the timeline, which gets the width @param {HTMLElement} names @param {() => void} onResized */
export function resizable(root, names, onResized) {
  const edge = make("div", { class: "names-edge", role: "separator", "aria-orientation": "vertical", "aria-label": t("timeline.namesWidth"), title: t("timeline.namesWidth"), tabindex: 0 });
  const say = () => {
    edge.setAttribute("aria-valuemin", String(LEAST_PX));
    edge.setAttribute("aria-valuemax", String(Math.round(Math.max(root.clientWidth * 0.6, LEAST_PX))));
    edge.setAttribute("aria-valuenow", String(Math.round(names.getBoundingClientRect().width)));
  };
  const widen = (/** @type {number} */ widthPx) => {
    const most = root.clientWidth * 0.6;
    root.style.setProperty("--names", `${Math.round(Math.min(Math.max(widthPx, LEAST_PX), most))}px`);
    onResized();
    say();
  };
  edge.addEventListener("pointerdown", (event) => {
    edge.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  edge.addEventListener("pointermove", (event) => {
    if (edge.hasPointerCapture(event.pointerId)) widen(event.clientX - names.getBoundingClientRect().left);
  });
  edge.addEventListener("dblclick", () => {
    root.style.removeProperty("--names");
    onResized();
  });
  edge.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowRight" ? STEP_PX : event.key === "ArrowLeft" ? -STEP_PX : 0;
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    widen(names.getBoundingClientRect().width + by);
  });
  names.after(edge);
  new ResizeObserver(say).observe(names);
  say();
}
