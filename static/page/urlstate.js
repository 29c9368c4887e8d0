// @ts-check
/** What the address says: language and parameters in the query, the visible stretch of time in the hash. */

/** @typedef {{startNs: number, endNs: number}} Range */

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

/** `#t=1.5-2.25` in seconds, with every digit. @param {string} hash @returns {Range | null} */
export function rangeOf(hash) {
  const match = /^#t=(-?[\d.]+)-([\d.]+)$/.exec(hash);
  if (!match) return null;
  const [startNs, endNs] = [Number(match[1]) * 1e9, Number(match[2]) * 1e9];
  return endNs > startNs ? { startNs, endNs } : null;
}

/** @param {Range | null} range */
export const hashOf = (range) => (range ? `#t=${seconds(range.startNs)}-${seconds(range.endNs)}` : "");

/** @param {number} ns */
const seconds = (ns) => (ns / 1e9).toFixed(9).replace(/\.?0+$/, "");

/** Writes the range a moment after it has come to rest; browsers refuse too many changes. */
export class RangeKeeper {
  #timer = 0;

  /** @param {Range | null} range */
  keep(range) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const hash = hashOf(range);
      if (hash !== location.hash) history.replaceState(history.state, "", location.pathname + location.search + hash);
    }, 400);
  }
}
