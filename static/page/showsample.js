// @ts-check
/** An experiment's sample on its page, before the first run. */
import { t } from "../common/i18n.js";
import { call, Problem } from "./api.js";
import { sampleLabel } from "./sample.js";
import { tellFacts } from "./tellfacts.js";

/** The sample stands where the run will be. @param {import("./runpage.js").RunPage} page */
export async function showSample(page) {
  const { sample, missing } = page.experiment;
  if (page.run || page.state === "sample") return;
  page.setState("sample");
  const { model } = page;
  try {
    await page.feed.loadFile(sample.url);
    if (model !== page.model) return;
    page.status.sample(sampleLabel(sample), missing ?? []);
    page.drawn();
    page.timeline.fit();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return page.status.broken(t(error.status === 0 ? "status.offline" : "status.broken"), error.message);
  }
  await tellFacts(page, async () => (await call(sample.facts_url)).json(), { id: "", parameters: sample.parameters });
}
