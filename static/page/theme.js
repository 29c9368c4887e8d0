// @ts-check
/** Light and dark: the system's choice until the viewer makes one, which is kept. More contrast where the system asks for it. */
import { t } from "../common/i18n.js";
import { recall, remember } from "../common/kept.js";

export { recall, remember };

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const contrast = matchMedia("(prefers-contrast: more)");

/** @type {Set<() => void>} */
const listeners = new Set();

/** Called whenever colours or sizes have changed. @param {() => void} listener */
export const onRestyled = (listener) => void listeners.add(listener);

export function restyled() {
  for (const listener of listeners) listener();
}

/** @param {"light" | "dark"} theme */
function apply(theme) {
  root.dataset.theme = theme;
  restyled();
}

/** @param {HTMLElement} button */
export function installTheme(button) {
  const say = () => button.setAttribute("aria-label", t(root.dataset.theme === "dark" ? "page.toLight" : "page.toDark"));
  button.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("theme", theme);
    apply(theme);
    say();
  });
  system.addEventListener("change", () => {
    if (!recall("theme")) apply(system.matches ? "dark" : "light");
    say();
  });
  contrast.addEventListener("change", () => {
    if (contrast.matches) root.dataset.contrast = "more";
    else delete root.dataset.contrast;
    restyled();
  });
  say();
}
