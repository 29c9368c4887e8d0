// @ts-check
/** The page's words: one catalogue per language in `static/i18n/`, nested by room, asked for by "room.word". */

import { enclosed } from "./enclosed.js";

/** @typedef {{[key: string]: string | Texts}} Texts */

/** @type {Map<string, string>} */
let texts = new Map();
let language = "en";

/** @param {Texts} nested @param {string} [prefix] @returns {[string, string][]} */
export function flat(nested, prefix = "") {
  return Object.entries(nested).flatMap(([key, value]) => (typeof value === "string" ? [/** @type {[string, string]} */ ([prefix + key, value])] : flat(value, `${prefix}${key}.`)));
}

/** @param {string} lang @param {Texts} nested */
export function use(lang, nested) {
  language = lang;
  texts = new Map(flat(nested));
}

/** Fetches the page's language. @param {string} lang */
export async function load(lang) {
  const here = enclosed("words");
  if (here !== null) return use(lang, JSON.parse(here));
  // Where they are the page's head says: it asks for them before any script does.
  const link = /** @type {HTMLLinkElement} */ (document.querySelector("link#words"));
  const answer = await fetch(link.href);
  use(lang, await answer.json());
}

/** The text of a key with `{name}` replaced; a key without a text shows itself. @param {string} key @param {Record<string, string | number>} [values] */
export function t(key, values = {}) {
  const text = texts.get(key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** As `t`, in pieces: the text between the places, and each place by its name, for whoever puts more than text there. @param {string} key @returns {(string | {name: string})[]} */
export function tParts(key) {
  return (texts.get(key) ?? key).split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? { name: piece } : piece)).filter((piece) => piece !== "");
}

/** Is there a text of that key? @param {string} key */
export const has = (key) => texts.has(key);

export const lang = () => language;

/** A text that came in both languages. @param {{zh: string, en: string} | null | undefined} both */
export const pick = (both) => (both ? (language === "zh" ? both.zh : both.en) : "");
