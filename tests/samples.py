"""Recordings made up for tests of the page: realistic shapes and sizes, written with `app.core.blocks`. Never shown in the product.

python tests/samples.py SHAPE FILE      SHAPE: gevent | asyncio | threads | lanes | bars | torn-end
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core import blocks
from app.core.blocks import BlockKind
from app.core.records import FlowKind, LaneKind, MarkKind, State, Stream

T0_NS = 9_007_199_254_740_993
"""Just above 2⁵³: a reader that takes absolute times for JSON numbers loses a nanosecond here."""
MS = 1_000_000
SOURCE = "import gevent\n\ndef func1():\n    print('函数1 第一步')\n    gevent.sleep(2)\n"


class Maker:
    """Collects rows and gives blocks; times are nanoseconds after the start."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._details: dict[tuple[float, int, int, int], int] = {}
        self._detail_rows: list[tuple[float, int, int, int]] = []
        self._lanes: list[tuple[int, int, int, int, int, int]] = []
        self._states: list[tuple[int, int, int, int]] = []
        self._flows: list[tuple[int, int, int, int, int, int]] = []
        self._marks: list[tuple[int, int, int, int]] = []
        self._counters: list[tuple[float, int, int]] = []
        self._output: list[bytes] = []

    def string(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def detail(self, value: float = float("nan"), text: str = "", file: str = "", line: int = 0) -> int:
        key = (value, self.string(text), self.string(file), line)
        if key not in self._details:
            self._details[key] = len(self._details) + 1
            self._detail_rows.append(key)
        return self._details[key]

    def lane(self, t: int, parent: int, kind: LaneKind, name: str, pid: int = 100, tid: int = 0) -> int:
        self._lanes.append((t, parent, self.string(name), pid, tid, kind))
        return len(self._lanes)

    def state(self, t: int, lane: int, state: State, detail: int = 0) -> None:
        self._states.append((t, lane, detail, state))

    def flow(self, t: int, source: int, t2: int, to: int, kind: FlowKind) -> None:
        self._flows.append((t, t2, source, to, 0, kind))

    def mark(self, t: int, lane: int, kind: MarkKind, text: str) -> None:
        self._marks.append((t, lane, self.string(text), kind))

    def count(self, t: int, lane: int, value: float) -> None:
        self._counters.append((value, t, lane))

    def output(self, t: int, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        self._output.append(blocks.encode_output(T0_NS + t, stream, data))

    def blocks(self, end_ns: int, outcome: str | None = "finished") -> bytes:
        """The whole recording; without an END block when `outcome` is None."""
        header = {
            "format": "schedscope", "version": 1, "clock": "CLOCK_MONOTONIC", "t0_ns": T0_NS, "created_s": 0.0,
            "machine": {"cores": 2}, "interpreter": {"version": "3.11"}, "experiment": None, "parameters": {}, "argv": [],
            "script": {"path": "/run/demo.py", "name": "demo.py", "sha256": "", "source": SOURCE},
            "observers": {"threads": "exact", "gil": "exact", "kernel": "unavailable: not permitted here"}, "limits": {},
        }  # fmt: skip
        parts = [
            blocks.MAGIC,
            blocks.encode_document(BlockKind.HEADER, T0_NS, header),
            blocks.encode_strings(list(self._numbers)[1:]),
            _table(BlockKind.DETAILS, self._detail_rows, 0),
            _table(BlockKind.LANES, self._lanes, T0_NS),
            *self._timed(BlockKind.STATES, sorted(self._states, key=lambda row: row[0]), 0),
            *self._timed(BlockKind.FLOWS, sorted(self._flows), 0),
            *self._timed(BlockKind.COUNTERS, sorted(self._counters, key=lambda row: row[1]), 1),
            *self._timed(BlockKind.MARKS, sorted(self._marks), 0),
            *self._output,
        ]
        if outcome is not None:
            end = {
                "outcome": outcome,
                "exit_code": 0,
                "signal": None,
                "bound": None,
                "message": "",
                "wall_ns": end_ns,
                "records": len(self._states),
                "dropped": 0,
            }
            parts.append(blocks.encode_document(BlockKind.END, T0_NS + end_ns, end))
        return b"".join(parts)

    def _timed(self, kind: BlockKind, rows: list[tuple[float, ...]], time_at: int) -> Iterator[bytes]:
        """Blocks of rows whose times fit into 32 bits after the block's own."""
        names = [name for name, _ in blocks.COLUMNS[kind]]
        start = 0
        while start < len(rows):
            t0 = int(rows[start][time_at])
            stop = start
            while stop < len(rows) and rows[stop][time_at] - t0 < 1 << 31 and stop - start < 1 << 16:
                stop += 1
            columns = dict(zip(names, (np.array(column) for column in zip(*rows[start:stop], strict=True)), strict=True))
            for name in ("t", "t2"):
                if name in columns:
                    columns[name] = columns[name] - t0
            yield blocks.encode_columns(kind, T0_NS + t0, columns)
            start = stop


def _table(kind: BlockKind, rows: list[tuple[float, ...]], t0_ns: int) -> bytes:
    if not rows:
        return b""
    names = [name for name, _ in blocks.COLUMNS[kind]]
    return blocks.encode_columns(
        kind, t0_ns, dict(zip(names, (np.array(column) for column in zip(*rows, strict=True)), strict=True))
    )


def gevent() -> bytes:
    """Two greenlets, the hub's loop and its thread; printed lines as marks and output, in their colours."""
    make = Maker()
    process = make.lane(0, 0, LaneKind.PROCESS, "demo.py")
    thread = make.lane(1 * MS, process, LaneKind.THREAD, "MainThread", tid=101)
    loop = make.lane(20 * MS, thread, LaneKind.LOOP, "gevent hub")
    make.state(0, process, State.RUNNING)
    make.state(1 * MS, thread, State.RUNNING)
    greenlets = []
    for number, delay in ((1, 2000), (2, 1000)):
        lane = make.lane((20 + number) * MS, loop, LaneKind.GREENLET, f"func{number}")
        greenlets.append(lane)
        wait = make.detail(delay * MS, "sleep", "/run/demo.py", 5)
        start, due = (20 + 2 * number) * MS, (22 + 2 * number + delay) * MS
        make.flow(20 * MS, thread, start, lane, FlowKind.SPAWN)
        make.state(20 * MS, lane, State.READY)
        make.state(start, lane, State.RUNNING)
        make.mark(start + MS, lane, MarkKind.STDOUT, f"\x1b[3{number}m函数{number} 第一步\x1b[0m")
        make.output(start + MS, f"\x1b[3{number}m函数{number} 第一步\x1b[0m\n".encode())
        make.state(start + 2 * MS, lane, State.WAIT_TIMER, wait)
        make.state(due, lane, State.RUNNING)
        make.mark(due + MS, lane, MarkKind.STDOUT, f"函数{number} 第二步")
        make.state(due + 2 * MS, lane, State.FINISHED)
    for t, state in ((20, State.RUNNING), (26, State.POLL), (1026, State.RUNNING), (1028, State.POLL), (2024, State.RUNNING)):
        make.state(t * MS, loop, state)
        make.state(t * MS, thread, state)
    for lane in (loop, thread, process):
        make.state(2030 * MS, lane, State.FINISHED)
    return make.blocks(2031 * MS)


def asyncio() -> bytes:
    """Fifty tasks that run in turn and wait in between, with a queue's depth."""
    make = Maker()
    thread = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo.py"), LaneKind.THREAD, "MainThread", tid=101)
    loop = make.lane(0, thread, LaneKind.LOOP, "asyncio")
    queue = make.lane(0, loop, LaneKind.QUEUE, "jobs")
    tasks = [make.lane(i * 10_000, loop, LaneKind.TASK, f"Task-{i} work") for i in range(50)]
    t = MS
    for turn in range(40):
        for task in tasks:
            make.state(t, task, State.READY)
        for number, task in enumerate(tasks):
            make.state(t + number * 20_000, task, State.RUNNING)
            make.state(
                t + number * 20_000 + 18_000,
                task,
                State.WAIT_QUEUE if number % 3 else State.WAIT_TIMER,
                make.detail(5e6, "get", "/run/demo.py", 3),
            )
        make.count(t, queue, float(turn % 8))
        t += 6 * MS
    for task in tasks:
        make.state(t, task, State.CANCELLED if task % 9 == 0 else State.FINISHED)
    make.mark(t, 0, MarkKind.LIMIT, "time limit: 0.24")
    return make.blocks(t + MS, "time limit")


def threads() -> bytes:
    """Three threads that take turns with the GIL, on two cores; a gap in what was observed."""
    make = Maker()
    cores = [make.lane(0, 0, LaneKind.CORE, f"core {i}", pid=0) for i in range(2)]
    process = make.lane(0, 0, LaneKind.PROCESS, "demo.py")
    gil = make.lane(0, process, LaneKind.GIL, "GIL")
    lanes = [make.lane(i * MS, process, LaneKind.THREAD, f"Thread-{i}", tid=200 + i) for i in range(3)]
    for turn in range(300):
        t, holder = (3 + 5 * turn) * MS, turn % 3
        tid = make.detail(200 + holder)
        make.state(t, gil, State.GIL_HELD, tid)
        make.state(t, cores[turn % 2], State.ON_CPU, tid)
        make.state(t, cores[1 - turn % 2], State.CORE_IDLE)
        for number, lane in enumerate(lanes):
            make.state(t, lane, State.RUNNING if number == holder else State.GIL_WAIT)
        if turn == 150:
            make.state(t + MS, lanes[holder], State.UNOBSERVED)
            make.mark(t + MS, lanes[holder], MarkKind.DROPPED, "12 records lost: the ring was full")
    for lane in lanes:
        make.state(1503 * MS, lane, State.FINISHED)
    make.state(1503 * MS, gil, State.GIL_FREE)
    return make.blocks(1510 * MS)


def lanes(count: int = 10_000) -> bytes:
    """Ten thousand tasks under one loop, each ready, running, waiting a second and running again."""
    make = Maker()
    thread = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo.py"), LaneKind.THREAD, "MainThread", tid=101)
    loop = make.lane(0, thread, LaneKind.LOOP, "asyncio")
    wait = make.detail(1e9, "sleep", "/run/demo.py", 5)
    for i in range(count):
        task = make.lane(i * 4_000, loop, LaneKind.TASK, f"Task-{i} sleeper")
        run = 45 * MS + i * 9_000
        make.state(i * 4_000, task, State.READY)
        make.state(run, task, State.RUNNING)
        make.state(run + 8_000, task, State.WAIT_TIMER, wait)
        make.state(run + 1000 * MS, task, State.READY)
        make.state(run + 1040 * MS, task, State.RUNNING)
        make.state(run + 1040 * MS + 8_000, task, State.FINISHED)
    return make.blocks(1300 * MS)


def bars(count: int = 1_000_000) -> bytes:
    """A million bars on four lanes: bursts of running between waits of very different lengths."""
    make = Maker()
    process = make.lane(0, 0, LaneKind.PROCESS, "demo.py")
    tids = [make.lane(0, process, LaneKind.THREAD, f"Thread-{i}", tid=200 + i) for i in range(4)]
    random = np.random.default_rng(7)
    for lane in tids:
        lengths = np.where(random.random(count // 4) < 0.0005, 40 * MS, random.integers(500, 20_000, count // 4))
        starts = np.cumsum(lengths)
        states = np.tile([State.RUNNING, State.READ, State.RUNNING, State.GIL_WAIT], count // 16 + 1)[: count // 4]
        make._states += zip(starts.tolist(), [lane] * len(starts), [0] * len(starts), states.tolist(), strict=True)
    return make.blocks(int(max(row[0] for row in make._states)) + MS)


def torn_end() -> bytes:
    """The gevent shape cut off in the middle of a block, as a broken connection leaves it."""
    return gevent()[:-40]


SHAPES: dict[str, Callable[[], bytes]] = {
    "gevent": gevent,
    "asyncio": asyncio,
    "threads": threads,
    "lanes": lanes,
    "bars": bars,
    "torn-end": torn_end,
}

if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(SHAPES[sys.argv[1]]())
