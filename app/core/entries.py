"""What the recorder itself has to say, one thing at a time: lanes, states, messages, counters and marks told by a tap or a sampler.

    open_lane → state, message, counter, mark, moved → Timeline takes the rows with everybody else's

Rows are plain tuples until they are taken: a tap tells some hundred thousand a second, and an array each would cost more
than what it holds.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core.copies import MOVED
from app.core.objects import EVENT
from app.core.records import FlowKind, LaneKind, MarkKind, State
from app.core.tables import LaneTable, StringTable

_TOLD = np.dtype([("t", "<u8"), ("lane", "<u4"), ("kind", "u1"), ("state", "u1"), ("text", "<u4"), ("value", "<f8")])
FLOW = np.dtype([("t", "<u8"), ("from", "<u4"), ("to", "<u4"), ("kind", "u1"), ("text", "<u4"), ("value", "<f8")])
"""An arrow whose detail has a number of its own, `value`."""


class Entries:
    """Rows of the recorder's own. Times are absolute CLOCK_MONOTONIC nanoseconds; a lane is a number `open_lane` gave."""

    def __init__(self, lanes: LaneTable, strings: StringTable) -> None:
        self._lanes, self._strings = lanes, strings
        self._events: list[tuple[int, int, int, int, int, float]] = []
        self._flows: list[tuple[int, int, int, int, int, float]] = []
        self._moved: list[tuple[int, int, int, int, bool, int]] = []
        self.count = 0

    def open_lane(self, t_ns: int, parent: int, kind: LaneKind, name: str, pid: int = 0) -> int:
        """A new lane's number."""
        return self._lanes.open(t_ns, parent, kind, self._strings.number(name), pid, 0)

    def state(self, t_ns: int, lane: int, state: State, text: str = "", value: float = math.nan) -> None:
        """The lane is in this state from now on."""
        self._put(t_ns, lane, obs.Kind.STATE, state, text, value)

    def counter(self, t_ns: int, lane: int, value: float) -> None:
        """The lane's counter has this value from now on."""
        self._put(t_ns, lane, obs.Kind.COUNTER, 0, "", value)

    def mark(self, t_ns: int, lane: int, kind: MarkKind, words: Mapping[str, Any] | str) -> None:
        """A tick on the lane; words that are no text are written as JSON."""
        text = words if isinstance(words, str) else as_json(words)
        self._put(t_ns, lane, obs.Kind.MARK, kind, text, math.nan)

    def message(self, t_ns: int, lane: int, to_lane: int, text: str, number: int) -> None:
        """A step of a message from one lane to the other; all its steps have its number, and its wait lies between them."""
        self.count += 1
        self._flows.append((t_ns, lane, to_lane, FlowKind.MESSAGE, self._strings.number(text), number))

    def moved(self, t_ns: int, lane: int, ends: str, size_bytes: int, *, writes: bool) -> None:
        """The lane wrote bytes into a connection, or took them out of it; `ends` names its two ends as the probe does, own end first.
        On lane 0 they only count, so that later ones are told apart."""
        self._moved.append((t_ns, t_ns, lane, self._strings.number(ends), writes, size_bytes))

    def _put(self, t_ns: int, lane: int, kind: int, state: int, text: str, value: float) -> None:
        self.count += 1
        self._events.append((t_ns, lane, kind, state, self._strings.number(text) if text else 0, value))

    def take_events(self) -> NDArray[np.void]:
        """The rows since the last call (EVENT), as they were told."""
        rows, self._events = self._events, []
        told = np.array(rows, _TOLD)
        events = np.zeros(len(rows), EVENT)
        for column in _TOLD.names or ():
            events[column] = told[column]
        return events

    def take_flows(self, until_ns: int) -> NDArray[np.void]:
        """The arrows up to then (FLOW), in order of time."""
        if not self._flows:
            return np.empty(0, FLOW)
        rows = [row for row in self._flows if row[0] <= until_ns]
        self._flows = [row for row in self._flows if row[0] > until_ns]
        flows = np.array(rows, FLOW)
        return flows[np.argsort(flows["t"], kind="stable")]

    def take_moved(self, until_ns: int) -> NDArray[np.void]:
        """What was moved up to then (MOVED), in the order it was told, which is that of time."""
        stop = bisect_right(self._moved, until_ns, key=lambda row: row[0])
        taken, self._moved = self._moved[:stop], self._moved[stop:]
        return np.array(taken, MOVED)


def as_json(words: Mapping[str, Any]) -> str:
    """One line of JSON; what JSON has no word for is written as Python would."""
    return json.dumps(words, ensure_ascii=False, separators=(",", ":"), default=str)
