// @ts-check
/** The line that says how the run stands: in the queue, live, how it ended, and where it can be found again. */
import { copy } from "../common/clipboard.js";
import { icon, make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { size } from "../common/format.js";
import { deadlockText, endPhrases, isGood, outcomeText, unobserved } from "../common/outcome.js";

/** @typedef {import("./live.js").Connection} Connection */
/** @typedef {import("./live.js").Status} Status */

const COPIED_MS = 1800;

export class StatusLine {
  #word = make("strong", { class: "status-word" });
  #rest = make("span", { class: "status-rest" });
  #elapsed = make("span", { class: "elapsed", "aria-hidden": "true" });
  /** @type {{outcome: string, end: Record<string, any> | null} | null} */
  #ended = null;
  #aside = make("span", { class: "status-aside" });

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    const dot = make("span", { class: "status-dot", "aria-hidden": "true" });
    root.replaceChildren(make("span", { class: "status-main", role: "status" }, dot, this.#word, this.#rest), this.#aside);
  }

  /** @param {string} kind how it is marked @param {string} word @param {...(Node | string)} rest */
  #say(kind, word, ...rest) {
    this.root.dataset.kind = kind;
    this.#word.textContent = word;
    this.#rest.replaceChildren(...rest.flatMap((one) => [" ", one]));
  }

  idle() {
    this.#say("idle", "", t("status.idle"));
  }

  /** It cannot run here. @param {string[]} missing what the experiment requires and this machine lacks */
  lacking(missing) {
    this.#say("bad", "", missing.map((name) => t(`lacking.${name}`)).join(" "));
  }

  /** What is shown is the sample. @param {string} label when and where it was made @param {string[]} missing for want of what no other run can be had here */
  sample(label, missing) {
    this.#say(missing.length ? "bad" : "idle", t("sample.title"), make("span", { class: "fact" }, label), ...missing.map((name) => t(`lacking.${name}`)));
  }

  /** @param {string} state */
  waiting(state) {
    this.#say("waiting", t(`status.${state}`));
  }

  loading() {
    this.#say("waiting", t("status.loading"));
  }

  /** @param {Status} status */
  going(status) {
    if (status.state === "queued") return this.#say("waiting", t("status.queued"), t("status.position", { n: status.position }));
    if (status.waits_for) return this.#say("waiting", t(`status.waitsFor.${status.waits_for}`));
    const behind = status.behind_bytes > 0 ? [t("status.behind", { size: size(status.behind_bytes) })] : [];
    this.#elapsed.textContent = "";
    this.#say("live", t("status.running"), this.#elapsed, ...behind);
  }

  /** How long the run has gone on, as far as is known. @param {number} ns */
  elapsed(ns) {
    const text = `${(ns / 1e9).toFixed(1)}\u2009s`;
    if (this.#elapsed.textContent !== text) this.#elapsed.textContent = text;
  }

  /** @param {Connection} connection */
  connection(connection) {
    const words = { reconnecting: "status.reconnecting", refused: "status.refused", gone: "status.gone" };
    const word = words[/** @type {keyof typeof words} */ (connection)];
    if (word) this.#say(connection === "gone" ? "bad" : "waiting", t(word));
  }

  /** @param {string} outcome @param {Record<string, any> | null} end @param {(() => string) | null} link as it is when it is asked for; null where there is none */
  ended(outcome, end, link) {
    this.#ended = { outcome, end };
    // Its exit code is in the words already.
    const message = end?.message && !/^exit code/.test(end.message) ? [make("span", { class: "status-message" }, end.message)] : [];
    this.#say(isGood(outcome) ? "good" : "bad", outcomeText(outcome, end), ...message, ...(end ? endPhrases(end) : []).map((phrase) => make("span", { class: "fact" }, phrase)), ...(link ? [shareButton(link)] : []));
  }

  /** It was a deadlock that the time limit ended: what the run was to show, and nobody's fault. */
  deadlock() {
    const text = this.#ended ? deadlockText(this.#ended.outcome, this.#ended.end) : "";
    if (!text) return;
    this.root.dataset.kind = "stopped";
    this.#word.textContent = text;
  }

  /** @param {string} word @param {string} message what is known of it, "" for nothing */
  broken(word, message) {
    this.#say("bad", word, message);
  }

  /** @param {import("./api.js").Problem} problem @param {{field: string, message: string}[]} faults those that stand beside no field */
  problem(problem, faults) {
    const retry = problem.retryAfterS ? [t("status.retry", { n: problem.retryAfterS })] : [];
    const known = problem.status === 0 ? t("status.offline") : problem.status === 429 ? t("status.tooMany") : problem.status === 503 ? t("status.full") : t("status.refusedRun");
    const detail = problem.status === 0 ? [] : faults.length ? faults.map(({ message }) => message) : problem.errors.length ? [] : [problem.detail || problem.title];
    this.#say("bad", known, ...detail, ...retry);
  }

  /** What was not watched in this recording, quietly. @param {Record<string, string>} observers */
  observers(observers) {
    const missing = unobserved(observers);
    this.#aside.textContent = missing.length ? t("observer.off", { names: missing.map(({ name }) => name).join(t("observer.and")) }) : "";
    this.#aside.title = missing.map(({ name, why }) => `${name}: ${why}`).join("\n");
  }
}

/** @param {() => string} link */
function shareButton(link) {
  const label = make("span", {}, t("share.copy"));
  const button = make("button", { class: "link-button", type: "button", title: t("share.view") }, icon("link"), label);
  button.addEventListener("click", async () => {
    label.textContent = t((await copy(link())) ? "share.copied" : "share.failed");
    setTimeout(() => (label.textContent = t("share.copy")), COPIED_MS);
  });
  return button;
}
