// @ts-check
/** The connection to a lecture room (app/web/rooms.py): each message is the whole state, so coming back needs no memory. */

/** @typedef {{path: string, experiment: string | null, step: string | null, view: string, blank: boolean}} Place */
/** @typedef {{total: number, counts: number[] | null}} Votes */
/** @typedef {{code: string, place: Place, votes: Votes | null, members?: number}} Told */
/** @typedef {{field: string, detail: string, bound: unknown}} Refused */
/** @typedef {"connecting" | "here" | "reconnecting" | "full" | "gone"} Presence */
/** @typedef {{onTold: (told: Told) => void, onRefused: (refused: Refused) => void, onPresence: (presence: Presence) => void}} Listener */

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 8000;
const BUSY = 1013;
/** Closing codes after which there is nothing to come back to. */
const FINAL = [4400, 4404, 4410];

export class RoomLink {
  /** @type {WebSocket | null} */
  #socket = null;
  #waitMs = FIRST_WAIT_MS;
  #timer = 0;
  #closed = false;
  /** What only its newest is worth sending: after a lost connection it is sent again. @type {Place | null} */
  #place = null;

  /** @param {string} code @param {string} token "" for whoever follows @param {Listener} listener */
  constructor(code, token, listener) {
    this.code = code;
    this.token = token;
    this.listener = listener;
    this.#connect("connecting");
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** @param {Place} place */
  move(place) {
    this.#place = place;
    this.say({ place });
  }

  /** Said now or never. @param {Record<string, unknown>} message */
  say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {Presence} presence */
  #connect(presence) {
    this.listener.onPresence(presence);
    const url = new URL(`/api/rooms/${encodeURIComponent(this.code)}/live`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    socket.addEventListener("open", () => {
      if (this.token) this.say({ token: this.token });
      if (this.#place) this.say({ place: this.#place });
    });
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#lost(code));
  }

  /** @param {any} message */
  #receive(message) {
    this.#waitMs = FIRST_WAIT_MS;
    this.listener.onPresence("here");
    if (message.refused) this.listener.onRefused(message.refused);
    else this.listener.onTold(message);
  }

  /** @param {number} code */
  #lost(code) {
    if (this.#closed) return;
    if (FINAL.includes(code)) return this.listener.onPresence("gone");
    this.listener.onPresence(code === BUSY ? "full" : "reconnecting");
    // Spread out: three hundred phones lose the same access point at the same time.
    this.#timer = window.setTimeout(() => this.#connect("reconnecting"), this.#waitMs * (0.5 + Math.random()));
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}
