// @ts-check
/** The run page: an experiment before its run, the run while it goes on, and what it left. */
import { need } from "../common/dom.js";
import { isFile } from "../common/enclosed.js";
import { t } from "../common/i18n.js";
import { FactsPanel } from "../facts/panel.js";
import { Timeline } from "../timeline/timeline.js";
import { TopologyPanel } from "../topology/panel.js";
import { restoreView, viewStateOf } from "../timeline/kept.js";
import { stateOf } from "../timeline/viewstate.js";
import { bindings } from "./benchkeys.js";
import { fetchFacts, Problem } from "./api.js";
import { compare, pressRun, share } from "./asking.js";
import { installButtons } from "./buttons.js";
import { isTaught, joinClass } from "./classroom.js";
import { Feed } from "./feed.js";
import { installFrame } from "./frame.js";
import { inFrontOf } from "./keys.js";
import { Lesson } from "./lesson.js";
import { OutputPanel } from "./output.js";
import { ParameterForm } from "./parameters.js";
import { showBar, showTime } from "./pointed.js";
import { installReplay } from "./replay.js";
import { isGoing, showRunButton } from "./runbutton.js";
import { SearchBox } from "./searchbox.js";
import { showSample } from "./showsample.js";
import { SourcePanel } from "./source.js";
import { StatusLine } from "./status.js";
import { tellFacts } from "./tellfacts.js";
import { Teaching, teachingBindings } from "./teaching.js";
import { onRestyled } from "./theme.js";
import { keepParameters, pathWith, ViewKeeper, withView } from "./urlstate.js";

/** @typedef {import("./live.js").Status} Status */

/** Why a recording cannot be had, by what the server answers; 0 where there is no answer. @type {Record<number, string>} */
const UNREADABLE = { 0: "status.offline", 410: "status.gone" };

export class RunPage {
  feed = new Feed({
    onGrown: () => this.#grown(),
    onStatus: (status) => this.#hear(status),
    onConnection: (connection) => this.#connected(connection),
    onBroken: (message) => this.#broken("status.broken", message),
  });
  /** "" before there is one */
  run = "";
  headerShown = false;
  /** Why the recording could not be read. */
  #fault = "";
  /** Where the address says to look; null once one does. */
  wanted = stateOf(location.hash);

  /** @param {Record<string, any>} page */
  constructor(page) {
    this.lang = page.lang;
    this.state = page.run?.state ?? "idle"; // whoever teaches begins where the run stands
    this.experiment = page.experiment;
    this.name = page.run?.name ?? "";
    this.retentionDays = page.retention_days ?? 0;
    this.status = new StatusLine(need("#status"));
    this.source = new SourcePanel(need("#source"));
    this.output = new OutputPanel(need("#output"), (tNs) => showTime(this.timeline, tNs));
    this.button = /** @type {HTMLButtonElement} */ (need("#run"));
    const values = page.parameters ?? page.run?.parameters ?? {};
    this.form = new ParameterForm(need("#parameters"), this.experiment?.parameters ?? [], values, () => {
      this.lesson.suit();
      this.#keepParameters();
    });
    this.lesson = new Lesson({
      experiment: this.experiment,
      lang: this.lang,
      form: this.form,
      runAtStart: Boolean(page.run),
      onSample: () => void this.showSample(),
      onParameters: () => this.#keepParameters(),
    });
    this.timeline = this.#newTimeline();
    this.keeper = new ViewKeeper(() => viewStateOf(this.timeline));
    this.search = new SearchBox(this.timeline);
    this.topology = new TopologyPanel(need("#topology"), this.timeline);
    installReplay(this.timeline, this);
    this.facts = new FactsPanel(need("#facts"), {
      onVisit: (place) => this.timeline.visit(place),
      onPointed: (lane) => this.timeline.light(lane),
      onOpened: () => {},
    });
    installButtons(this);
    onRestyled(() => {
      this.timeline.restyle();
      this.topology.look();
    });
    this.teaching = new Teaching(this);
    this.teacher = joinClass(this);
    if (page.run) this.#open(page.run);
    else this.#showIdle();
  }

  get model() {
    return this.feed.model;
  }

