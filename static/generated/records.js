// @ts-check
// Generated from app/core/records.py and app/core/blocks.py by `python -m app.core.generate`. Do not edit.

export const FORMAT_VERSION = 1;
export const MAGIC_WORD = "SCHEDSC";
export const BLOCK_HEADER_BYTES = 24;
export const MAX_BLOCK_BYTES = 16777216;

export const LaneKind = /** @type {const} */ ({
  MACHINE: 0,
  CORE: 1,
  PROCESS: 2,
  GIL: 3,
  THREAD: 4,
  LOOP: 5,
  TASK: 6,
  GREENLET: 7,
  SOCKET: 8,
  CONNECTION: 9,
  CHANNEL: 10,
  EXCHANGE: 11,
  QUEUE: 12,
  CONSUMER: 13,
  CPU: 14,
  MEMORY: 15,
  SEMAPHORE: 16,
});

export const State = /** @type {const} */ ({
  UNOBSERVED: 0,
  RUNNING: 1,
  READY: 2,
  STARTING: 3,
  SLEEP: 8,
  LOCK: 9,
  READ: 10,
  WRITE: 11,
  ACCEPT: 12,
  CONNECT: 13,
  POLL: 14,
  CHILD: 15,
  JOIN: 16,
  PIPE: 17,
  FILE: 18,
  COPY: 19,
  WAIT: 24,
  WAIT_TIMER: 25,
  WAIT_READ: 26,
  WAIT_WRITE: 27,
  WAIT_CONNECT: 28,
  WAIT_ACCEPT: 29,
  WAIT_LOCK: 30,
  WAIT_QUEUE: 31,
  WAIT_FUTURE: 32,
  WAIT_TASK: 33,
  WAIT_EVENT: 34,
  WAIT_THREAD: 35,
  WAIT_CHILD: 36,
  FINISHED: 40,
  FAILED: 41,
  CANCELLED: 42,
  KILLED: 43,
  GIL_HELD: 48,
  GIL_FREE: 49,
  GIL_WAIT: 50,
  GIL_RELEASED: 51,
  ON_CPU: 56,
  PREEMPTED: 57,
  OFF_CPU: 58,
  CORE_IDLE: 59,
  OPEN: 64,
  BLOCKED: 65,
});

export const FlowKind = /** @type {const} */ ({
  SPAWN: 1,
  WAKE: 2,
  HANDOVER: 3,
  MESSAGE: 4,
  JOIN: 5,
});

export const MarkKind = /** @type {const} */ ({
  STDOUT: 1,
  STDERR: 2,
  EXCEPTION: 3,
  ANNOTATION: 4,
  DROPPED: 5,
  LIMIT: 6,
  HOOK: 7,
  BROKER: 8,
  DISAGREEMENT: 9,
});

export const Stream = /** @type {const} */ ({
  STDOUT: 1,
  STDERR: 2,
});

export const BlockKind = /** @type {const} */ ({
  HEADER: 1,
  STRINGS: 2,
  DETAILS: 3,
  LANES: 4,
  STATES: 5,
  FLOWS: 6,
  COUNTERS: 7,
  MARKS: 8,
  OUTPUT: 9,
  END: 10,
  NAMES: 11,
  OBJECTS: 12,
});

export const StateClass = /** @type {const} */ ({
  RUNNING: "running",
  READY: "ready",
  WAITING: "waiting",
  GIL_WAIT: "gil-wait",
  PREEMPTED: "preempted",
  IDLE: "idle",
  ENDED: "ended",
  GAP: "gap",
});

export const Unit = /** @type {const} */ ({
  NONE: "value",
  NANOSECONDS: "delay_ns",
  DESCRIPTOR: "fd",
  COUNT: "count",
  THREAD: "tid",
  PROCESS: "pid",
  EXIT_CODE: "exit_code",
  CORE: "core",
  SIGNAL: "signal",
  LANE: "lane",
  ADDRESS: "address",
  BYTES: "bytes",
});

