// @ts-check
/** Two runs on one time axis, aligned at their start: whoever looks at a stretch of one looks at the same stretch of the other. */
import { copy } from "../common/clipboard.js";
import { make, need } from "../common/dom.js";
import { duration, grouped, percent } from "../common/format.js";
import { t } from "../common/i18n.js";
import { outcomeText } from "../common/outcome.js";
import { differences, ratio } from "../facts/difference.js";
import { Model } from "../recording/model.js";
import { RecordingReader } from "../recording/reader.js";
import { facts as factsOf } from "../timeline/describe.js";
import { moveBy } from "../timeline/moves.js";
import { Timeline } from "../timeline/timeline.js";
import { heading, table } from "../timeline/tooltip.js";
import { endOf } from "../timeline/viewport.js";
import { call, fetchBytes, fetchFacts, fetchRecording, Problem } from "./api.js";
import { valueTexts } from "./conditions.js";
import { installFrame } from "./frame.js";
import { isGoing } from "./runbutton.js";
import { onRestyled } from "./theme.js";
import { pathWith } from "./urlstate.js";

/** @typedef {import("../facts/difference.js").Difference} Difference */

class Side {
  model = new Model();
  reader = new RecordingReader(this.model);

  /** @param {"left" | "right"} name @param {Record<string, any>} run @param {string} lang @param {ComparePage} page */
  constructor(name, run, lang, page) {
    this.run = run;
    this.root = need(`#timeline-${name}`);
    this.about = need(".compared-about", this.root);
    /** @type {HTMLAnchorElement} */ (need(".compared-title", this.root)).href = pathWith(run.url, lang);
    this.timeline = new Timeline(this.root, this.model, {
      onSelected: (bar) => page.select(this, bar),
      onEdge: () => {},
      onFollowing: () => {},
      onViewed: () => page.viewed(this),
    });
  }

  /** @returns {Promise<Record<string, any> | null>} */
  async facts() {
    return this.run.sample ? (await call(this.run.sample.facts_url)).json() : fetchFacts(this.run.id);
  }

  async load() {
    this.about.textContent = t("status.loading");
    const take = (/** @type {Uint8Array} */ data) => this.reader.gather(data);
    await (this.run.sample ? fetchBytes(this.run.sample.url, take) : fetchRecording(this.run.id, take));
    await this.reader.finish();
    this.timeline.edge.stop();
    this.timeline.requestDraw();
    const outcome = this.model.end?.outcome ?? this.run.outcome ?? "interrupted";
    const how = isGoing(this.run.state) ? t("compare.going") : outcomeText(outcome, this.model.end);
    this.about.textContent = [...valueTexts(this.run.parameters, this.run.asks), how, duration(this.model.lastNs)].join(" · ");
  }

  /** @param {unknown} error why there is nothing to see @returns {false} */
  broken(error) {
    if (!(error instanceof Error)) throw error;
    this.about.replaceChildren(make("span", { class: "status-message" }, whyNot(error)));
    return false;
  }
}

class ComparePage {
  #following = false;
  /** Both runs are there to be looked at. */
  ready = false;

