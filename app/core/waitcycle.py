"""A wait-for cycle: threads each waiting for a lock that the next of them holds, to the end of the run. That is a deadlock.

    A ──waits for lock2, held by──► B
    ▲                               │
    └──── held by, waits for lock1 ─┘

Holder and lock are what the probe saw when a wait began (a detail's object and holder). Only a thread's last wait counts, and
only if nothing but the end of its process ended it: whoever was let go was not in a deadlock. A thread that holds what it waits
for itself is a cycle of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.core.recording import Recording
from app.core.records import LaneKind, State
from app.core.spans import Spans


@dataclass(frozen=True, slots=True)
class Wait:
    """A thread's last wait: its span's place among `Spans`, for what, and the lane of the thread that has it."""

    at: int
    lane: int
    wants: str
    holder: int


def wait_cycle(recording: Recording, spans: Spans) -> list[Wait]:
    """The waits of a cycle in order, each one's holder the next one's lane; empty where there is none.

    It begins with the wait that began first.
    """
    waits = {wait.lane: wait for wait in _last_waits(recording, spans)}
    for first in waits:
        path = [first]
        while (holder := waits[path[-1]].holder) in waits and holder not in path:
            path.append(holder)
        if holder in path:
            cycle = [waits[lane] for lane in path[path.index(holder) :]]
            start = min(range(len(cycle)), key=lambda i: int(spans.begin[cycle[i].at]))
            return cycle[start:] + cycle[:start]
    return []


def _last_waits(recording: Recording, spans: Spans) -> list[Wait]:
    """Of every thread that was waiting for something that another one has when its process ended, or the recording did."""
    ends = np.append(spans.lane[1:] != spans.lane[:-1], True) if len(spans.lane) else np.zeros(0, bool)
    last = np.flatnonzero(ends & (spans.kind == LaneKind.THREAD))
    found = []
    for at in last.tolist():
        cut = spans.state[at] == State.KILLED and at > 0 and spans.lane[at - 1] == spans.lane[at]
        at = at - 1 if cut else at
        wants, holder = recording.objects.get(int(spans.detail[at]), ("", 0))
        if spans.state[at] == State.LOCK and wants and holder:
            found.append(Wait(at, int(spans.lane[at]), wants, holder))
    return found
