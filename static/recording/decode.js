// @ts-check
/**
 * Bytes of a recording in, blocks out, under any chunking. The format: head of app/core/blocks.py.
 *
 *   Framer       cuts the stream into whole blocks; its `consumedBytes` is where a broken connection resumes
 *   inflate      makes one block's payload plain
 *   BlockReader  both, many payloads inflating at once, handed over in the order of the stream
 */
import { BLOCK_HEADER_BYTES, BlockKind, COLUMNS, FORMAT_VERSION, MAGIC_WORD, MAX_BLOCK_BYTES } from "../generated/records.js";

/** The bytes are not a recording this version can read; the message says what was met and where. */
export class RecordingError extends Error {}

/** @typedef {{kind: number, encoding: number, rows: number, plainBytes: number, t0: bigint, stored: Uint8Array, at: number}} StoredBlock */
/** @typedef {{kind: number, rows: number, t0: bigint, payload: Uint8Array<ArrayBuffer>}} Block `t0` is absolute CLOCK_MONOTONIC nanoseconds. */
/** @typedef {Uint8Array | Uint32Array | Float64Array} Column */

const MAGIC_BYTES = MAGIC_WORD.length + 1;
const KINDS = new Set(/** @type {number[]} */ (Object.values(BlockKind)));
const INFLATING_AT_ONCE = 32;

/** Cuts a stream of bytes into whole blocks. Throws RecordingError; after that it is done for. */
export class Framer {
  #bytes = new Uint8Array(1 << 16);
  #from = 0;
  #to = 0;
  /** Offset in the recording just after the last whole block handed out. */
  consumedBytes = 0;

  /** A connection was lost: what was received of a torn block is forgotten, and the stream goes on at `consumedBytes`. */
  resume() {
    this.#from = this.#to = 0;
  }