  /** @param {Record<string, any>} page */
  constructor(page) {
    this.page = page;
    this.left = new Side("left", page.left, page.lang, this);
    this.right = new Side("right", page.right, page.lang, this);
    need("#fit").addEventListener("click", () => this.fit());
    need("#swap").addEventListener("click", () => location.assign(this.#address(page.right.id, page.left.id)));
    need("#copy-link").addEventListener("click", async ({ currentTarget }) => {
      const label = need("span", /** @type {HTMLElement} */ (currentTarget));
      label.textContent = t((await copy(this.#address(page.left.id, page.right.id))) ? "share.copied" : "share.failed");
    });
    onRestyled(() => this.sides.forEach((side) => side.timeline.restyle()));
    void this.#load();
  }

  get sides() {
    return [this.left, this.right];
  }

  /** @param {string} left @param {string} right */
  #address(left, right) {
    return new URL(`/compare?left=${left}&right=${right}&lang=${this.page.lang}`, location.href).href;
  }

  async #load() {
    document.body.dataset.state = "loading";
    const there = await Promise.all(this.sides.map((side) => side.load().then(() => true, (error) => side.broken(error))));
    const horizonNs = Math.max(...this.sides.map((side) => side.model.lastNs));
    for (const side of this.sides) side.timeline.horizonNs = horizonNs;
    this.ready = true;
    this.fit();
    if (there.every(Boolean)) await this.#showDifference().catch((error) => this.#noDifference(error));
    document.body.dataset.state = there.every(Boolean) ? "finished" : "failed";
  }

  fit() {
    for (const side of this.sides) side.timeline.fit();
  }

  /** @param {Side} side the one that was moved */
  viewed(side) {
    if (this.#following || !this.ready) return;
    const { view, camera } = side.timeline;
    const other = (side === this.left ? this.right : this.left).timeline;
    const same = other.view.startNs === view.startNs && other.view.spanNs === view.spanNs;
    if (camera.following !== "none" || same) return;
    this.#following = true;
    other.showRange(view.startNs, endOf(view));
    this.#following = false;
  }

  /** @param {Side} side @param {import("../timeline/describe.js").BarRef | null} bar */
  select(side, bar) {
    const mark = make("span", { class: "compared-mark" }, side === this.left ? "A" : "B");
    need("#details").replaceChildren(...(bar ? [mark, heading(side.model, bar), table(factsOf(side.model, bar, side.timeline.edge.ns))] : []));
  }

  /** @param {unknown} error */
  #noDifference(error) {
    if (!(error instanceof Problem)) throw error;
    need("#difference").replaceChildren(make("p", { class: "status-message" }, whyNot(error)));
  }

  async #showDifference() {
    const [left, right] = await Promise.all(this.sides.map((side) => side.facts()));
    if (!left || !right) return;
    const cells = (/** @type {string[]} */ words) => words.map((word) => make("th", { scope: "col" }, word));
    const head = make("thead", {}, make("tr", {}, ...cells([t("compare.fact"), "A", "B", t("compare.ratio")])));
    need("#difference").replaceChildren(make("table", {}, head, make("tbody", {}, ...differences(left, right).map(rowOf))));
  }

  /** @returns {import("./keys.js").Binding[]} */
  get bindings() {
    const both = (/** @type {"left" | "right" | "in" | "out"} */ move) => () => moveBy(this.left.timeline, move);
    return [
      { keys: ["w", "+", "="], shown: "W +", key: "zoomIn", act: both("in") },
      { keys: ["s", "-"], shown: "S -", key: "zoomOut", act: both("out") },
      { keys: ["a", "arrowleft"], shown: "A ←", key: "left", act: both("left") },
      { keys: ["d", "arrowright"], shown: "D →", key: "right", act: both("right") },
      { keys: ["0"], shown: "0", key: "fit", act: () => this.fit() },
      { keys: ["escape"], shown: "Esc", key: "unselect", act: () => this.sides.forEach((side) => side.timeline.select(null)) },
    ];
  }
}

/** @param {Error} error */
function whyNot(error) {
  if (!(error instanceof Problem)) return `${t("status.broken")} ${error.message}`;
  return error.status === 0 ? t("status.offline") : error.message;
}

/** @type {Record<import("../facts/difference.js").Unit, (value: number) => string>} */
const SAID = { time: duration, share: percent, count: grouped, number: (value) => value.toFixed(2) };

/** @param {Difference} difference */
function rowOf(difference) {
  const said = (/** @type {number | null} */ value) => (value === null ? t("facts.absent") : SAID[difference.unit](value));
  const times = ratio(difference);
  return make(
    "tr",
    { "data-fact": difference.key },
    make("th", { scope: "row" }, t(`compare.facts.${difference.key}`)),
    make("td", {}, said(difference.left)),
    make("td", {}, said(difference.right)),
    make("td", {}, times === null ? "–" : `× ${times >= 100 ? Math.round(times) : times.toPrecision(3)}`),
  );
}

/** @type {ComparePage | null} */
let page = null;
const given = await installFrame(() => page?.bindings ?? []);
page = new ComparePage(given);
