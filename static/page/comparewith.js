// @ts-check
/** What a run is laid beside: the sample of its experiment, or one of the visitor's own runs of it. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { valueTexts } from "./conditions.js";
import { ownRuns } from "./history.js";
import { sampleLabel } from "./sample.js";

/** @typedef {{id: string, parameters: import("./parameters.js").Parameter[], sample?: import("./sample.js").Sample | null}} Experiment */

/** Year first, as a sample's date is written; Swedish is written so. @param {number} ms */
const momentText = (ms) => new Date(ms).toLocaleString("sv");

/** @param {HTMLDialogElement} dialog @param {{run: string, experiment: Experiment, lang: string}} shown */
export function openCompare(dialog, { run, experiment, lang }) {
  const link = (/** @type {string} */ left, /** @type {string} */ words, /** @type {string} */ about) =>
    make("li", {}, make("a", { href: `/compare?left=${left}&right=${run}&lang=${lang}` }, words), make("span", { class: "quiet" }, about));
  const own = ownRuns(experiment.id).filter(({ id }) => id !== run).reverse();
  const links = own.map(({ id, startedMs, parameters }) => link(id, startedMs ? momentText(startedMs) : id, valueTexts(parameters, experiment.parameters).join(" · ")));
  if (experiment.sample) links.unshift(link(`sample:${experiment.id}`, t("compare.theSample"), sampleLabel(experiment.sample)));
  const close = make("button", { class: "button", type: "button" }, t("keys.close"));
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(
    make("h2", {}, t("compare.with")),
    ...(links.length ? [make("ul", { class: "share-files compare-with" }, ...links)] : []),
    ...(own.length ? [] : [make("p", { class: "quiet" }, t("compare.none"))]),
    make("div", { class: "share-foot" }, close),
  );
  dialog.setAttribute("aria-label", t("compare.with"));
  dialog.showModal();
}
