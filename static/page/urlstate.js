// @ts-check
/** What the address says: language and parameters in the query, where one looks in the hash (timeline/viewstate.js). */
import { hashOf } from "../timeline/viewstate.js";

/** A page's address with the language kept. @param {string} path @param {string} lang */
export const pathWith = (path, lang) => `${path}?lang=${lang}`;

/** This very place in the other language: a run that began in this page, parameters and all. @param {HTMLAnchorElement} link whose hreflang names it */
export function keepPlace(link) {
  link.addEventListener("click", () => {
    const url = new URL(location.href);
    url.searchParams.set("lang", link.hreflang.slice(0, 2));
    link.href = url.href;
  });
}

/** @param {Record<string, unknown>} values @param {string} lang */
export function keepParameters(values, lang) {
  const url = new URL(location.href);
  url.search = "";
  url.searchParams.set("lang", lang);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, String(value));
  history.replaceState(history.state, "", url);
}

/** The whole address of a page at this very view. @param {string} path @param {import("../timeline/viewstate.js").ViewState} state */
export const withView = (path, state) => new URL(path + hashOf(state), location.href).href;

/** Writes where one looks into the address a moment after it has come to rest; browsers refuse too many changes. Until then the page says `data-moving`. */
export class ViewKeeper {
  #timer = 0;

  /** @param {() => import("../timeline/viewstate.js").ViewState} state */
  constructor(state) {
    this.state = state;
  }

  keep() {
    clearTimeout(this.#timer);
    document.body.dataset.moving = "";
    this.#timer = window.setTimeout(() => {
      delete document.body.dataset.moving;
      const hash = hashOf(this.state());
      if (hash !== location.hash) history.replaceState(history.state, "", location.pathname + location.search + hash);
    }, 400);
  }
}
