// @ts-check
/** A WebSocket that comes back: each loss waits longer than the one before, spread out, so that what all viewers lose at once (a server, an access point) does not meet them all at once again. */

/** @typedef {"reconnecting" | "refused"} Loss "refused": the server has no room now */
/**
 * @typedef {object} Wishes
 * @property {() => string} path with its query, asked for at each connection
 * @property {() => void} [onOpen]
 * @property {(data: any) => void} onData
 * @property {(loss: Loss) => void} onLoss it will come back by itself
 * @property {(code: number) => void} onEnd closed for good, with one of `final`
 */

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 8000;
const BUSY = 1013;

export class Reconnecting {
  /** @type {WebSocket | null} */
  #socket = null;
  #waitMs = FIRST_WAIT_MS;
  #timer = 0;
  #closed = false;

  /** @param {number[]} final closing codes after which there is nothing to come back to @param {Wishes} wishes */
  constructor(final, wishes) {
    this.final = final;
    this.wishes = wishes;
    this.#connect();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** Said now or never. @param {Record<string, unknown>} message */
  say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    const url = new URL(this.wishes.path(), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.wishes.onOpen?.());
    socket.addEventListener("message", ({ data }) => {
      this.#waitMs = FIRST_WAIT_MS;
      this.wishes.onData(data);
    });
    socket.addEventListener("close", ({ code }) => this.#lost(code));
  }

  /** @param {number} code */
  #lost(code) {
    if (this.#closed) return;
    if (this.final.includes(code)) return this.wishes.onEnd(code);
    this.wishes.onLoss(code === BUSY ? "refused" : "reconnecting");
    this.#timer = window.setTimeout(() => this.#again(), this.#waitMs * (0.5 + Math.random()));
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }

  #again() {
    this.wishes.onLoss("reconnecting");
    this.#connect();
  }
}
