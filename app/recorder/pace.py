"""When rows are made of what was collected: seldom enough to be cheap, and later still while others want the cores.

What it costs to make rows of a few hundred records is mostly the same as for many thousand. Nothing is lost meanwhile: what waits
is in memory, and bounded.
"""

from __future__ import annotations

from contextlib import suppress

TAKE_S = 0.024
"""A picture that is this much late still looks live."""
PATIENT_S = 0.05
"""As long as a take may be put off where the observed program and others leave the recorder no core of its own."""
MOST_WAITING = 1 << 15
"""Records; of more, rows are made at once: no larger batch is cheaper a record, and meanwhile nobody empties the rings."""
CROWDED = 0.05
"""Share of the time for which the recorder was ready to run and did not get a core."""


class Pace:
    """Asked at every turn; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._taken_s, self._delayed_s = 0.0, delayed_s()

    def is_due(self, now_s: float, waiting: int) -> bool:
        """Whether rows should be made now, while so many records wait."""
        since_s = now_s - self._taken_s
        if waiting >= MOST_WAITING or since_s >= PATIENT_S:
            return True
        return since_s >= TAKE_S and delayed_s() - self._delayed_s < CROWDED * since_s

    def taken(self, now_s: float) -> None:
        """Rows have been made."""
        self._taken_s, self._delayed_s = now_s, delayed_s()


def delayed_s() -> float:
    """For how long the calling thread has waited for a core so far; 0 where the kernel does not count it."""
    with suppress(OSError, ValueError, IndexError), open("/proc/thread-self/schedstat", "rb") as told:
        return int(told.read().split()[1]) / 1e9
    return 0.0
