// @ts-check
/** Projector mode: sizes and contrast for the last row of a lecture hall. The sizes are tokens of the style sheet. */
import { remember, restyled } from "./theme.js";

const root = document.documentElement;
const IDLE_MS = 2500;

export const isProjector = () => root.dataset.projector === "on";

export function toggleProjector() {
  if (isProjector()) delete root.dataset.projector;
  else root.dataset.projector = "on";
  remember("projector", isProjector() ? "on" : "off");
  restyled();
}

export function toggleFullscreen() {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void root.requestFullscreen?.().catch(() => {});
}

/** @param {HTMLElement} button */
export function installProjector(button) {
  const say = () => button.setAttribute("aria-pressed", String(isProjector()));
  button.addEventListener("click", () => {
    toggleProjector();
    say();
  });
  new MutationObserver(say).observe(root, { attributeFilter: ["data-projector"] });
  say();
  hideIdleCursor();
}

/** A pointer that lies on the picture for no reason is in the way. */
function hideIdleCursor() {
  let timer = 0;
  addEventListener("pointermove", () => {
    delete root.dataset.idle;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (isProjector()) root.dataset.idle = "on";
    }, IDLE_MS);
  });
}
