// @ts-check
/** What the drawing needs of a finished recording beside the recording itself, made before it is first drawn. No DOM. */
import { MANY, Families } from "./families.js";
import { overviewOf } from "./overview.js";
import { Pyramid } from "./paint/lod.js";

/** Shorter lanes are drawn bar by bar. */
const LONG_LANE = 2000;

/** @param {import("../recording/model.js").Model} model @returns {import("../recording/pack.js").Derived} */
export function prepare(model) {
  const long = model.lanes.filter(({ length }) => length > LONG_LANE);
  const families = new Families();
  const all = model.lanes.filter(({ children }) => children.length > MANY).flatMap((parent) => families.of(parent).families);
  return {
    pyramids: new Map(long.map((lane) => [lane.id, new Pyramid(model, lane).pack()])),
    crowds: new Map(all.map(({ key, crowd }) => [key, crowd.pack()])),
    overview: overviewOf(model, model.lastNs),
  };
}
