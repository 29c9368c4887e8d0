// @ts-check
/** Between the projector's page and its presenter window: a channel of their own, by a number that both know. */

/** This tab's number; it stays the same from page to page. */
export function presenterId() {
  const kept = sessionStorage.getItem("presenter");
  const id = kept ?? crypto.getRandomValues(new Uint32Array(2)).join("");
  if (!kept) sessionStorage.setItem("presenter", id);
  return id;
}

/** @param {string} id */
export const channel = (id) => new BroadcastChannel(`schedscope-presenter-${id}`);
