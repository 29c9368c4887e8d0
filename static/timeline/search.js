// @ts-check
/** Finds lanes by their name, and bars by their state, what they waited for, their place in the script or what was printed. No DOM. */
import { STATES } from "../generated/records.js";
import { markWords } from "./marks.js";
import { laneName, plain } from "./describe.js";
import { t } from "../common/i18n.js";

/** @typedef {import("../recording/model.js").Model} Model */
/** @typedef {import("./describe.js").BarRef} BarRef */

/** Nobody goes through more than this one by one. */
export const MOST_FOUND = 10_000;

/** In order of time. @param {Model} model @param {string} text @returns {BarRef[]} */
export function find(model, text) {
  const wanted = text.trim().toLocaleLowerCase();
  if (!wanted) return [];
  const has = (/** @type {string} */ one) => one.toLocaleLowerCase().includes(wanted);
  const states = new Uint8Array(256);
  for (const [number, spec] of STATES) if (has(t(`state.${spec.key}`)) || has(spec.key)) states[number] = 1;
  const details = matchingDetails(model, has);
  /** @type {BarRef[]} */
  const found = [];
  for (const lane of model.lanes) {
    if (!lane.length) continue;
    if (has(laneName(lane))) found.push({ lane, index: 0 });
    for (const mark of lane.marks) if (has(plain(markWords(mark)))) found.push({ lane, index: Math.max(0, lane.indexAt(mark.t)) });
    const [state, detail] = [lane.state.data, lane.detail.data];
    for (let index = 0; index < lane.length && found.length < MOST_FOUND; index++) {
      if (states[state[index] ?? 0] || details[detail[index] ?? 0]) found.push({ lane, index });
    }
    if (found.length >= MOST_FOUND) break;
  }
  const starts = new Map(found.map((bar) => [bar, bar.lane.startOf(bar.index)]));
  return unique(found.sort((a, b) => (starts.get(a) ?? 0) - (starts.get(b) ?? 0) || a.lane.id - b.lane.id));
}

/** @param {Model} model @param {(text: string) => boolean} has @returns {Uint8Array} 1 for the details that say it */
function matchingDetails(model, has) {
  const { text, file, line } = model.details;
  const strings = model.strings.map(has);
  const matching = new Uint8Array(model.detailCount);
  for (let i = 1; i < matching.length; i++) {
    const name = model.strings[file.data[i] ?? 0] ?? "";
    matching[i] = strings[text.data[i] ?? 0] || (name && has(`${name.slice(name.lastIndexOf("/") + 1)}:${line.data[i]}`)) ? 1 : 0;
  }
  return matching;
}

/** @param {BarRef[]} bars sorted */
const unique = (bars) => bars.filter((bar, i) => bar.lane !== bars[i - 1]?.lane || bar.index !== bars[i - 1]?.index);
