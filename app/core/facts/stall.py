"""The longest stall: what was ready and could not run, and what its loop's thread did meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.facts.longest import WAITS, longest
from app.core.recording import Recording
from app.core.records import LaneKind, State
from app.core.spans import Spans


def longest_stall(recording: Recording, spans: Spans) -> dict[str, Any] | None:
    """The longest time a task or greenlet was ready and not run, and which lane of its loop ran meanwhile, doing what and where.

    The span, `culprit` (which of the loop's lanes ran most of that time), `culprit_ns` (how long it ran of it), `cause` (the longest
    wait of the loop's thread), `ready_together` (how many lanes of the loop were ready in that time, the one that waited among them).
    """
    coroutines = spans.where(np.isin(spans.kind, [LaneKind.TASK, LaneKind.GREENLET]))
    found = longest(recording, coroutines.in_state(State.READY))
    if found is None:
        return None
    begin, end = np.array([found["t_ns"]]), np.array([found["t_ns"] + found["duration_ns"]])
    parent = recording.lanes[found["lane"]].parent
    thread = _thread_above(recording, found["lane"])
    siblings = [
        lane.id for lane in recording.lanes if lane.parent == parent and lane.kind in (LaneKind.TASK, LaneKind.GREENLET)
    ]
    running = coroutines.where(np.isin(coroutines.lane, siblings)).in_state(State.RUNNING)
    overlaps = np.minimum(running.end, end) - np.maximum(running.begin, begin)
    ran = np.bincount(running.lane, np.maximum(overlaps, 0)) if len(overlaps) else np.zeros(1)
    culprit = int(np.argmax(ran)) if ran.max() > 0 else None
    inside = spans.of(thread).in_state(*WAITS) if thread else None
    cause = longest(recording, inside.where((inside.begin < end) & (inside.end > begin))) if inside else None
    together = coroutines.in_state(State.READY)
    beside = together.lane[(together.begin < end) & (together.end > begin) & np.isin(together.lane, siblings)]
    others = len(np.unique(beside[beside != culprit])) if culprit else len(np.unique(beside))
    return {**found, "culprit": culprit, "culprit_ns": int(ran.max()), "cause": cause, "ready_together": others}


def _thread_above(recording: Recording, lane: int) -> int | None:
    at: int | None = lane
    while at:
        if recording.lanes[at].kind is LaneKind.THREAD:
            return at
        at = recording.lanes[at].parent
    return None
