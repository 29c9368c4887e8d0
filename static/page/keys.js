// @ts-check
/** Keys of the whole page: one table, which the help dialog shows too. */
import { isControl, isTyping, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

/** @typedef {{keys: string[], shown: string, key: string, act: () => void}} Binding `keys` as KeyboardEvent.key in lower case; `shown` what the help says; `key` the word of its meaning */

/** @param {() => Binding[]} bindings asked at every key, because pages change */
export function installKeys(bindings) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    if (document.querySelector("dialog[open]")) return; // a dialog has the keys for itself, Escape above all
    if ((key === "enter" || key === " ") && isControl(event.target)) return;
    const binding = bindings().find(({ keys }) => keys.includes(key));
    if (!binding) return;
    event.preventDefault();
    binding.act();
  });
}

/** What a mode says of a key goes before what it means elsewhere. @param {Binding[]} first @param {Binding[]} rest @returns {Binding[]} */
export function inFrontOf(first, rest) {
  const taken = new Set(first.flatMap(({ keys }) => keys));
  const left = rest.map((binding) => ({
    ...binding,
    keys: binding.keys.filter((key) => !taken.has(key)),
    shown: binding.shown.split(" ").filter((_, i) => !taken.has(binding.keys[i] ?? "")).join(" "),
  }));
  return [...first, ...left.filter(({ keys }) => keys.length)];
}

/** @param {HTMLDialogElement} dialog @param {Binding[]} bindings */
export function showHelp(dialog, bindings) {
  const rows = bindings.flatMap(({ shown, key }) => (shown ? [make("dt", {}, ...shown.split(" ").map((one) => make("kbd", {}, one))), make("dd", {}, t(`keys.${key}`))] : []));
  const pointer = ["wheel", "shiftWheel", "drag", "shiftDrag", "doubleClick", "axis", "altArrows", "pinch"].flatMap((name) => [make("dt", {}, t(`keys.${name}Shown`)), make("dd", {}, t(`keys.${name}`))]);
  const close = make("button", { class: "button" }, t("keys.close"));
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(make("h2", {}, t("keys.title")), make("dl", { class: "keys" }, ...rows, ...(bindings.length > 4 ? pointer : [])), close);
  dialog.setAttribute("aria-label", t("keys.title"));
  dialog.showModal();
}
