// @ts-check
/**
 * A recording as it grows: blocks in, lanes with their columns out.
 *
 * Times are Float64 nanoseconds after the recording's start (exact to 2^53 ns, 104 days). The start is the HEADER block's own
 * time, not `t0_ns` of its JSON, because JSON numbers round what an absolute clock may say.
 */
import { BlockKind, LaneKind } from "../generated/records.js";
import { Column } from "./columns.js";
import { columnsOf, documentOf, outputOf, RecordingError, stringsOf } from "./decode.js";
import { Flows } from "./flows.js";
import { Lane } from "./lane.js";

/** @typedef {import("./decode.js").Block} Block */
/** @typedef {{text: string, file: string, line: number, value: number, object: string, holder: number}} Detail `line` and `holder` (a lane) are 0, `value` NaN where there is none. */
/** @typedef {{t: number, stream: number, bytes: Uint8Array}} Output */

export class Model {
  /** @type {Record<string, any> | null} */
  header = null;
  /** @type {Record<string, any> | null} */
  end = null;
  strings = [""];
  lanes = [new Lane(0, null, LaneKind.MACHINE, "", 0, 0, 0)];
  flows = new Flows();
  /** @type {Output[]} */
  output = [];
  /** The latest time anything was observed. */
  lastNs = 0;
  stateCount = 0;
  /** Counts changes, and changes of the lanes' tree, for whoever keeps something derived from them. */
  version = 0;
  treeVersion = 0;
  /** Which states occur, by number. */
  seen = new Uint8Array(256);
  /** @type {Map<string, Lane>} threads by "pid:tid", the latest of that number */
  #threads = new Map();
  #threadCount = 0;
  #t0 = 0n;
  #detailText = new Column(Uint32Array);
  #detailFile = new Column(Uint32Array);
  #detailLine = new Column(Uint32Array);
  #detailValue = new Column(Float64Array);
  /** @type {Map<number, {object: number, holder: number}>} */
  #objects = new Map();

  constructor() {
    this.#addDetail(NaN, 0, 0, 0);
  }

  get machine() {
    return /** @type {Lane} */ (this.lanes[0]);
  }

  get detailCount() {
    return this.#detailText.length;
  }

