// @ts-check
/** The clipboard, where the browser lets us. */
import { make } from "./dom.js";

/** The clipboard needs a secure page; a lecture room's plain http has only the old way. @param {string} text @param {HTMLElement} [near] where a field may stand: inside an open dialog, which keeps the focus */
export async function copy(text, near = document.body) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { class: "off-screen", "aria-hidden": "true" }, text);
    near.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
