// @ts-check
/** The facts of what is shown: asked of the server, which makes them of the whole recording, and told beside it. */
import { mayCancel, Problem } from "./api.js";

/** @typedef {import("../recording/model.js").Model} Recording */
/** @typedef {{model: Recording, facts: import("../facts/panel.js").FactsPanel, lesson: import("./lesson.js").Lesson, status: import("./status.js").StatusLine}} Shown the run page, as far as it is needed here */

/**
 * Nothing is told where something else is shown by the time they come.
 * @param {Shown} page @param {() => Promise<Record<string, any> | null>} ask null where there are none
 * @param {{id: string, parameters: Record<string, unknown>}} run `id` is "" for the sample
 */
export async function tellFacts(page, ask, { id, parameters }) {
  const { model } = page;
  page.facts.expect();
  try {
    const facts = await ask();
    if (model !== page.model) return;
    if (!facts) return page.facts.clear();
    page.facts.show(model, facts);
    const kept = id !== "" && mayCancel(id) && model.end?.outcome === "finished";
    page.lesson.tell({ id, parameters, wallNs: facts.wall_ns }, kept);
    if (facts.deadlock) page.status.deadlock();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (model === page.model) page.facts.missing(error.detail || error.title);
  }
}
