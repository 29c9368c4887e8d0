// @ts-check
/** What every page has: language, theme, projector mode, keys. */
import { need, pageFacts } from "../common/dom.js";
import { load } from "../common/i18n.js";
import { installKeys, showHelp } from "./keys.js";
import { installProjector, isProjector, toggleFullscreen, toggleProjector } from "./projector.js";
import { installTheme } from "./theme.js";
import { keepPlace } from "./urlstate.js";

/** @typedef {import("./keys.js").Binding} Binding */

/**
 * Loads the language and installs the frame. `bindings` are the page's own keys.
 * @param {() => Binding[]} [bindings]
 */
export async function installFrame(bindings = () => []) {
  const facts = pageFacts();
  await load(facts.lang);
  keepPlace(/** @type {HTMLAnchorElement} */ (need("#language")));
  installTheme(need("#theme"));
  installProjector(need("#projector"));
  const dialog = /** @type {HTMLDialogElement} */ (need("#keys-dialog"));
  const all = () => [...bindings(), ...frameBindings(() => showHelp(dialog, all()))];
  installKeys(all);
  need("#keys").addEventListener("click", () => showHelp(dialog, all()));
  return facts;
}

/** @param {() => void} help @returns {Binding[]} */
function frameBindings(help) {
  const bindings = [
    { keys: ["p"], shown: "P", key: "projector", act: toggleProjector },
    { keys: ["?", "?"], shown: "?", key: "help", act: help },
  ];
  // While projecting, F is the clicker's full screen; else the timeline has taken it before.
  return isProjector() ? [...bindings, { keys: ["f"], shown: "F", key: "fullscreen", act: toggleFullscreen }] : bindings;
}
