"""A recording of very many bars, through the product's own encoder, and the same bars as a Chrome trace for other viewers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from app.core import blocks
from app.core.blocks import BlockKind
from app.core.records import STATES, LaneKind, State

LANES = 50
_T0_NS = 10**12
_STATES = np.array([State.RUNNING, State.READ, State.RUNNING, State.GIL_WAIT, State.RUNNING, State.LOCK], np.uint8)
_ROWS_PER_BLOCK = 1 << 16


class Bars(NamedTuple):
    """`start_ns`, `length_ns` and `state` of every bar by lane: each of shape (LANES, bars of a lane)."""

    start_ns: np.ndarray
    length_ns: np.ndarray
    state: np.ndarray


def make(count: int) -> Bars:
    """Bars of very different lengths (0.5 to 40 µs, one in two thousand 40 ms) that fill 50 lanes without a gap."""
    random = np.random.default_rng(7)
    shape = (LANES, count // LANES)
    lengths = np.where(random.random(shape) < 0.0005, 40_000_000, random.integers(500, 40_000, shape))
    ends = np.cumsum(lengths, axis=1)
    return Bars(ends - lengths, lengths, np.broadcast_to(_STATES[np.arange(shape[1]) % len(_STATES)], shape))


def recording(bars: Bars) -> bytes:
    """The bars as a finished recording: blocks in order of time, as a recorder writes them."""
    end_ns = int((bars.start_ns[:, -1] + bars.length_ns[:, -1]).max())
    names = ["demo.py", *(f"Thread-{i}" for i in range(LANES))]
    lanes = {
        "t": np.zeros(LANES + 1), "parent": np.array([0] + [1] * LANES), "name": np.arange(1, LANES + 2),
        "pid": np.full(LANES + 1, 100), "tid": np.array([0, *range(101, 101 + LANES)]),
        "kind": np.array([LaneKind.PROCESS] + [LaneKind.THREAD] * LANES),
    }  # fmt: skip
    header = {
        "format": "schedscope", "version": 1, "clock": "CLOCK_MONOTONIC", "t0_ns": _T0_NS, "created_s": 0.0,
        "machine": {"cores": 2}, "interpreter": {"version": ""}, "experiment": None, "parameters": {}, "argv": [],
        "script": {"path": "", "name": "demo.py", "sha256": "", "source": ""}, "observers": {}, "limits": {},
    }  # fmt: skip
    parts = [
        blocks.MAGIC,
        blocks.encode_document(BlockKind.HEADER, _T0_NS, header),
        blocks.encode_strings(names),
        blocks.encode_columns(BlockKind.LANES, _T0_NS, lanes),
        *_states(bars),
        blocks.encode_document(BlockKind.END, _T0_NS + end_ns, {"outcome": "finished", "exit_code": 0, "wall_ns": end_ns}),
    ]
    return b"".join(parts)


def _states(bars: Bars) -> Iterator[bytes]:
    order = np.argsort(bars.start_ns, axis=None, kind="stable")
    start, state = bars.start_ns.ravel()[order], bars.state.ravel()[order]
    lane = order // bars.start_ns.shape[1] + 2
    for begin in range(0, len(order), _ROWS_PER_BLOCK):
        rows = slice(begin, begin + _ROWS_PER_BLOCK)
        t0 = int(start[begin])
        columns = {"t": start[rows] - t0, "lane": lane[rows], "detail": np.zeros(len(lane[rows])), "state": state[rows]}
        yield blocks.encode_columns(BlockKind.STATES, _T0_NS + t0, columns)


def chrome_trace(bars: Bars) -> Iterator[str]:
    """The same bars as complete events of the Chrome trace format (µs), for Perfetto and speedscope."""
    yield '{"traceEvents":[\n'
    for lane in range(LANES):
        thread = {"ph": "M", "pid": 1, "tid": lane + 1, "name": "thread_name", "args": {"name": f"Thread-{lane}"}}
        yield json.dumps(thread) + ",\n"
    names = {state: STATES[State(state)].name for state in np.unique(bars.state)}
    last = bars.start_ns.size - 1
    for lane in range(LANES):
        for i, (start, length, state) in enumerate(
            zip(bars.start_ns[lane].tolist(), bars.length_ns[lane].tolist(), bars.state[lane].tolist(), strict=True)
        ):
            comma = "" if lane * bars.start_ns.shape[1] + i == last else ","
            yield f'{{"ph":"X","pid":1,"tid":{lane + 1},"ts":{start / 1000},"dur":{length / 1000},"name":"{names[state]}"}}{comma}\n'
    yield "]}\n"
