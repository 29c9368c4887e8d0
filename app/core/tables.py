"""The interned tables of a recording as it is being written: strings, details and lanes, each written once under a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core import blocks
from app.core.blocks import BlockKind
from app.core.records import LaneKind
from app.core.rows import pick

Detail = tuple[int, int, int, float, int, int]
"""(text, file, line, value, object, holder): two string numbers, a 1-based line or 0, a number or NaN, a string number, a lane."""


class StringTable:
    """Strings by number; 0 is the empty one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self.texts = [""]
        self._new: list[str] = []

    def number(self, text: str) -> int:
        """The string's number, a new one the first time."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._numbers)
            self._new.append(text)
            self.texts.append(text)
        return number

    def take(self) -> bytes:
        """A block of the strings that are new since the last call, empty when there are none."""
        new, self._new = self._new, []
        return blocks.encode_strings(new) if new else b""


_DETAIL_COLUMNS = ("text", "file", "line", "object", "holder")
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63], np.uint64
)


class DetailTable:
    """What a state is about, by number; 0 is nothing. Ten thousand sleepers on one line share one detail."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int, int, float | None, int, int], int] = {(0, 0, 0, None, 0, 0): 0}
        self._new: list[Detail] = []

    def number(self, text: int, file: int, line: int, value: float = math.nan, thing: int = 0, holder: int = 0) -> int:
        """The detail's number, a new one the first time."""
        key = (text, file, line, None if math.isnan(value) else value, thing, holder)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            self._new.append((text, file, line, value, thing, holder))
        return number

    def numbers(self, rows: NDArray[np.void]) -> NDArray[np.uint32]:
        """The number of each row's detail, from its columns text, file, line, value, object and holder; 0 where all say nothing."""
        out = np.zeros(len(rows), np.uint32)
        some = ~np.isnan(rows["value"])
        for name in _DETAIL_COLUMNS:
            some |= rows[name] != 0
        told = np.flatnonzero(some)
        if not len(told):
            return out
        picked = pick(rows, told)
        mixed = np.ascontiguousarray(picked["value"]).view(np.uint64).copy()
        for name, factor in zip(_DETAIL_COLUMNS, _FACTORS, strict=True):
            mixed = (mixed ^ picked[name].astype(np.uint64)) * factor
            mixed ^= mixed >> np.uint64(29)
        _unique, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        columns = (picked[name][first].tolist() for name in ("text", "file", "line", "value", "object", "holder"))
        known = [self.number(*row) for row in zip(*columns, strict=True)]
        out[told] = np.array(known, np.uint32)[inverse]
        return out

    def take(self) -> bytes:
        """Blocks of the details that are new since the last call, empty when there are none."""
        new, self._new = self._new, []
        if not new:
            return b""
        text, file, line, value, thing, holder = (np.array(column) for column in zip(*new, strict=True))
        out = blocks.encode_columns(BlockKind.DETAILS, 0, {"value": value, "text": text, "file": file, "line": line})
        about = np.flatnonzero((thing != 0) | (holder != 0))
        if len(about):
            numbers = about + (len(self._numbers) - len(new))
            columns = {"detail": numbers, "object": thing[about], "holder": holder[about]}
            out += blocks.encode_columns(BlockKind.OBJECTS, 0, columns)
        return out


_NEW_LANE = np.dtype(
    [("t", np.uint64), ("parent", np.uint32), ("name", np.uint32), ("pid", np.uint32), ("tid", np.uint32), ("kind", np.uint8)]
)
"""A lane not yet written."""


