// @ts-check
/** The one button: run, cancel, run again; and whether it can be pressed. */
import { need } from "../common/dom.js";
import { isFile } from "../common/enclosed.js";
import { t } from "../common/i18n.js";
import { mayCancel } from "./api.js";

/** In these states a run goes on, or is about to. @param {string} state */
export const isGoing = (state) => state === "queued" || state === "running" || state === "starting";

/** @param {string} state of the page @param {string} run "" before there is one @param {Record<string, any> | null} experiment */
export function showRunButton(state, run, experiment) {
  const button = /** @type {HTMLButtonElement} */ (need("#run"));
  const going = isGoing(state);
  const lacking = (state === "sample" || state === "idle") && experiment?.missing?.length > 0;
  button.dataset.action = going ? "cancel" : "run";
  button.disabled = lacking || state === "starting" || (going && !mayCancel(run));
  button.hidden = isFile() || !experiment || (going && state !== "starting" && !mayCancel(run));
  need("#run-label").textContent = t(going ? "run.cancel" : run ? "run.again" : "run.start");
}