  /**
   * Takes the next bytes in order; returns every block they complete.
   * @param {Uint8Array} data
   * @returns {StoredBlock[]}
   */
  receive(data) {
    this.#append(data);
    /** @type {StoredBlock[]} */
    const blocks = [];
    if (this.consumedBytes === 0 && !this.#takeMagic()) return blocks;
    for (let block = this.#next(); block; block = this.#next()) blocks.push(block);
    return blocks;
  }

  /** @param {Uint8Array} data */
  #append(data) {
    const held = this.#to - this.#from;
    if (this.#to + data.length > this.#bytes.length) {
      const room = held + data.length > this.#bytes.length ? new Uint8Array(2 * (held + data.length)) : this.#bytes;
      room.set(this.#bytes.subarray(this.#from, this.#to));
      [this.#bytes, this.#from, this.#to] = [room, 0, held];
    }
    this.#bytes.set(data, this.#to);
    this.#to += data.length;
  }

  #takeMagic() {
    if (this.#to - this.#from < MAGIC_BYTES) return false;
    const head = this.#bytes.subarray(this.#from, this.#from + MAGIC_BYTES);
    if (String.fromCharCode(...head.subarray(0, -1)) !== MAGIC_WORD) {
      throw new RecordingError(`not a Schedscope recording: the first bytes are not ${MAGIC_WORD}`);
    }
    const version = head[MAGIC_BYTES - 1];
    if (version !== FORMAT_VERSION) {
      throw new RecordingError(`recording format ${version} is not one this page reads (it reads ${FORMAT_VERSION})`);
    }
    this.#from += MAGIC_BYTES;
    this.consumedBytes = MAGIC_BYTES;
    return true;
  }

  /** @returns {StoredBlock | null} */
  #next() {
    if (this.#to - this.#from < BLOCK_HEADER_BYTES) return null;
    const view = new DataView(this.#bytes.buffer, this.#from, BLOCK_HEADER_BYTES);
    const storedBytes = view.getUint32(0, true);
    const [kind, encoding] = [view.getUint8(4), view.getUint8(5)];
    const [rows, plainBytes, t0] = [view.getUint32(8, true), view.getUint32(12, true), view.getBigUint64(16, true)];
    const at = this.consumedBytes;
    if (storedBytes > MAX_BLOCK_BYTES || plainBytes > MAX_BLOCK_BYTES) {
      throw new RecordingError(`block at byte ${at}: ${Math.max(storedBytes, plainBytes)} bytes, over the bound of ${MAX_BLOCK_BYTES}`);
    }
    if (!KINDS.has(kind) || encoding > 1) throw new RecordingError(`block at byte ${at}: unknown kind ${kind} or encoding ${encoding}`);
    const whole = BLOCK_HEADER_BYTES + storedBytes;
    if (this.#to - this.#from < whole) return null;
    const stored = this.#bytes.slice(this.#from + BLOCK_HEADER_BYTES, this.#from + whole);
    this.#from += whole;
    this.consumedBytes += whole;
    return { kind, encoding, rows, plainBytes, t0, stored, at };
  }
}

/**
 * A block's plain payload, at the start of a buffer of its own so that columns lie aligned.
 * @param {StoredBlock} block
 * @returns {Promise<Block>}
 */
export async function inflate({ kind, encoding, rows, plainBytes, t0, stored, at }) {
  const payload = new Uint8Array(plainBytes);
  const size = encoding === 0 ? fill(payload, 0, stored) : await inflateInto(payload, stored, at);
  if (size !== plainBytes) throw new RecordingError(`block at byte ${at}: ${size} bytes instead of ${plainBytes}`);
  return { kind, rows, t0, payload };
}

/** @param {Uint8Array} target @param {number} at @param {Uint8Array} piece @returns {number} bytes held from then on; more than fit when it overflows */
function fill(target, at, piece) {
  if (at + piece.length <= target.length) target.set(piece, at);
  return at + piece.length;
}

/** @param {Uint8Array} payload @param {Uint8Array} stored @param {number} at */
async function inflateInto(payload, stored, at) {
  const stream = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (stored)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  let size = 0;
  try {
    // A block that inflates to more than it says is refused before it has filled the memory.
    while (size <= payload.length) {
      const { done, value } = await reader.read();
      if (done) return size;
      size = fill(payload, size, value);
    }
  } catch (error) {
    throw new RecordingError(`block at byte ${at}: ${error instanceof Error ? error.message : error}`);
  }
  void reader.cancel();
  return size;
}

/** Reads a stream of pieces: `push` each, and every block comes to `onBlock` in order. `push` resolves when its blocks are delivered. */
export class BlockReader {
  #framer = new Framer();
  /** @type {Promise<void>} */
  #tail = Promise.resolve();
  #onBlock;

  /** @param {(block: Block) => void} onBlock */
  constructor(onBlock) {
    this.#onBlock = onBlock;
  }

  get consumedBytes() {
    return this.#framer.consumedBytes;
  }

  resume() {
    this.#framer.resume();
  }

  /** @param {Uint8Array} data @returns {Promise<void>} */
  push(data) {
    const stored = this.#framer.receive(data);
    this.#tail = this.#tail.then(() => this.#deliver(stored));
    return this.#tail;
  }

  /** @param {StoredBlock[]} stored */
  async #deliver(stored) {
    /** @type {Promise<Block>[]} */
    const inflating = [];
    for (const block of stored) {
      const plain = inflate(block);
      // It is awaited in its turn; until then a failure is not nobody's.
      plain.catch(() => {});
      inflating.push(plain);
      if (inflating.length >= INFLATING_AT_ONCE) this.#onBlock(await /** @type {Promise<Block>} */ (inflating.shift()));
    }
    for (const block of inflating) this.#onBlock(await block);
  }
}

/**
 * The columns of a table block, zero-copy.
 * @param {Block} block
 * @returns {Record<string, Column>}
 */
export function columnsOf({ kind, rows, payload }) {
  /** @type {Record<string, Column>} */
  const columns = {};
  let at = 0;
  for (const [name, type] of COLUMNS.get(kind) ?? []) {
    const width = Number(type.slice(1));
    if (at + width * rows > payload.length) throw new RecordingError(`block of kind ${kind}: column ${name} exceeds the payload`);
    columns[name] = type === "f8" ? new Float64Array(payload.buffer, at, rows) : type === "u4" ? new Uint32Array(payload.buffer, at, rows) : new Uint8Array(payload.buffer, at, rows);
    at += (width * rows + 7) & ~7;
  }
  return columns;
}

const utf8 = new TextDecoder();

/** The JSON document of a HEADER or END block. @param {Block} block @returns {Record<string, any>} */
export function documentOf({ rows, payload }) {
  /** @type {unknown} */
  let document;
  try {
    document = JSON.parse(utf8.decode(payload.subarray(0, rows)));
  } catch (error) {
    throw new RecordingError(`a document of the recording is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof document !== "object" || document === null) throw new RecordingError("a document of the recording is not an object");
  return document;
}

/** The strings of a STRINGS block, in order of their numbers. @param {Block} block @returns {string[]} */
export function stringsOf({ rows, payload }) {
  if (rows * 4 > payload.length) throw new RecordingError("block of strings: lengths exceed the payload");
  const lengths = new Uint32Array(payload.buffer, 0, rows);
  let at = (rows * 4 + 7) & ~7;
  const out = [];
  for (const length of lengths) {
    if (at + length > payload.length) throw new RecordingError("block of strings: lengths exceed the payload");
    out.push(utf8.decode(payload.subarray(at, at + length)));
    at += length;
  }
  return out;
}

/** What the program wrote: the stream's number and the bytes. @param {Block} block */
export function outputOf({ rows, payload }) {
  return { stream: payload[0] ?? 0, bytes: payload.subarray(8, 8 + rows) };
}
