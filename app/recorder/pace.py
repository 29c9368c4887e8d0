"""When rows are made of what was collected: seldom enough to be cheap, and later still while others want the cores.

What it costs to make rows of a few hundred records is mostly the same as for many thousand, and making them takes about as long as
it took a busy program to write them down. Nothing is lost meanwhile: what waits is in memory, and bounded.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass

TAKE_S = 0.024
"""A picture that is this much late still looks live."""
WINDOW_S = 0.1
"""Over how long it is asked whether a core was idle: the kernel counts that in hundredths of a second."""
CROWDED = 0.05
"""Share of the time for which the recorder was ready to run and did not get a core."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and with how many records waiting, rows may be put off where the observed program and others leave the recorder no
    core of its own; and how much of a core must be idle for it to be called one."""

    wait_s: float
    records: int
    idle: float


LOOKED_ON = Patience(0.05, 1 << 15, 0.0)
"""Somebody may be looking at the picture while it comes."""
AFTERWARDS = Patience(math.inf, 1 << 22, 0.7)
"""Nobody looks before the program has ended: what it does is disturbed less. 128 MiB of records, in the worst case."""


class Pace:
    """Asked at every turn; times are seconds of a monotonic clock."""

    def __init__(self, patience: Patience, now_s: float) -> None:
        self._patience = patience
        self._taken_s, self._delayed_s = now_s, delayed_s()
        self._asked_s, self._idle_s, self._idle = now_s, idle_s(), False

    def is_due(self, now_s: float, waiting: int) -> bool:
        """Whether rows should be made now, while so many records wait."""
        since_s = now_s - self._taken_s
        if waiting >= self._patience.records or since_s >= self._patience.wait_s:
            return True
        crowded = since_s < TAKE_S or delayed_s() - self._delayed_s >= CROWDED * since_s
        return not crowded and self._has_idle_core(now_s)

    def _has_idle_core(self, now_s: float) -> bool:
        since_s = now_s - self._asked_s
        if self._patience.idle and since_s >= WINDOW_S:
            idle = idle_s()
            self._idle = idle - self._idle_s >= self._patience.idle * since_s
            self._asked_s, self._idle_s = now_s, idle
        return self._idle or not self._patience.idle

    def taken(self, now_s: float) -> None:
        """Rows have been made."""
        self._taken_s, self._delayed_s = now_s, delayed_s()


def delayed_s() -> float:
    """For how long the calling thread has waited for a core so far; 0 where the kernel does not count it."""
    with suppress(OSError, ValueError, IndexError), open("/proc/thread-self/schedstat", "rb") as told:
        return int(told.read().split()[1]) / 1e9
    return 0.0


def idle_s() -> float:
    """For how long the machine's cores together have been idle so far; 0 where the kernel does not say (proc_stat(5))."""
    with suppress(OSError, ValueError, IndexError), open("/proc/stat", "rb") as told:
        words = told.readline().split()
        return (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")
    return 0.0
