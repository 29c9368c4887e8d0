// @ts-check
/** The live connection of one run: whole blocks as they are written, resumed where it broke. */
import { Reconnecting } from "../common/reconnecting.js";

/** @typedef {{state: "queued" | "running" | "finished" | "interrupted", outcome: string | null, position: number, behind_bytes: number, now_ns?: number, waits_for?: "broker"}} Status */
/** @typedef {"connecting" | "live" | "reconnecting" | "done" | "gone" | "refused"} Connection */
/**
 * @typedef {object} Listener
 * @property {(data: Uint8Array) => void} onData
 * @property {(status: Status) => void} onStatus
 * @property {(connection: Connection) => void} onConnection
 * @property {() => number} resumeAt the offset after the last whole block; asked for at each connection
 */

const ALL_SENT = 1000;
const FINAL = [ALL_SENT, 4400, 4404, 4410];

export class Live {
  /** @param {string} run @param {Listener} listener */
  constructor(run, listener) {
    this.listener = listener;
    listener.onConnection("connecting");
    this.link = new Reconnecting(FINAL, {
      path: () => `/api/runs/${run}/live?from=${listener.resumeAt()}`,
      onData: (data) => this.#receive(data),
      onLoss: (loss) => listener.onConnection(loss),
      onEnd: (code) => listener.onConnection(code === ALL_SENT ? "done" : "gone"),
    });
  }

  close() {
    this.link.close();
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    this.listener.onConnection("live");
    if (typeof data === "string") this.listener.onStatus(JSON.parse(data));
    else this.listener.onData(new Uint8Array(data));
  }
}
