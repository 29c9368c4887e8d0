"""The vocabulary of a recording, defined once.

Four kinds of record (state, flow, counter, mark), the lanes they lie on, and the table of every state a lane can be in.
`static/generated/records.js` is generated from this module (`python -m app.core.generate`), and a test holds
`app/probe/probe.h` to it. Numbers are part of the file format: add at the end of a group, never renumber.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

FORMAT_VERSION = 1


class LaneKind(IntEnum):
    """What a lane stands for. Lanes form a tree: machine, process, thread, loop, task."""

    MACHINE = 0
    CORE = 1
    PROCESS = 2
    GIL = 3
    THREAD = 4
    LOOP = 5
    TASK = 6
    GREENLET = 7
    SOCKET = 8
    CONNECTION = 9
    CHANNEL = 10
    EXCHANGE = 11
    QUEUE = 12
    CONSUMER = 13
    CPU = 14
    MEMORY = 15
    SEMAPHORE = 16


class StateClass(StrEnum):
    """How a state is drawn: solid, hatched, a thin line, nothing."""

    RUNNING = "running"
    READY = "ready"
    WAITING = "waiting"
    GIL_WAIT = "gil-wait"
    PREEMPTED = "preempted"
    IDLE = "idle"
    ENDED = "ended"
    GAP = "gap"


class Unit(StrEnum):
    """What the number in a state's detail counts."""

    NONE = "value"
    NANOSECONDS = "delay_ns"
    DESCRIPTOR = "fd"
    COUNT = "count"
    THREAD = "tid"
    PROCESS = "pid"
    EXIT_CODE = "exit_code"
    CORE = "core"
    SIGNAL = "signal"
    LANE = "lane"
    ADDRESS = "address"
    BYTES = "bytes"


class State(IntEnum):
    """What a lane was doing from one instant to its next state. `STATES` says how each is named and drawn."""

    UNOBSERVED = 0
    RUNNING = 1
    READY = 2
    STARTING = 3
    # A thread inside libc (numbers 8 to 23) ...
    SLEEP = 8
    LOCK = 9
    READ = 10
    WRITE = 11
    ACCEPT = 12
    CONNECT = 13
    POLL = 14
    CHILD = 15
    JOIN = 16
    PIPE = 17
    FILE = 18
    COPY = 19
    # ... a task or greenlet that waits (numbers 24 to 39) ...
    WAIT = 24
    WAIT_TIMER = 25
    WAIT_READ = 26
    WAIT_WRITE = 27
    WAIT_CONNECT = 28
    WAIT_ACCEPT = 29
    WAIT_LOCK = 30
    WAIT_QUEUE = 31
    WAIT_FUTURE = 32
    WAIT_TASK = 33
    WAIT_EVENT = 34
    WAIT_THREAD = 35
    WAIT_CHILD = 36
    # ... ends (40 to 47) ...
    FINISHED = 40
    FAILED = 41
    CANCELLED = 42
    KILLED = 43
    # ... the GIL (48 to 55) ...
    GIL_HELD = 48
    GIL_FREE = 49
    GIL_WAIT = 50
    GIL_RELEASED = 51
    # ... the kernel (56 to 63).
    ON_CPU = 56
    PREEMPTED = 57
    OFF_CPU = 58
    CORE_IDLE = 59
    # A connection, channel, exchange, queue or consumer (64 to 71).
    OPEN = 64
    BLOCKED = 65


@dataclass(frozen=True, slots=True)
class StateSpec:
    """How one state is written in an export and drawn on the page.

    `name` is the word of the JSON export; `reason` says what a waiting task or greenlet waits for (None elsewhere);
    `unit` names the number in the state's detail; `letter` is what a wide enough bar shows besides colour and pattern.
    """

    name: str
    look: StateClass
    letter: str
    reason: str | None = None
    unit: Unit = Unit.NONE


