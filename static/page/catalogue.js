// @ts-check
/** The catalogue: finding an experiment by a word of its title or note. The list itself comes from the server. */
import { need } from "../common/dom.js";
import { installFrame } from "./frame.js";

const field = /** @type {HTMLInputElement} */ (need("#find"));
await installFrame(() => [{ keys: ["/"], shown: "/", key: "find", act: () => field.focus() }]);

/** @type {HTMLElement[]} */
const entries = [...document.querySelectorAll(".entry")].filter((one) => one instanceof HTMLElement);

field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) entry.hidden = !words.every((word) => (entry.textContent ?? "").toLowerCase().includes(word));
  for (const topic of document.querySelectorAll(".topic")) {
    if (topic instanceof HTMLElement) topic.hidden = !topic.querySelector(".entry:not([hidden])");
  }
  need("#nothing").hidden = entries.some((entry) => !entry.hidden);
});
