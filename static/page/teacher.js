// @ts-check
/** The teacher's side of a lecture: the room that is opened, what those in it are shown, and the presenter window that drives this page. */
import { make, need } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { viewStateOf } from "../timeline/kept.js";
import { hashOf } from "../timeline/viewstate.js";
import { call, Problem } from "./api.js";
import { channel, presenterId } from "./channel.js";
import { isProjector } from "./projector.js";
import { RoomLink } from "./roomlink.js";
import { qrCode } from "./shareqr.js";
import { stepFrom, stepOf } from "./steps.js";
import { drawVotes } from "./votes.js";

/** @typedef {{code: string, token: string}} Held */
/** @typedef {import("./teaching.js").Taught & {teaching: import("./teaching.js").Teaching, lang: string}} Page */

/** Ten times a second, as the server passes it on. */
const PAUSE_MS = 100;

export class Teacher {
  /** @type {RoomLink | null} */
  #link = null;
  /** @type {import("./roomlink.js").Told | null} */
  #told = null;
  /** @type {import("./roomlink.js").Presence} */
  #presence = "connecting";
  #timer = 0;
  #revealed = false;
  #sent = "";
  #window = channel(presenterId());
  #badge = make("button", { class: "tool teaching room-badge", type: "button" });
  #dialog = make("dialog", { class: "room-dialog", "aria-label": t("room.title") });

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    const notes = make("button", { class: "tool teaching", type: "button", id: "presenter", title: `${t("presenter.title")} (N)` }, t("presenter.short"));
    notes.addEventListener("click", () => this.openWindow());
    this.#badge.addEventListener("click", () => void this.room());
    need(".top-tools").prepend(this.#badge, notes);
    document.body.append(this.#dialog);
    page.teaching.onMoved(() => this.changed());
    page.timeline.cursor.subscribe(() => this.changed());
    new MutationObserver(() => this.changed()).observe(document.body, { attributeFilter: ["data-state"] });
    this.#window.addEventListener("message", ({ data }) => this.#obey(data));
    const held = recallHeld();
    if (held) this.#enter(held);
    this.#draw();
    this.changed();
  }

  /** Where the teacher stands, or what is seen there, is another now. */
  changed() {
    this.#timer ||= window.setTimeout(() => {
      this.#timer = 0;
      this.#send();
    }, PAUSE_MS);
  }

  openWindow() {
    window.open(`/presenter?lang=${this.page.lang}#${presenterId()}`, `presenter-${presenterId()}`, "popup,width=1080,height=760");
  }

  /** Shows how to come in; opens the room first where there is none. */
  async room() {
    if (this.#dialog.open) return this.#dialog.close();
    try {
      if (!this.#link) {
        const answer = await call("/api/rooms", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ place: this.#place }) });
        const { code, presenter_token: token } = await answer.json();
        sessionStorage.setItem("room", JSON.stringify({ code, token }));
        this.#enter({ code, token });
      }
      await this.#showDoor();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#dialog.replaceChildren(make("p", { role: "alert" }, error.detail || t("status.offline")), this.#button("keys.close", () => this.#dialog.close()));
      this.#dialog.showModal();
    }
  }

  /** The votes are shown to everybody, or no longer. */
  reveal(shown = !this.#revealed) {
    this.#revealed = shown;
    this.#link?.say({ reveal: shown });
  }

  /** @returns {import("./keys.js").Binding[]} */
  get bindings() {
    if (!isProjector()) return [];
    return [
      { keys: ["o"], shown: "O", key: "room", act: () => void this.room() },
      { keys: ["v"], shown: "V", key: "reveal", act: () => this.reveal() },
      { keys: ["n"], shown: "N", key: "presenter", act: () => this.openWindow() },
    ];
  }

  // --- the room

  /** @param {Held} held */
  #enter({ code, token }) {
    this.#link = new RoomLink(code, token, {
      onTold: (told) => this.#hear(told),
      onRefused: (refused) => refused.field === "token" && this.#leave(),
      onPresence: (presence) => {
        this.#presence = presence;
        if (presence === "gone") this.#leave();
        this.#draw();
      },
    });
    this.#sent = "";
    this.changed();
  }

  #leave() {
    sessionStorage.removeItem("room");
    this.#link?.close();
    [this.#link, this.#told] = [null, null];
    this.#dialog.close();
    drawVotes(null, null);
    this.#draw();
  }

  async #closeRoom() {
    const held = recallHeld();
    if (held) await fetch(`/api/rooms/${held.code}`, { method: "DELETE", headers: { "X-Presenter-Token": held.token } });
    this.#leave();
  }

  /** @param {import("./roomlink.js").Told} told */
  #hear(told) {
    this.#told = told;
    this.#revealed = Boolean(told.votes?.counts);
    if (told.place.experiment === (this.page.experiment?.id ?? null)) drawVotes(told.votes, this.page.experiment?.question);
    this.#draw();
    this.#tellWindow();
  }

  /** @returns {import("./roomlink.js").Place} */
  get #place() {
    const { page } = this;
    const query = new URLSearchParams(location.search);
    for (const name of ["lang", "room"]) query.delete(name);
    const path = location.pathname.startsWith("/runs/") ? location.pathname : location.pathname + (query.size ? `?${query}` : "");
    const view = hashOf({ ...viewStateOf(page.timeline), topPx: 0 });
    return { path, experiment: page.experiment?.id ?? null, step: page.teaching.step, view: view.length <= 2000 ? view : "", blank: page.teaching.blank };
  }

  #send() {
    const place = this.#place;
    const text = JSON.stringify(place);
    if (this.#link && isProjector() && text !== this.#sent) {
      this.#sent = text;
      this.#link.move(place);
    }
    this.#tellWindow();
  }

  #draw() {
    const { members = 0, votes } = this.#told ?? {};
    const label = this.#link ? `${this.#link.code} · ${members}` : t("room.open");
    this.#badge.replaceChildren(label, ...(votes?.total && this.#link ? [` · ${t("room.votes", { n: votes.total })}`] : []));
    this.#badge.title = this.#link ? t("presenter.room", { code: this.#link.code, members, votes: votes?.total ?? 0 }) : `${t("room.title")} (O)`;
    this.#badge.dataset.presence = this.#link ? this.#presence : "";
  }

  /** The code as large as the wall, for phones and for those who type. */
  async #showDoor() {
    const code = this.#link?.code ?? "";
    const url = new URL(`/room/${code}`, location.href);
    const picture = make("div", { class: "room-qr" });
    picture.append(await qrCode(url.href, t("room.qr")));
    const words = make("div", { class: "room-words" }, make("p", { class: "room-host" }, `${url.host}/room`), make("p", { class: "room-code" }, code));
    const feet = make("div", { class: "room-feet" }, this.#button("room.close", () => void this.#closeRoom()), this.#button("keys.close", () => this.#dialog.close()));
    const local = isLocal(url.hostname) ? [make("p", { class: "room-local" }, t("room.local"))] : [];
    this.#dialog.replaceChildren(make("h2", {}, t("room.join")), make("div", { class: "room-door" }, picture, words), ...local, feet);
    this.#dialog.showModal();
    /** @type {HTMLElement | null} */ (feet.lastElementChild)?.focus(); // Enter must not close the room
  }

  /** @param {string} word @param {() => void} act */
  #button(word, act) {
    const button = make("button", { class: "button", type: "button" }, t(word));
    button.addEventListener("click", act);
    return button;
  }

  // --- the presenter window

  /** @param {any} wish */
  #obey(wish) {
    const { teaching } = this.page;
    const step = stepOf(wish.go);
    if (wish.hello) this.#tellWindow();
    else if (wish.move) teaching.move(wish.move > 0 ? 1 : -1);
    else if (step) teaching.go(step);
    else if (wish.blank) teaching.toggleBlank();
    else if (wish.reveal) this.reveal();
    else if (wish.room) void this.room();
  }

  #tellWindow() {
    const { experiment, teaching, state } = this.page;
    const next = teaching.step && stepFrom(teaching.step, 1);
    const following = document.querySelector('.course a[rel="next"]');
    const question = experiment?.question;
    this.#window.postMessage({
      scene: {
        title: experiment ? pick(experiment.title) : document.title,
        note: experiment ? pick(experiment.note) : "",
        question: question ? pick(question.text) : "",
        answers: question ? question.answers.map(pick) : [],
        correct: question?.correct ?? -1,
        explanation: question ? pick(question.explanation) : "",
        step: teaching.step,
        next: next === "next" ? (following?.getAttribute("title") ?? "") : next ? t(`lesson.step.${next}`) : "",
        state,
        blank: teaching.blank,
        room: this.#link?.code ?? "",
        members: this.#told?.members ?? 0,
        votes: this.#told?.votes ?? null,
      },
    });
  }
}

/** @returns {Held | null} */
function recallHeld() {
  const text = sessionStorage.getItem("room");
  return text ? JSON.parse(text) : null;
}

/** Whether an address leads nowhere but to the machine that uses it. @param {string} hostname */
function isLocal(hostname) {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
