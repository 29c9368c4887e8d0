// @ts-check
/** What a page brings along when it is a file of its own and there is no server to ask (app/core/export/offline.py). */

/** @param {"words" | "recording" | "facts"} what @returns {string | null} its text, null on a page that has a server */
export const enclosed = (what) => document.querySelector(`#enclosed-${what}`)?.textContent ?? null;

/** Is this page such a file? */
export const isFile = () => enclosed("recording") !== null;

/** @param {string} base64 @returns {Uint8Array} */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
