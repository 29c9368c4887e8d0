// @ts-check
/** The connection to a lecture room (app/web/rooms.py): each message is the whole state, so coming back needs no memory. */
import { Reconnecting } from "../common/reconnecting.js";

/** @typedef {{path: string, experiment: string | null, step: string | null, view: string, blank: boolean}} Place */
/** @typedef {{total: number, counts: number[] | null}} Votes */
/** @typedef {{code: string, place: Place, votes: Votes | null, members?: number}} Told */
/** @typedef {{field: string, detail: string, bound: unknown}} Refused */
/** @typedef {"connecting" | "here" | "reconnecting" | "full" | "gone"} Presence */
/** @typedef {{onTold: (told: Told) => void, onRefused: (refused: Refused) => void, onPresence: (presence: Presence) => void}} Listener */

const FINAL = [4400, 4404, 4410];

export class RoomLink {
  /** What only its newest is worth sending: after a lost connection it is sent again. @type {Place | null} */
  #place = null;

  /** @param {string} code @param {string} token "" for whoever follows @param {Listener} listener */
  constructor(code, token, listener) {
    this.code = code;
    this.listener = listener;
    listener.onPresence("connecting");
    this.link = new Reconnecting(FINAL, {
      path: () => `/api/rooms/${encodeURIComponent(code)}/live`,
      onOpen: () => {
        if (token) this.say({ token });
        if (this.#place) this.say({ place: this.#place });
      },
      onData: (data) => this.#receive(JSON.parse(data)),
      onLoss: (loss) => listener.onPresence(loss === "refused" ? "full" : loss),
      onEnd: () => listener.onPresence("gone"),
    });
  }

  close() {
    this.link.close();
  }

  /** @param {Place} place */
  move(place) {
    this.#place = place;
    this.say({ place });
  }

  /** Said now or never. @param {Record<string, unknown>} message */
  say(message) {
    this.link.say(message);
  }

  /** @param {any} message */
  #receive(message) {
    this.listener.onPresence("here");
    if (message.refused) this.listener.onRefused(message.refused);
    else this.listener.onTold(message);
  }
}