  #newTimeline() {
    return new Timeline(need("#timeline"), this.model, {
      onSelected: (bar) => showBar(this.timeline, this.model, this.source, bar),
      onEdge: (edgeNs) => {
        this.status.elapsed(edgeNs);
        this.topology.look();
      },
      onFollowing: (following) => (need("#follow").hidden = following || this.state !== "running"),
      onViewed: () => {
        this.keeper?.keep();
        this.topology?.look();
        this.teacher?.changed();
      },
    });
  }

  #keepParameters() {
    if (!this.run) keepParameters(this.form.values, this.lang);
  }

  // --- before the run

  #showIdle() {
    this.setState("idle");
    this.source.show(this.experiment?.source ?? "");
    const missing = this.experiment?.missing ?? [];
    if (missing.length) this.status.lacking(missing);
    else this.status.idle();
    if (this.lesson.begin() && !isTaught()) void this.showSample();
  }

  showSample() {
    return showSample(this);
  }

  toggleAbout() {
    this.lesson.toggle();
  }

  press() {
    return pressRun(this);
  }

  /** Another run of this experiment, which somebody else began. @param {string} run @param {string} search of its address */
  watch(run, search) {
    history.replaceState({}, "", `/runs/${run}${search}`);
    this.restart(run);
  }

  share() {
    share(this);
  }

  compare() {
    compare(this);
  }

  // --- a run

  /** @param {string} run */
  restart(run) {
    this.feed.restart();
    this.wanted = null;
    this.headerShown = false;
    this.timeline.replaceModel(this.model);
    this.output.clear();
    this.facts.clear();
    this.lesson.restart();
    this.timeline.select(null);
    this.run = run;
    this.setState("queued");
    this.feed.follow(run);
  }

  /** @param {Record<string, any>} run */
  #open(run) {
    this.run = run.id;
    this.lesson.open(false);
    if (run.state === "queued" || run.state === "running") {
      this.setState(run.state);
      this.feed.follow(run.id);
    } else void this.#load(run);
  }

  /** @param {import("./live.js").Connection} connection */
  #connected(connection) {
    if (connection === "reconnecting" || connection === "refused" || connection === "gone") this.timeline.edge.stop();
    this.status.connection(connection);
  }

  #grown() {
    if (this.state === "running" && !this.timeline.edge.live && this.model.header) this.timeline.edge.start();
    this.drawn();
    if (this.wanted && this.model.stateCount) this.#lookAsWanted();
  }

  /** What has come is shown. */
  drawn() {
    if (!this.headerShown && this.model.header) {
      this.headerShown = true;
      this.source.show(this.model.header.script?.source ?? this.experiment?.source ?? "");
      this.status.observers(this.model.header.observers ?? {});
    }
    this.output.draw(this.model.output);
    this.timeline.requestDraw();
    this.topology.look();
    this.#sayEmpty();
  }

  /** @param {Status} status */
  #hear(status) {
    if (status.state === "finished" || status.state === "interrupted") return this.#ended(status);
    this.setState(status.state);
    if (status.state === "running" && this.model.header) {
      this.timeline.edge.start();
      if (status.now_ns) this.timeline.edge.reach(status.now_ns - this.model.header.t0_ns);
    }
    this.status.going(status);
    this.timeline.requestDraw();
  }

  /** @param {{state: string, outcome: string | null, end?: Record<string, any> | null}} run */
  #ended(run) {
    this.timeline.edge.stop();
    this.setState(run.state);
    if (this.timeline.camera.following !== "none") this.timeline.fit();
    const end = this.model.end ?? run.end ?? null;
    const outcome = end?.outcome ?? run.outcome ?? "interrupted";
    this.status.ended(outcome, end, isFile() ? null : () => withView(pathWith(`/runs/${this.run}`, this.lang), viewStateOf(this.timeline)));
    this.lesson.reveal();
    this.drawn();
    if (this.model.header) void tellFacts(this, () => fetchFacts(this.run), { id: this.run, parameters: this.model.header.parameters ?? {} });
  }

  /** @param {Record<string, any>} run */
  async #load(run) {
    this.setState("loading");
    try {
      await this.feed.load(run.id);
    } catch (error) {
      if (!(error instanceof Problem)) return this.#broken("status.broken", error instanceof Error ? error.message : String(error));
      if (error.status !== 404) return this.#broken(UNREADABLE[error.status] ?? "status.broken", error.message);
      this.source.show(this.experiment?.source ?? "");
    }
    this.timeline.refresh();
    this.#ended(/** @type {any} */ (run));
    if (run.end && !this.model.end) this.#broken("status.torn");
    this.#lookAsWanted();
  }

  /** The recording cannot be had, or not to its end. @param {string} word that says why, as of the catalogue @param {string} [message] */
  #broken(word, message = "") {
    this.timeline.edge.stop();
    this.#fault = word;
    this.setState("failed");
    this.status.broken(t(word), message);
  }

  #lookAsWanted() {
    const { wanted } = this;
    this.wanted = null;
    if (wanted) restoreView(this.timeline, wanted);
  }

  /** @param {string} state */
  setState(state) {
    this.state = state;
    document.body.dataset.state = state;
    this.form.disabled = isGoing(state);
    showRunButton(state, this.run, this.experiment);
    need("#follow").hidden = state !== "running" || this.timeline?.camera.following !== "none";
    this.#sayEmpty();
    if (state === "queued" || state === "starting") this.status.waiting(state);
    if (state === "loading") this.status.loading();
  }

  /** An empty picture says why it is empty. */
  #sayEmpty() {
    const note = need("#timeline-empty");
    note.hidden = this.state === "idle" || this.state === "sample" || this.model.stateCount > 0;
    const words = { finished: "timeline.nothing", interrupted: "timeline.nothing", failed: this.#fault, loading: "status.loading" };
    note.textContent = t(words[/** @type {keyof typeof words} */ (this.state)] ?? "timeline.waiting");
  }
}

/** @type {RunPage | null} */
let page = null;
const given = await installFrame(() => page ? inFrontOf([...teachingBindings(page.teaching), ...(page.teacher?.bindings ?? [])], bindings(page)) : []);
page = new RunPage(given);
// Going back to the experiment, or on to another run, is a page of its own.
addEventListener("popstate", () => location.reload());
