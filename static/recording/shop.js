// @ts-check
/** The work on a recording that is not the page's own thread's: blocks made plain, and a finished recording made ready to draw. */
import { prepare } from "../timeline/prepare.js";
import { BlockReader, inflate } from "./decode.js";
import { Gatherer } from "./gatherer.js";
import { pack } from "./pack.js";

/** @typedef {import("./decode.js").StoredBlock} StoredBlock */
/** @typedef {{kind: "inflate", blocks: StoredBlock[]} | {kind: "gather", data: Uint8Array} | {kind: "finish"}} Request */
/** @typedef {{blocks: import("./decode.js").Block[]} | {packed: import("./pack.js").Packed | null} | Record<string, never>} Reply */

export class Shop {
  #model = new Gatherer();
  #reader = new BlockReader((block) => this.#model.take(block));

  /** @param {Request} request @returns {Promise<Reply>} */
  async do(request) {
    switch (request.kind) {
      case "inflate":
        return { blocks: await Promise.all(request.blocks.map(inflate)) };
      case "gather":
        await this.#reader.push(request.data);
        return {};
      case "finish":
        return { packed: await this.#finish() };
    }
  }

  /** All that was gathered; null for nothing. */
  async #finish() {
    const [model, reader] = [this.#model, this.#reader];
    await reader.push(new Uint8Array());
    this.#model = new Gatherer();
    this.#reader = new BlockReader((block) => this.#model.take(block));
    if (!model.header) return null;
    const states = model.layDown();
    model.derived = prepare(model);
    return pack(model, states);
  }
}
