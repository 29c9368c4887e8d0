// @ts-check
/** Where a run's recording comes from: the live connection while it goes on, the finished file afterwards; both fill one model. */
import { RecordingReader } from "../recording/reader.js";
import { Model } from "../recording/model.js";
import { fetchBytes, fetchRecording } from "./api.js";
import { Live } from "./live.js";

/** @typedef {import("./live.js").Status} Status */
/** @typedef {import("./live.js").Connection} Connection */
/**
 * @typedef {object} Listener
 * @property {() => void} onGrown the model holds more than before
 * @property {(status: Status) => void} onStatus heard after the bytes that were sent before it have been read
 * @property {(connection: Connection) => void} onConnection
 * @property {(message: string) => void} onBroken the bytes cannot be read
 */

export class Feed {
  model = new Model();
  #reader = new RecordingReader(this.model);
  /** @type {Live | null} */
  #live = null;

  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
  }

  /** Another run is read from now on, into a model of its own. */
  restart() {
    this.#live?.close();
    this.#reader.close();
    this.model = new Model();
    this.#reader = new RecordingReader(this.model);
  }

  /** @param {string} run that goes on */
  follow(run) {
    this.#live?.close();
    this.#live = new Live(run, {
      onData: (data) => void this.#take(data),
      onStatus: (status) => void this.#hear(status),
      onConnection: (connection) => {
        if (connection === "reconnecting" || connection === "refused") this.#reader.resume();
        void this.#connected(connection);
      },
      resumeAt: () => this.#reader.consumedBytes,
    });
  }

  /** @param {Uint8Array} data */
  async #take(data) {
    try {
      await this.#reader.push(data);
    } catch (error) {
      this.#live?.close();
      return this.listener.onBroken(error instanceof Error ? error.message : String(error));
    }
    this.listener.onGrown();
  }

  /** @param {Status} status */
  async #hear(status) {
    await this.#reader.push(new Uint8Array()).catch(() => {});
    this.listener.onStatus(status);
  }

  /** In its turn: what was heard before the connection broke must not be told after it. @param {Connection} connection */
  async #connected(connection) {
    await this.#reader.push(new Uint8Array()).catch(() => {});
    this.listener.onConnection(connection);
  }

  /** The whole of a finished run. Raises Problem or RecordingError; what could be read is in the model nevertheless. @param {string} run */
  load(run) {
    return this.#gather((take) => fetchRecording(run, take));
  }

  /** A recording that lies at an address of its own, as `load`. @param {string} path */
  loadFile(path) {
    return this.#gather((take) => fetchBytes(path, take));
  }

  /** @param {(take: (data: Uint8Array) => Promise<void>) => Promise<void>} fetchAll */
  async #gather(fetchAll) {
    try {
      await fetchAll(async (data) => void (await this.#reader.gather(data)));
      await this.#reader.finish();
    } finally {
      this.#reader.close();
    }
  }
}
