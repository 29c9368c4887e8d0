"""Semaphores that several processes share and that count to more than one: how many of their places are taken, as counters.

The probe reads the semaphore's own value after each take and before each give-back, in whichever process that is. Of a
`multiprocessing.Queue(maxsize)` that is its depth: put takes a place, get gives it back (Lib/multiprocessing/queues.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from app.core.records import LaneKind
from app.core.tables import LaneTable, StringTable

_PID_SHIFT = 10  # ID_PID_SHIFT in app/probe/preload/shared.c
_UNBOUNDED = 0x7FFF_FFFF
"""SEM_VALUE_MAX: a queue without maxsize."""
MOST = 1024
"""Further semaphores get no lane: a run that makes so many is not looked at one by one."""


class SemaphoreLanes:
    """A lane for each semaphore, below the process that made it."""

    def __init__(self, lanes: LaneTable, strings: StringTable, process_lane: Callable[[int], int]) -> None:
        self._lanes, self._strings, self._process_lane = lanes, strings, process_lane
        self._lane_of: dict[int, int] = {}

    def counts(self, records: NDArray[np.void]) -> Iterator[tuple[int, int, float]]:
        """(t_ns, lane, places taken) of records of kind COUNTER."""
        for t_ns, number, value in zip(
            records["t_ns"].tolist(), records["line"].tolist(), records["value"].tolist(), strict=True
        ):
            places, taken = value >> 32, value & 0xFFFF_FFFF
            if number not in self._lane_of and len(self._lane_of) < MOST:
                name = self._strings.number("semaphore" if places >= _UNBOUNDED else f"semaphore of {places}")
                above = self._process_lane(number >> _PID_SHIFT)
                self._lane_of[number] = self._lanes.open(t_ns, above, LaneKind.SEMAPHORE, name, 0, 0)
            if number in self._lane_of:
                yield t_ns, self._lane_of[number], float(taken)
