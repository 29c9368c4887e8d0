// @ts-check
/** The live connection of one run: whole blocks as they are written, resumed where it broke. */

/** @typedef {{state: "queued" | "running" | "finished" | "interrupted", outcome: string | null, position: number, behind_bytes: number, now_ns?: number, waits_for?: "broker"}} Status */
/** @typedef {"connecting" | "live" | "reconnecting" | "done" | "gone" | "refused"} Connection */
/**
 * @typedef {object} Listener
 * @property {(data: Uint8Array) => void} onData
 * @property {(status: Status) => void} onStatus
 * @property {(connection: Connection) => void} onConnection
 * @property {() => number} resumeAt the offset after the last whole block; asked for at each connection
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const ALL_SENT = 1000;
const BUSY = 1013;
/** Closing codes after which coming back is of no use. @type {Record<number, Connection>} */
const FINAL = { [ALL_SENT]: "done", 4400: "gone", 4404: "gone", 4410: "gone" };

export class Live {
  /** @type {WebSocket | null} */
  #socket = null;
  #timer = 0;
  #waitMs = FIRST_WAIT_MS;
  #closed = false;

  /** @param {string} run @param {Listener} listener */
  constructor(run, listener) {
    this.run = run;
    this.listener = listener;
    this.#connect("connecting");
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** @param {Connection} as */
  #connect(as) {
    this.listener.onConnection(as);
    const url = new URL(`/api/runs/${this.run}/live?from=${this.listener.resumeAt()}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", ({ code }) => this.#lost(code));
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    this.#waitMs = FIRST_WAIT_MS;
    this.listener.onConnection("live");
    if (typeof data === "string") this.listener.onStatus(JSON.parse(data));
    else this.listener.onData(new Uint8Array(data));
  }

  /** @param {number} code */
  #lost(code) {
    if (this.#closed) return;
    const final = FINAL[code];
    if (final) return this.listener.onConnection(final);
    this.listener.onConnection(code === BUSY ? "refused" : "reconnecting");
    // Spread out, so that a restarted server is not met by all of its viewers at once.
    this.#timer = window.setTimeout(() => this.#connect("reconnecting"), this.#waitMs * (0.5 + Math.random()));
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}
