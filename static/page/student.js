// @ts-check
/** A phone in a lecture room: follows the teacher's page, view and cursor, may leave to explore, comes back; votes. */
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { restoreView } from "../timeline/kept.js";
import { stateOf } from "../timeline/viewstate.js";
import { RoomLink } from "./roomlink.js";
import { drawVotes } from "./votes.js";

/** @typedef {import("./roomlink.js").Told} Told */
/** @typedef {{run: string, lang: string, experiment: Record<string, any> | null, timeline: import("../timeline/timeline.js").Timeline, wanted: import("../timeline/viewstate.js").ViewState | null, lesson: import("./lesson.js").Lesson, watch: (run: string, search: string) => void}} Page */

const EVERYTHING = { range: null, selected: null, cursorNs: null, topPx: 0, folded: "", pinned: "", order: "" };

export class Student {
  #following = true;
  /** @type {Told | null} */
  #told = null;
  /** @type {import("./roomlink.js").Presence} */
  #presence = "connecting";
  #step = "";
  #said = "";
  /** The experiment whose question this phone has answered in this room. */
  #votedOn = "";
  #bar = make("div", { class: "room-bar", role: "status" });

  /** @param {Page} page @param {string} code */
  constructor(page, code) {
    this.page = page;
    this.code = code;
    document.body.append(this.#bar);
    for (const kind of /** @type {const} */ (["pointerdown", "wheel"])) document.querySelector("#timeline")?.addEventListener(kind, (event) => this.#touched(event), { capture: true, passive: true });
    document.addEventListener("guessed", (event) => this.#vote(/** @type {CustomEvent<number>} */ (event).detail));
    this.link = new RoomLink(code, "", {
      onTold: (told) => this.#hear(told),
      onRefused: ({ detail }) => this.#say(detail),
      onPresence: (presence) => {
        this.#presence = presence;
        this.#draw();
      },
    });
  }

  /** Whoever moves the picture has left the teacher's. @param {Event} event */
  #touched(event) {
    if (event.target instanceof Element && event.target.closest(".about")) return;
    if (this.#following) this.follow(false);
  }

  /** @param {boolean} following */
  follow(following) {
    this.#following = following;
    if (following && this.#told) this.#apply(this.#told);
    this.#draw();
  }

  /** @param {number} answer */
  #vote(answer) {
    this.#votedOn = this.page.experiment?.id ?? "";
    this.link.say({ vote: answer });
    this.#say(t("room.voted"));
  }

  /** @param {string} words */
  #say(words) {
    this.#said = words;
    this.#draw();
  }

  /** @param {Told} told */
  #hear(told) {
    if (told.place.step !== this.#step) this.#said = "";
    this.#told = told;
    if (told.place.experiment === (this.page.experiment?.id ?? null)) {
      drawVotes(told.votes, this.page.experiment?.question);
      this.#voteAsGuessed(told);
    }
    if (this.#following) this.#apply(told);
    this.#draw();
  }

  /** A guess from before this room is shown as the student's own: it counts here too. @param {Told} told */
  #voteAsGuessed({ place }) {
    const { guess } = this.page.lesson;
    if (place.step === "question" && guess >= 0 && this.#votedOn !== place.experiment) this.#vote(guess);
  }

  /** @param {Told} told */
  #apply({ place }) {
    const search = `?lang=${this.page.lang}&room=${this.code}`;
    const run = /^\/runs\/([\w-]+)$/.exec(place.path)?.[1] ?? "";
    const here = place.experiment === (this.page.experiment?.id ?? null);
    if (run !== this.page.run) {
      if (run && here && place.experiment) this.page.watch(run, search);
      else return location.replace(run ? place.path + search : `${place.path}${place.path.includes("?") ? "&" : "?"}${search.slice(1)}`);
    } else if (!here) return location.replace(`${place.path}${place.path.includes("?") ? "&" : "?"}${search.slice(1)}`);
    this.#look(stateOf(place.view) ?? EVERYTHING);
    this.#go(place.step ?? "");
  }

  /** @param {import("../timeline/viewstate.js").ViewState} state */
  #look(state) {
    const { timeline } = this.page;
    if (!timeline.model.stateCount) {
      this.page.wanted = state;
      return;
    }
    if (!state.range && timeline.camera.following === "none") timeline.edge.live ? timeline.followEdge() : timeline.fit();
    if (state.cursorNs === null) timeline.cursor.move(null);
    if (!state.selected) timeline.select(null);
    restoreView(timeline, { ...state, topPx: timeline.scroller.scrollTop });
  }

  /** @param {string} step */
  #go(step) {
    if (step === this.#step) return;
    this.#step = step;
    document.body.dataset.roomStep = step;
    this.page.lesson.open(step === "question" || (!this.page.run && step === ""));
    if (step === "facts") document.querySelector("#facts")?.scrollIntoView({ block: "nearest" });
    if (step === "question" || step === "watch") scrollTo(0, 0);
  }

  #draw() {
    const { body } = document;
    body.dataset.room = this.#following ? "following" : "exploring";
    const here = this.#presence === "here";
    const words = !here ? t(`room.presence.${this.#presence}`) : this.#following ? t("room.following") : t("room.exploring");
    const toggle = make("button", { class: "button", type: "button" }, t(this.#following ? "room.explore" : "room.rejoin"));
    toggle.addEventListener("click", () => this.follow(!this.#following));
    const text = make("span", { class: "room-bar-words" }, make("strong", {}, this.code), " ", words, this.#said ? make("span", { class: "quiet" }, ` · ${this.#said}`) : null);
    this.#bar.dataset.presence = this.#presence;
    this.#bar.replaceChildren(text, ...(this.#presence === "gone" ? [] : [toggle]));
  }
}
