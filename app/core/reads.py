"""Reads of sockets in their two phases: the wait for data, and the copy into the program's memory.

libc says when a read begins and ends, the kernel when its thread was off the cores meanwhile. What a read spends off the cores
is the wait; what it spends on a core after it was last woken is the copy, with the way into and out of the call: an upper bound.
A read that never left the core (a preemption is no wait) did not wait at all. One that failed with EAGAIN copied nothing.
A recording that has the copy as a state of its own (core.copies) shows the same read as `read` and the `copy` that follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.core.recording import Recording
from app.core.records import LaneKind, State
from app.core.spans import Spans

REFUSED = "EAGAIN"


@dataclass(frozen=True, slots=True)
class Read:
    """One read by a thread. Times are absolute nanoseconds; `copy_begin_ns` is where it was last woken, or where it began."""

    lane: int
    begin_ns: int
    copy_begin_ns: int
    end_ns: int
    waited_ns: int
    refused: bool

    @property
    def copy_ns(self) -> int:
        """How long it was on a core at the end, 0 when nothing came."""
        return 0 if self.refused else self.end_ns - self.copy_begin_ns


def reads_of(recording: Recording, spans: Spans, threads: list[int]) -> list[Read]:
    """The reads of these threads, in order of lanes and times. Without the kernel's switches no read is seen to wait."""
    refused = {number for number, detail in enumerate(recording.details) if detail[0] == REFUSED}
    found = []
    for thread in threads:
        own = _whole(spans.of(thread).in_state(State.READ, State.COPY))
        strip = next((lane.id for lane in recording.lanes if lane.parent == thread and lane.kind is LaneKind.CPU), None)
        off = spans.of(strip).in_state(State.OFF_CPU) if strip is not None else None
        for begin, end, detail in zip(own.begin.tolist(), own.end.tolist(), own.detail.tolist(), strict=True):
            waited, woken = _off_the_core(off, begin, end)
            found.append(Read(thread, begin, woken, end, waited, detail in refused))
    return found


def _whole(spans: Spans) -> Spans:
    """Each read with the copy that follows it at once; the copies of other calls than a socket's are left out."""
    reads = np.flatnonzero(spans.state == State.READ)
    after = np.minimum(reads + 1, len(spans.lane) - 1)
    copied = (after != reads) & (spans.state[after] == State.COPY) & (spans.begin[after] == spans.end[reads])
    end = np.where(copied, spans.end[after], spans.end[reads])
    return replace(spans.where(spans.state == State.READ), end=end)


def _off_the_core(off: Spans | None, begin: int, end: int) -> tuple[int, int]:
    """How long within [begin, end) a thread was off the cores, and when that was last over."""
    if off is None or not len(off.begin):
        return 0, begin
    first = int(np.searchsorted(off.end, begin, side="right"))
    stop = int(np.searchsorted(off.begin, end, side="left"))
    if first >= stop:
        return 0, begin
    stays = np.minimum(off.end[first:stop], end) - np.maximum(off.begin[first:stop], begin)
    return int(stays.sum()), min(int(off.end[stop - 1]), end)
