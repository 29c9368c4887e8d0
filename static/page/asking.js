// @ts-check
/** What a visitor asks of the server from the run page: a run, its end, a link to it, another beside it. */
import { pick } from "../common/i18n.js";
import { endOf } from "../timeline/viewport.js";
import { cancelRun, Problem, startRun } from "./api.js";
import { openCompare } from "./comparewith.js";
import { openShare } from "./share.js";
import { pathWith } from "./urlstate.js";

/** @typedef {import("./runpage.js").RunPage} RunPage */

/** The one button: a run is started, or the one that goes on is ended. @param {RunPage} page */
export async function pressRun(page) {
  if (page.state === "starting") return;
  try {
    if (page.state === "queued" || page.state === "running") return await cancel(page);
    if (!page.experiment || !page.form.validate()) return;
    page.setState("starting");
    const run = await startRun(page.experiment.id, page.form.values);
    history.pushState({}, "", pathWith(run.url, page.lang));
    page.restart(run.id);
  } catch (error) {
    refused(page, error);
  }
}

/** @param {RunPage} page */
async function cancel(page) {
  page.button.disabled = true;
  try {
    await cancelRun(page.run);
  } finally {
    page.button.disabled = false;
  }
}

/** @param {RunPage} page @param {unknown} error */
function refused(page, error) {
  if (!(error instanceof Problem)) throw error;
  if (page.state === "starting") page.setState(page.run ? "finished" : "idle");
  const elsewhere = error.errors.filter(({ field, message }) => !page.form.refuse(field, message));
  page.status.problem(error, elsewhere);
}

/** @param {RunPage} page */
export function share(page) {
  const dialog = document.querySelector("#share-dialog");
  if (!(dialog instanceof HTMLDialogElement)) return;
  const { view } = page.timeline;
  const title = page.experiment ? pick(page.experiment.title) : page.name;
  openShare(dialog, { run: page.run, lang: page.lang, experiment: page.experiment?.id ?? "", title, parameters: page.form.values, view: { startNs: view.startNs, endNs: endOf(view) }, retentionDays: page.retentionDays });
}

/** @param {RunPage} page */
export function compare(page) {
  const dialog = document.querySelector("#compare-dialog");
  if (!(dialog instanceof HTMLDialogElement) || !page.run || !page.experiment) return;
  openCompare(dialog, { run: page.run, experiment: page.experiment, lang: page.lang });
}