  /** @param {number} number @returns {Detail} */
  detail(number) {
    if (number >= this.#detailText.length) return { text: "", file: "", line: 0, value: NaN, object: "", holder: 0 };
    return {
      text: this.strings[/** @type {number} */ (this.#detailText.data[number])] ?? "",
      file: this.strings[/** @type {number} */ (this.#detailFile.data[number])] ?? "",
      line: this.#detailLine.data[number] ?? 0,
      value: this.#detailValue.data[number] ?? NaN,
      object: this.strings[this.#objects.get(number)?.object ?? 0] ?? "",
      holder: this.#objects.get(number)?.holder ?? 0,
    };
  }

  /** The number in a detail alone, for whoever asks for thousands. @param {number} number */
  valueOf(number) {
    return this.#detailValue.data[number] ?? NaN;
  }

  /** The thread that a core or GIL lane names, if it is one of this recording. @param {number} tid @param {number} [pid] */
  thread(tid, pid) {
    return this.#threads.get(pid === undefined ? `${tid}` : `${pid}:${tid}`) ?? null;
  }

  /** A time of the recording's own clock as nanoseconds after its start. @param {number} absoluteNs */
  sinceStart(absoluteNs) {
    return Number(BigInt(Math.round(absoluteNs)) - this.#t0);
  }

  /** @param {Block} block */
  take(block) {
    if (!this.header && block.kind !== BlockKind.HEADER) throw new RecordingError("a recording begins with a HEADER block");
    const take = TAKERS[block.kind];
    if (take) take.call(this, block, Number(block.t0 - this.#t0));
    this.version++;
  }

  /** @param {Block} block */
  takeHeader(block) {
    this.header = documentOf(block);
    this.#t0 = block.t0;
  }

  /** @param {Block} block @param {number} t */
  takeEnd(block, t) {
    this.end = documentOf(block);
    this.#reach(t);
  }

  /** @param {Block} block */
  takeStrings(block) {
    for (const text of stringsOf(block)) this.strings.push(text);
  }

  /** @param {Block} block */
  takeDetails(block) {
    const { value, text, file, line } = columns(block);
    for (let i = 0; i < block.rows; i++) this.#addDetail(at(value, i), at(text, i), at(file, i), at(line, i));
  }

  /** @param {Block} block */
  takeObjects(block) {
    const { detail, object, holder } = columns(block);
    for (let i = 0; i < block.rows; i++) this.#objects.set(at(detail, i), { object: at(object, i), holder: at(holder, i) });
  }

  /** @param {number} value @param {number} text @param {number} file @param {number} line */
  #addDetail(value, text, file, line) {
    this.#detailValue.push(value);
    this.#detailText.push(text);
    this.#detailFile.push(file);
    this.#detailLine.push(line);
  }

  /** @param {Block} block @param {number} t0 */
  takeLanes(block, t0) {
    const { t, parent, name, pid, tid, kind } = columns(block);
    for (let i = 0; i < block.rows; i++) {
      const above = this.lanes[at(parent, i)];
      if (!above) throw new RecordingError(`lane ${this.lanes.length} has parent ${at(parent, i)}`);
      const lane = new Lane(this.lanes.length, above, at(kind, i), this.strings[at(name, i)] ?? "", at(pid, i), at(tid, i), t0 + at(t, i));
      above.children.push(lane);
      this.lanes.push(lane);
      if (lane.kind === LaneKind.THREAD) this.#addThread(lane);
      this.#reach(lane.t);
    }
    this.treeVersion++;
  }

  /** @param {Lane} lane */
  #addThread(lane) {
    lane.holder = this.#threadCount++;
    this.#threads.set(`${lane.tid}`, lane);
    this.#threads.set(`${lane.pid}:${lane.tid}`, lane);
  }

  /** @param {Block} block */
  takeNames(block) {
    const { lane, name } = columns(block);
    for (let i = 0; i < block.rows; i++) this.#lane(at(lane, i)).name = this.strings[at(name, i)] ?? "";
    this.treeVersion++;
  }

  /** @param {Block} block @param {number} t0 */
  takeStates(block, t0) {
    const { t, lane, detail, state } = columns(block);
    let latest = 0;
    for (let i = 0; i < block.rows; i++) {
      const when = t0 + at(t, i);
      const number = at(state, i);
      this.#lane(at(lane, i)).enter(when, number, at(detail, i));
      this.seen[number] = 1;
      if (when > latest) latest = when;
    }
    this.stateCount += block.rows;
    this.#reach(latest);
  }

  /** @param {Block} block @param {number} t0 */
  takeFlows(block, t0) {
    const { t, t2, from, to, detail, kind } = columns(block);
    for (let i = 0; i < block.rows; i++) {
      this.flows.push(t0 + at(t, i), t0 + at(t2, i), at(from, i), at(to, i), at(kind, i), at(detail, i));
      this.#reach(t0 + at(t2, i));
    }
  }

  /** @param {Block} block @param {number} t0 */
  takeCounters(block, t0) {
    const { t, lane, value } = columns(block);
    for (let i = 0; i < block.rows; i++) {
      const counted = this.#lane(at(lane, i));
      if (!counted.counter) this.treeVersion++;
      counted.count(t0 + at(t, i), at(value, i));
      this.#reach(t0 + at(t, i));
    }
  }

  /** @param {Block} block @param {number} t0 */
  takeMarks(block, t0) {
    const { t, lane, text, kind } = columns(block);
    for (let i = 0; i < block.rows; i++) {
      const marked = this.#lane(at(lane, i));
      if (!marked.marks.length) this.treeVersion++;
      marked.mark(t0 + at(t, i), at(kind, i), this.strings[at(text, i)] ?? "");
      this.#reach(t0 + at(t, i));
    }
  }

  /** @param {Block} block @param {number} t */
  takeOutput(block, t) {
    this.output.push({ t, ...outputOf(block) });
    this.#reach(t);
  }

  /** @param {number} number */
  #lane(number) {
    const lane = this.lanes[number];
    if (!lane) throw new RecordingError(`lane ${number} is not defined (there are ${this.lanes.length})`);
    return lane;
  }

  /** @param {number} t */
  #reach(t) {
    if (t > this.lastNs) this.lastNs = t;
  }
}

/** @type {Record<number, (this: Model, block: Block, t0: number) => void>} */
const TAKERS = {
  [BlockKind.HEADER]: Model.prototype.takeHeader,
  [BlockKind.END]: Model.prototype.takeEnd,
  [BlockKind.STRINGS]: Model.prototype.takeStrings,
  [BlockKind.DETAILS]: Model.prototype.takeDetails,
  [BlockKind.OBJECTS]: Model.prototype.takeObjects,
  [BlockKind.LANES]: Model.prototype.takeLanes,
  [BlockKind.NAMES]: Model.prototype.takeNames,
  [BlockKind.STATES]: Model.prototype.takeStates,
  [BlockKind.FLOWS]: Model.prototype.takeFlows,
  [BlockKind.COUNTERS]: Model.prototype.takeCounters,
  [BlockKind.MARKS]: Model.prototype.takeMarks,
  [BlockKind.OUTPUT]: Model.prototype.takeOutput,
};

/** @param {Block} block @returns {Record<string, import("./decode.js").Column | undefined>} */
function columns(block) {
  return columnsOf(block);
}

/** @param {import("./decode.js").Column | undefined} column @param {number} row */
function at(column, row) {
  return column?.[row] ?? 0;
}
