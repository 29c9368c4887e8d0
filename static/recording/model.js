// @ts-check
/**
 * A recording as it grows: blocks in, lanes with their columns out.
 *
 * Times are Float64 nanoseconds after the recording's start (exact to 2^53 ns, 104 days). The start is the HEADER block's own
 * time, not `t0_ns` of its JSON, because JSON numbers round what an absolute clock may say.
 */
import { BlockKind, LaneKind } from "../generated/records.js";
import { columnsOf, documentOf, outputOf, RecordingError, stringsOf } from "./decode.js";
import { Details } from "./details.js";
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
  /** The recording's start on its own clock. */
  t0 = 0n;
  details = new Details();
  /** What was made of the recording elsewhere and came with it. @type {import("./pack.js").Derived} */
  derived = { pyramids: new Map(), crowds: new Map(), overview: null };

  get machine() {
    return /** @type {Lane} */ (this.lanes[0]);
  }

  get detailCount() {
    return this.details.length;
  }

  /** @param {number} number @returns {Detail} */
  detail(number) {
    const { text, file, line, value, objects } = this.details;
    if (number >= text.length) return { text: "", file: "", line: 0, value: NaN, object: "", holder: 0 };
    return {
      text: this.strings[/** @type {number} */ (text.data[number])] ?? "",
      file: this.strings[/** @type {number} */ (file.data[number])] ?? "",
      line: line.data[number] ?? 0,
      value: value.data[number] ?? NaN,
      object: this.strings[objects.get(number)?.object ?? 0] ?? "",
      holder: objects.get(number)?.holder ?? 0,
    };
  }

  /** The number in a detail alone, for whoever asks for thousands. @param {number} number */
  valueOf(number) {
    return this.details.value.data[number] ?? NaN;
  }

  /** The thread that a core or GIL lane names, if it is one of this recording. @param {number} tid @param {number} [pid] */
  thread(tid, pid) {
    return this.#threads.get(pid === undefined ? `${tid}` : `${pid}:${tid}`) ?? null;
  }

  /** A time of the recording's own clock as nanoseconds after its start. @param {number} absoluteNs */
  sinceStart(absoluteNs) {
    return Number(BigInt(Math.round(absoluteNs)) - this.t0);
  }

  /** @param {Block} block */
  take(block) {
    if (!this.header && block.kind !== BlockKind.HEADER) throw new RecordingError("a recording begins with a HEADER block");
    const take = TAKERS[block.kind];
    if (take) this[take](block, Number(block.t0 - this.t0));
    this.version++;
  }

  /** @param {Block} block */
  takeHeader(block) {
    this.header = documentOf(block);
    this.t0 = block.t0;
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
    for (let i = 0; i < block.rows; i++) this.details.push(at(value, i), at(text, i), at(file, i), at(line, i));
  }

  /** @param {Block} block */
  takeObjects(block) {
    const { detail, object, holder } = columns(block);
    for (let i = 0; i < block.rows; i++) this.details.objects.set(at(detail, i), { object: at(object, i), holder: at(holder, i) });
  }

  /** @param {Block} block @param {number} t0 */
  takeLanes(block, t0) {
    const { t, parent, name, pid, tid, kind } = columns(block);
    for (let i = 0; i < block.rows; i++) {
      const above = this.lanes[at(parent, i)];
      if (!above) throw new RecordingError(`lane ${this.lanes.length} has parent ${at(parent, i)}`);
      this.#reach(this.addLane(above, at(kind, i), this.strings[at(name, i)] ?? "", at(pid, i), at(tid, i), t0 + at(t, i)).t);
    }
    this.treeVersion++;
  }

  /** @param {Lane} above @param {number} kind @param {string} name @param {number} pid @param {number} tid @param {number} t */
  addLane(above, kind, name, pid, tid, t) {
    const lane = new Lane(this.lanes.length, above, kind, name, pid, tid, t);
    above.add(lane);
    this.lanes.push(lane);
    if (kind === LaneKind.THREAD) this.#addThread(lane);
    return lane;
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
    for (let i = 0; i < block.rows; i++) {
      const named = this.#lane(at(lane, i));
      named.name = this.strings[at(name, i)] ?? "";
      if (named.parent) named.parent.regrouped++;
    }
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

/** @type {Record<number, "takeHeader" | "takeEnd" | "takeStrings" | "takeDetails" | "takeObjects" | "takeLanes" | "takeNames" | "takeStates" | "takeFlows" | "takeCounters" | "takeMarks" | "takeOutput">} */
const TAKERS = {
  [BlockKind.HEADER]: "takeHeader",
  [BlockKind.END]: "takeEnd",
  [BlockKind.STRINGS]: "takeStrings",
  [BlockKind.DETAILS]: "takeDetails",
  [BlockKind.OBJECTS]: "takeObjects",
  [BlockKind.LANES]: "takeLanes",
  [BlockKind.NAMES]: "takeNames",
  [BlockKind.STATES]: "takeStates",
  [BlockKind.FLOWS]: "takeFlows",
  [BlockKind.COUNTERS]: "takeCounters",
  [BlockKind.MARKS]: "takeMarks",
  [BlockKind.OUTPUT]: "takeOutput",
};

/** @param {Block} block @returns {Record<string, import("./decode.js").Column | undefined>} */
function columns(block) {
  return columnsOf(block);
}

/** @param {import("./decode.js").Column | undefined} column @param {number} row */
function at(column, row) {
  return column?.[row] ?? 0;
}
