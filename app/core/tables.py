"""The interned tables of a recording as it is being written: strings, details and lanes, each written once under a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core import blocks
from app.core.blocks import BlockKind
from app.core.records import LaneKind

Detail = tuple[int, int, int, float]
"""(text, file, line, value): two string numbers, a 1-based line or 0, a number or NaN."""


class StringTable:
    """Strings by number; 0 is the empty one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._new: list[str] = []

    def number(self, text: str) -> int:
        """The string's number, a new one the first time."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._numbers)
            self._new.append(text)
        return number

    def take(self) -> bytes:
        """A block of the strings that are new since the last call, empty when there are none."""
        new, self._new = self._new, []
        return blocks.encode_strings(new) if new else b""


class DetailTable:
    """What a state is about, by number; 0 is nothing. Ten thousand sleepers on one line share one detail."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int, int, float | None], int] = {(0, 0, 0, None): 0}
        self._new: list[Detail] = []

    def number(self, text: int, file: int, line: int, value: float = math.nan) -> int:
        """The detail's number, a new one the first time."""
        key = (text, file, line, None if math.isnan(value) else value)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            self._new.append((text, file, line, value))
        return number

    def numbers(
        self, text: NDArray[np.uint32], file: NDArray[np.uint32], line: NDArray[np.uint32], value: NDArray[np.float64]
    ) -> NDArray[np.uint32]:
        """The numbers of a column of details; rows that say nothing get 0."""
        out = np.zeros(len(text), np.uint32)
        told = np.flatnonzero((text != 0) | (file != 0) | (line != 0) | ~np.isnan(value))
        if not len(told):
            return out
        bits = np.ascontiguousarray(value[told]).view(np.uint64)
        words = text[told].astype(np.uint64) << np.uint64(40) ^ file[told].astype(np.uint64) << np.uint64(24) ^ line[told]
        mixed = (words * np.uint64(0x9E3779B97F4A7C15)) ^ (bits * np.uint64(0xC2B2AE3D27D4EB4F))
        _unique, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        rows = told[first]
        known = [
            self.number(*row)
            for row in zip(text[rows].tolist(), file[rows].tolist(), line[rows].tolist(), value[rows].tolist(), strict=True)
        ]
        out[told] = np.array(known, np.uint32)[inverse]
        return out

    def take(self) -> bytes:
        """A block of the details that are new since the last call, empty when there are none."""
        new, self._new = self._new, []
        if not new:
            return b""
        text, file, line, value = zip(*new, strict=True)
        return blocks.encode_columns(
            BlockKind.DETAILS,
            0,
            {k: np.array(v) for k, v in (("value", value), ("text", text), ("file", file), ("line", line))},
        )


class LaneTable:
    """Lanes by number, with what the timeline must know of each while it grows: kind, state, times.

    The columns are arrays with room to grow, valid up to `count`.
    """

    def __init__(self) -> None:
        self.count = 1
        self.kind = np.zeros(1024, np.uint8)
        self.tid = np.zeros(1024, np.uint32)
        self.call = np.zeros(1024, np.uint8)  # of a thread: the state its last call or return put it into
        self.gil = np.zeros(1024, np.uint8)  # of a thread: the last it said about the GIL
        self.state = np.zeros(1024, np.uint8)
        self.opened_ns = np.zeros(1024, np.uint64)
        self.last_ns = np.zeros(1024, np.uint64)
        self.due_ns = np.zeros(1024, np.uint64)  # when a timer that is waited for was due, 0 none
        self._new: list[tuple[int, int, int, int, int, int]] = []
        self._named: list[tuple[int, int]] = []

    def open(self, t_ns: int, parent: int, kind: LaneKind, name: int, pid: int, tid: int) -> int:
        """A new lane's number. `parent` is a lane that already exists; `name` a string number."""
        lane = self.count
        if lane == len(self.kind):
            self._grow()
        self.count += 1
        self.kind[lane], self.tid[lane] = kind, tid
        self.opened_ns[lane] = self.last_ns[lane] = t_ns
        self._new.append((t_ns, parent, name, pid, tid, kind))
        return lane

    def rename(self, lane: int, name: int) -> None:
        """The lane is called something else from now on."""
        self._named.append((lane, name))

    def _grow(self) -> None:
        for column in ("kind", "tid", "call", "gil", "state", "opened_ns", "last_ns", "due_ns"):
            old: NDArray[Any] = getattr(self, column)
            setattr(self, column, np.concatenate([old, np.zeros(len(old), old.dtype)]))

    def take(self) -> bytes:
        """Blocks of the lanes that are new, and of the names that changed, since the last call."""
        new, self._new = self._new, []
        named, self._named = self._named, []
        out = b""
        while new:
            t0_ns = min(row[0] for row in new)
            fits = [row for row in new if row[0] - t0_ns < 1 << 32]  # in order of numbers, so a far time ends the block
            cut = next((i for i, row in enumerate(new) if row[0] - t0_ns >= 1 << 32), len(new))
            fits, new = new[:cut], new[cut:]
            t, parent, name, pid, tid, kind = zip(*fits, strict=True)
            columns = {
                "t": np.array(t, np.uint64) - np.uint64(t0_ns),
                "parent": parent,
                "name": name,
                "pid": pid,
                "tid": tid,
                "kind": kind,
            }
            out += blocks.encode_columns(BlockKind.LANES, t0_ns, {k: np.asarray(v) for k, v in columns.items()})
        if named:
            lane, name = zip(*named, strict=True)
            out += blocks.encode_columns(BlockKind.NAMES, 0, {"lane": np.asarray(lane), "name": np.asarray(name)})
        return out
