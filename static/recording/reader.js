// @ts-check
/**
 * A recording on its way into a model: live, block by block as it comes, or finished, as a whole. Framing is done here, because a
 * broken connection resumes at the last whole block; the rest in a worker, or here where there can be none (a page opened from disk).
 */
import { isFile } from "../common/enclosed.js";
import { Framer, RecordingError } from "./decode.js";
import { buffersOf, unpack } from "./pack.js";
import { Shop } from "./shop.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./shop.js").Request} Request */
/** @typedef {{request: Request, done: (reply: any) => void, failed: (error: Error) => void}} Pending */

export class RecordingReader {
  #framer = new Framer();
  /** @type {Promise<void>} */
  #tail = Promise.resolve();
  #shop = new Helper();

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  get consumedBytes() {
    return this.#framer.consumedBytes;
  }

  /** A connection was lost: what was received of a torn block is forgotten. */
  resume() {
    this.#framer.resume();
  }

  /** Live: the next bytes. Resolves when the blocks they complete are in the model. @param {Uint8Array} data @returns {Promise<void>} */
  push(data) {
    const blocks = this.#framer.receive(data);
    const plain = blocks.length ? this.#shop.ask({ kind: "inflate", blocks }) : null;
    plain?.catch(() => {}); // awaited in its turn
    this.#tail = this.#tail.then(async () => {
      for (const block of plain ? (await plain).blocks : []) this.model.take(block);
    });
    return this.#tail;
  }

  /** Finished: the next bytes. @param {Uint8Array} data */
  async gather(data) {
    await this.#shop.ask({ kind: "gather", data });
  }

  /** Finished: that was all; it is in the model now. */
  async finish() {
    const { packed } = await this.#shop.ask({ kind: "finish" });
    if (packed) unpack(this.model, packed);
  }

  close() {
    this.#shop.close();
  }
}

/** The worker, as something to ask. */
class Helper {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Shop | null} */
  #here = null;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #number = 0;
  #answered = false;

  constructor() {
    if (isFile()) {
      this.#here = new Shop();
      return;
    }
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#heard(data));
    this.#worker.addEventListener("error", () => this.#failed());
  }

  /** @param {Request} request @returns {Promise<any>} */
  ask(request) {
    if (this.#here) return this.#here.do(request);
    const number = this.#number++;
    return new Promise((done, failed) => {
      this.#pending.set(number, { request, done, failed });
      // What is sent over is gone from here; until the worker has answered once it may have to be asked here instead.
      const transfer = this.#answered ? [...buffersOf(request)] : [];
      this.#worker?.postMessage({ number, request }, { transfer });
    });
  }

  /** @param {{number: number, reply?: any, error?: string}} answer */
  #heard({ number, reply, error }) {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    this.#answered = true;
    if (error === undefined) pending?.done(reply);
    else pending?.failed(new RecordingError(error));
  }

  /** It could not be started: what it was asked is done here. */
  #failed() {
    this.close();
    const shop = (this.#here = new Shop());
    for (const { request, done, failed } of this.#pending.values()) shop.do(request).then(done, failed);
    this.#pending.clear();
  }

  close() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}