export const Outcome = /** @type {const} */ ({
  FINISHED: "finished",
  PROGRAM_ERROR: "program error",
  SIGNAL: "signal",
  TIME_LIMIT: "time limit",
  CPU_LIMIT: "cpu limit",
  MEMORY_LIMIT: "memory limit",
  PROCESS_LIMIT: "process limit",
  OUTPUT_LIMIT: "output limit",
  RECORD_LIMIT: "record limit",
  CANCELLED: "cancelled",
  REFUSED: "refused",
  INTERRUPTED: "interrupted",
  FAULT: "sandbox fault",
});

export const GRAVE_MARKS = ["unroutable", "basic.return", "broker killed", "channel.close", "connection.blocked", "confirm refused", "not understood", "not derived", "counts unknown", "slowed", "delivered to a consumer that was not seen"];

export const ROUTINE_MARKS = ["basic.ack", "confirm", "basic.get-empty"];

export const DEFAULT_EXCHANGE = "(AMQP default)";

/**
 * How one state is named and drawn; `reason` is null where the lane does not wait for something in particular.
 * @typedef {{name: string, key: string, look: string, letter: string, reason: string | null, unit: string}} StateSpec
 */
/** @type {ReadonlyMap<number, StateSpec>} */
export const STATES = new Map([
  [0, {"name": "unobserved", "key": "UNOBSERVED", "look": "gap", "letter": "?", "reason": null, "unit": "value"}],
  [1, {"name": "running", "key": "RUNNING", "look": "running", "letter": "R", "reason": null, "unit": "tid"}],
  [2, {"name": "ready", "key": "READY", "look": "ready", "letter": "r", "reason": null, "unit": "value"}],
  [3, {"name": "starting", "key": "STARTING", "look": "idle", "letter": "…", "reason": null, "unit": "value"}],
  [8, {"name": "sleep", "key": "SLEEP", "look": "waiting", "letter": "S", "reason": null, "unit": "delay_ns"}],
  [9, {"name": "lock", "key": "LOCK", "look": "waiting", "letter": "L", "reason": null, "unit": "address"}],
  [10, {"name": "read", "key": "READ", "look": "waiting", "letter": "I", "reason": null, "unit": "fd"}],
  [11, {"name": "write", "key": "WRITE", "look": "waiting", "letter": "O", "reason": null, "unit": "fd"}],
  [12, {"name": "accept", "key": "ACCEPT", "look": "waiting", "letter": "A", "reason": null, "unit": "fd"}],
  [13, {"name": "connect", "key": "CONNECT", "look": "waiting", "letter": "C", "reason": null, "unit": "fd"}],
  [14, {"name": "poll", "key": "POLL", "look": "waiting", "letter": "P", "reason": null, "unit": "count"}],
  [15, {"name": "child", "key": "CHILD", "look": "waiting", "letter": "W", "reason": null, "unit": "pid"}],
  [16, {"name": "join", "key": "JOIN", "look": "waiting", "letter": "J", "reason": null, "unit": "value"}],
  [17, {"name": "pipe", "key": "PIPE", "look": "waiting", "letter": "|", "reason": null, "unit": "fd"}],
  [18, {"name": "file", "key": "FILE", "look": "waiting", "letter": "F", "reason": null, "unit": "fd"}],
  [19, {"name": "copy", "key": "COPY", "look": "running", "letter": "Y", "reason": null, "unit": "bytes"}],
  [24, {"name": "waiting", "key": "WAIT", "look": "waiting", "letter": "w", "reason": "other", "unit": "value"}],
  [25, {"name": "waiting", "key": "WAIT_TIMER", "look": "waiting", "letter": "t", "reason": "timer", "unit": "delay_ns"}],
  [26, {"name": "waiting", "key": "WAIT_READ", "look": "waiting", "letter": "i", "reason": "read", "unit": "fd"}],
  [27, {"name": "waiting", "key": "WAIT_WRITE", "look": "waiting", "letter": "o", "reason": "write", "unit": "fd"}],
  [28, {"name": "waiting", "key": "WAIT_CONNECT", "look": "waiting", "letter": "c", "reason": "connect", "unit": "fd"}],
  [29, {"name": "waiting", "key": "WAIT_ACCEPT", "look": "waiting", "letter": "a", "reason": "accept", "unit": "fd"}],
  [30, {"name": "waiting", "key": "WAIT_LOCK", "look": "waiting", "letter": "l", "reason": "lock", "unit": "value"}],
  [31, {"name": "waiting", "key": "WAIT_QUEUE", "look": "waiting", "letter": "q", "reason": "queue", "unit": "value"}],
  [32, {"name": "waiting", "key": "WAIT_FUTURE", "look": "waiting", "letter": "f", "reason": "future", "unit": "value"}],
  [33, {"name": "waiting", "key": "WAIT_TASK", "look": "waiting", "letter": "k", "reason": "task", "unit": "lane"}],
  [34, {"name": "waiting", "key": "WAIT_EVENT", "look": "waiting", "letter": "e", "reason": "event", "unit": "value"}],
  [35, {"name": "waiting", "key": "WAIT_THREAD", "look": "waiting", "letter": "h", "reason": "thread", "unit": "value"}],
  [36, {"name": "waiting", "key": "WAIT_CHILD", "look": "waiting", "letter": "p", "reason": "child", "unit": "pid"}],
  [40, {"name": "finished", "key": "FINISHED", "look": "ended", "letter": "·", "reason": null, "unit": "exit_code"}],
  [41, {"name": "failed", "key": "FAILED", "look": "ended", "letter": "!", "reason": null, "unit": "exit_code"}],
  [42, {"name": "cancelled", "key": "CANCELLED", "look": "ended", "letter": "×", "reason": null, "unit": "value"}],
  [43, {"name": "killed", "key": "KILLED", "look": "ended", "letter": "†", "reason": null, "unit": "signal"}],
  [48, {"name": "held", "key": "GIL_HELD", "look": "running", "letter": "G", "reason": null, "unit": "tid"}],
  [49, {"name": "free", "key": "GIL_FREE", "look": "idle", "letter": "-", "reason": null, "unit": "value"}],
  [50, {"name": "gil-wait", "key": "GIL_WAIT", "look": "gil-wait", "letter": "g", "reason": null, "unit": "value"}],
  [51, {"name": "no-gil", "key": "GIL_RELEASED", "look": "running", "letter": "C", "reason": null, "unit": "value"}],
  [56, {"name": "running", "key": "ON_CPU", "look": "running", "letter": "#", "reason": null, "unit": "tid"}],
  [57, {"name": "preempted", "key": "PREEMPTED", "look": "preempted", "letter": "%", "reason": null, "unit": "value"}],
  [58, {"name": "off-cpu", "key": "OFF_CPU", "look": "idle", "letter": "_", "reason": null, "unit": "value"}],
  [59, {"name": "idle", "key": "CORE_IDLE", "look": "idle", "letter": "-", "reason": null, "unit": "value"}],
  [64, {"name": "open", "key": "OPEN", "look": "idle", "letter": "-", "reason": null, "unit": "value"}],
  [65, {"name": "blocked", "key": "BLOCKED", "look": "waiting", "letter": "B", "reason": null, "unit": "value"}],
]);

/** @type {ReadonlyMap<number, ReadonlyArray<readonly [string, string]>>} */
export const COLUMNS = new Map(/** @type {Array<[number, Array<[string, string]>]>} */ ([
  [3, [["value", "f8"], ["text", "u4"], ["file", "u4"], ["line", "u4"]]], // DETAILS
  [4, [["t", "u4"], ["parent", "u4"], ["name", "u4"], ["pid", "u4"], ["tid", "u4"], ["kind", "u1"]]], // LANES
  [11, [["lane", "u4"], ["name", "u4"]]], // NAMES
  [12, [["detail", "u4"], ["object", "u4"], ["holder", "u4"]]], // OBJECTS
  [5, [["t", "u4"], ["lane", "u4"], ["detail", "u4"], ["state", "u1"]]], // STATES
  [6, [["t", "u4"], ["t2", "u4"], ["from", "u4"], ["to", "u4"], ["detail", "u4"], ["kind", "u1"]]], // FLOWS
  [7, [["value", "f8"], ["t", "u4"], ["lane", "u4"]]], // COUNTERS
  [8, [["t", "u4"], ["lane", "u4"], ["text", "u4"], ["kind", "u1"]]], // MARKS
]));