STATES: dict[State, StateSpec] = {
    State.UNOBSERVED: StateSpec("unobserved", StateClass.GAP, "?"),
    State.RUNNING: StateSpec("running", StateClass.RUNNING, "R", unit=Unit.THREAD),
    State.READY: StateSpec("ready", StateClass.READY, "r"),
    State.STARTING: StateSpec("starting", StateClass.IDLE, "…"),
    State.SLEEP: StateSpec("sleep", StateClass.WAITING, "S", unit=Unit.NANOSECONDS),
    State.LOCK: StateSpec("lock", StateClass.WAITING, "L", unit=Unit.ADDRESS),
    State.READ: StateSpec("read", StateClass.WAITING, "I", unit=Unit.DESCRIPTOR),
    State.WRITE: StateSpec("write", StateClass.WAITING, "O", unit=Unit.DESCRIPTOR),
    State.ACCEPT: StateSpec("accept", StateClass.WAITING, "A", unit=Unit.DESCRIPTOR),
    State.CONNECT: StateSpec("connect", StateClass.WAITING, "C", unit=Unit.DESCRIPTOR),
    State.POLL: StateSpec("poll", StateClass.WAITING, "P", unit=Unit.COUNT),
    State.CHILD: StateSpec("child", StateClass.WAITING, "W", unit=Unit.PROCESS),
    State.JOIN: StateSpec("join", StateClass.WAITING, "J"),
    State.PIPE: StateSpec("pipe", StateClass.WAITING, "|", unit=Unit.DESCRIPTOR),
    State.FILE: StateSpec("file", StateClass.WAITING, "F", unit=Unit.DESCRIPTOR),
    State.COPY: StateSpec("copy", StateClass.RUNNING, "Y", unit=Unit.BYTES),
    State.WAIT: StateSpec("waiting", StateClass.WAITING, "w", "other"),
    State.WAIT_TIMER: StateSpec("waiting", StateClass.WAITING, "t", "timer", Unit.NANOSECONDS),
    State.WAIT_READ: StateSpec("waiting", StateClass.WAITING, "i", "read", Unit.DESCRIPTOR),
    State.WAIT_WRITE: StateSpec("waiting", StateClass.WAITING, "o", "write", Unit.DESCRIPTOR),
    State.WAIT_CONNECT: StateSpec("waiting", StateClass.WAITING, "c", "connect", Unit.DESCRIPTOR),
    State.WAIT_ACCEPT: StateSpec("waiting", StateClass.WAITING, "a", "accept", Unit.DESCRIPTOR),
    State.WAIT_LOCK: StateSpec("waiting", StateClass.WAITING, "l", "lock"),
    State.WAIT_QUEUE: StateSpec("waiting", StateClass.WAITING, "q", "queue"),
    State.WAIT_FUTURE: StateSpec("waiting", StateClass.WAITING, "f", "future"),
    State.WAIT_TASK: StateSpec("waiting", StateClass.WAITING, "k", "task", Unit.LANE),
    State.WAIT_EVENT: StateSpec("waiting", StateClass.WAITING, "e", "event"),
    State.WAIT_THREAD: StateSpec("waiting", StateClass.WAITING, "h", "thread"),
    State.WAIT_CHILD: StateSpec("waiting", StateClass.WAITING, "p", "child", Unit.PROCESS),
    State.FINISHED: StateSpec("finished", StateClass.ENDED, "·", unit=Unit.EXIT_CODE),
    State.FAILED: StateSpec("failed", StateClass.ENDED, "!", unit=Unit.EXIT_CODE),
    State.CANCELLED: StateSpec("cancelled", StateClass.ENDED, "×"),
    State.KILLED: StateSpec("killed", StateClass.ENDED, "†", unit=Unit.SIGNAL),
    State.GIL_HELD: StateSpec("held", StateClass.RUNNING, "G", unit=Unit.THREAD),
    State.GIL_FREE: StateSpec("free", StateClass.IDLE, "-"),
    State.GIL_WAIT: StateSpec("gil-wait", StateClass.GIL_WAIT, "g"),
    State.GIL_RELEASED: StateSpec("no-gil", StateClass.RUNNING, "C"),
    State.ON_CPU: StateSpec("running", StateClass.RUNNING, "#", unit=Unit.THREAD),
    State.PREEMPTED: StateSpec("preempted", StateClass.PREEMPTED, "%"),
    State.OFF_CPU: StateSpec("off-cpu", StateClass.IDLE, "_"),
    State.CORE_IDLE: StateSpec("idle", StateClass.IDLE, "-"),
    State.OPEN: StateSpec("open", StateClass.IDLE, "-"),
    State.BLOCKED: StateSpec("blocked", StateClass.WAITING, "B"),
}


class FlowKind(IntEnum):
    """What an arrow between two lanes means."""

    SPAWN = 1
    WAKE = 2
    HANDOVER = 3
    MESSAGE = 4
    JOIN = 5


class MarkKind(IntEnum):
    """What a tick on a lane means."""

    STDOUT = 1
    STDERR = 2
    EXCEPTION = 3
    ANNOTATION = 4
    DROPPED = 5
    LIMIT = 6
    HOOK = 7
    BROKER = 8
    DISAGREEMENT = 9


GRAVE_MARKS = (
    "unroutable",
    "basic.return",
    "broker killed",
    "channel.close",
    "connection.blocked",
    "confirm refused",
    "not understood",
    "not derived",
    "counts unknown",
    "slowed",
    "delivered to a consumer that was not seen",
)
"""What marks of kind BROKER say of something lost, refused or broken."""
ROUTINE_MARKS = ("basic.ack", "confirm", "basic.get-empty")
"""What they say by the hundred: a short tick, and no word."""
DEFAULT_EXCHANGE = "(AMQP default)"
"""The lane of the exchange without a name, as RabbitMQ's own tools call it."""


class Stream(IntEnum):
    """Where a piece of captured output came from."""

    STDOUT = 1
    STDERR = 2


class Outcome(StrEnum):
    """How a run ended. `FAULT` is ours (the sandbox or the recorder failed), every other is the program's."""

    FINISHED = "finished"
    PROGRAM_ERROR = "program error"
    SIGNAL = "signal"
    TIME_LIMIT = "time limit"
    CPU_LIMIT = "cpu limit"
    MEMORY_LIMIT = "memory limit"
    PROCESS_LIMIT = "process limit"
    OUTPUT_LIMIT = "output limit"
    RECORD_LIMIT = "record limit"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    FAULT = "sandbox fault"