class LaneTable:
    """Lanes by number, with what the timeline must know of each while it grows: kind, state, times.

    The columns are arrays with room to grow, valid up to `count`.
    """

    def __init__(self) -> None:
        self.count = 1
        self.kind = np.zeros(1024, np.uint8)
        self.tid = np.zeros(1024, np.uint32)
        self.parent = np.zeros(1024, np.uint32)
        self.call = np.zeros(1024, np.uint8)  # of a thread: the state its last call or return put it into
        self.gil = np.zeros(1024, np.uint8)  # of a thread: the last it said about the GIL
        self.state = np.zeros(1024, np.uint8)
        self.opened_ns = np.zeros(1024, np.uint64)
        self.last_ns = np.zeros(1024, np.uint64)
        self.due_ns = np.zeros(1024, np.uint64)  # when a timer that is waited for was due, 0 none
        self._of_tid: dict[int, int] = {}
        self._new: list[NDArray[np.void]] = []
        self._named: list[tuple[int, int]] = []

    def open(self, t_ns: int, parent: int, kind: LaneKind, name: int, pid: int, tid: int) -> int:
        """A new lane's number. `parent` is a lane that already exists; `name` a string number."""
        lane = self.count
        t, parents, kinds, names, tids = (np.array([value]) for value in (t_ns, parent, kind, name, tid))
        self.open_all(t, parents, kinds, names, pid, tids)
        return lane

    def next_numbers(self, count: int) -> NDArray[np.uint32]:
        """The numbers that the next so many lanes will have."""
        return np.arange(self.count, self.count + count, dtype=np.uint32)

    def open_all(
        self, t: NDArray[Any], parent: NDArray[Any], kind: NDArray[Any], name: NDArray[Any], pid: int, tid: NDArray[Any]
    ) -> None:
        """New lanes of one process in this order, as `open`."""
        lanes = slice(self.count, self.count + len(t))
        self.count = lanes.stop
        while self.count > len(self.kind):
            self._grow()
        self.kind[lanes], self.tid[lanes], self.parent[lanes] = kind, tid, parent
        self.opened_ns[lanes] = self.last_ns[lanes] = t
        rows = np.empty(len(t), _NEW_LANE)
        for column, values in (("t", t), ("parent", parent), ("kind", kind), ("name", name), ("pid", pid), ("tid", tid)):
            rows[column] = values
        self._new.append(rows)
        threads = np.flatnonzero(kind == LaneKind.THREAD)
        self._of_tid |= zip(tid[threads].tolist(), (threads + lanes.start).tolist(), strict=True)

    def thread(self, tid: int) -> int:
        """The lane of the latest thread of that id, 0 when there is none."""
        return self._of_tid.get(tid, 0)

    def rename(self, lane: int, name: int) -> None:
        """The lane is called something else from now on."""
        self._named.append((lane, name))

    def _grow(self) -> None:
        for column in ("kind", "tid", "parent", "call", "gil", "state", "opened_ns", "last_ns", "due_ns"):
            old: NDArray[Any] = getattr(self, column)
            setattr(self, column, np.concatenate([old, np.zeros(len(old), old.dtype)]))

    def take(self) -> bytes:
        """Blocks of the lanes that are new, and of the names that changed, since the last call."""
        new = np.concatenate([np.empty(0, _NEW_LANE), *self._new])
        self._new = []
        named, self._named = self._named, []
        out = b""
        while len(new):
            fits, new = _within_one_block(new)
            t0_ns = int(fits["t"].min())
            columns = {column: fits[column] for column in ("parent", "name", "pid", "tid", "kind")}
            out += blocks.encode_columns(BlockKind.LANES, t0_ns, {"t": fits["t"] - np.uint64(t0_ns), **columns})
        if named:
            lane, name = zip(*named, strict=True)
            out += blocks.encode_columns(BlockKind.NAMES, 0, {"lane": np.asarray(lane), "name": np.asarray(name)})
        return out


def _within_one_block(rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """As many of the first rows as lie within the 32 bits of a block's times, and the rest. Their times come in any order."""
    spread = np.maximum.accumulate(rows["t"]) - np.minimum.accumulate(rows["t"])
    fits = int(np.searchsorted(spread, np.uint64(1 << 32)))
    return rows[:fits], rows[fits:]
