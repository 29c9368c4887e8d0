"""Each GIL of a run: how long it was held, how often it changed hands, and who made whom wait for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.facts.longest import longest
from app.core.recording import Lane, Recording
from app.core.records import LaneKind, State
from app.core.spans import Spans, overlap_ns

_MOST_PAIRS = 12
_MOST_HOLDERS = 64
"""Only those who held it longest are looked at when it is asked who made others wait."""


def gil_rows(recording: Recording, spans: Spans) -> list[dict[str, Any]]:
    """A row for each GIL, in order of their lanes."""
    return [_gil(recording, spans, lane) for lane in recording.lanes if lane.kind is LaneKind.GIL]


def _gil(recording: Recording, spans: Spans, lane: Lane) -> dict[str, Any]:
    """Utilisation, hand-overs and waits of one GIL. A hand-over is a take by another thread than the last holder."""
    held = spans.of(lane.id).in_state(State.GIL_HELD)
    holders = np.array([value for _text, _file, _line, value in recording.details])[held.detail]
    lifetime_ns = int(spans.of(lane.id).length.sum())
    handed = int((holders[1:] != holders[:-1]).sum()) if len(holders) else 0
    threads = _threads(recording, lane, holders)
    waits = spans.where(np.isin(spans.lane, [thread.id for thread in threads])).in_state(State.GIL_WAIT)
    return {
        "lane": lane.id,
        "held_ns": int(held.length.sum()),
        "utilisation": int(held.length.sum()) / lifetime_ns if lifetime_ns else 0.0,
        "takes": len(held.lane),
        "handovers": handed,
        "handovers_per_s": handed / (lifetime_ns / 1e9) if lifetime_ns else 0.0,
        "waited_ns": int(waits.length.sum()),
        "longest_wait": longest(recording, waits),
        "made_wait": _made_wait(held, holders, waits, threads),
    }


def _threads(recording: Recording, gil: Lane, holders: NDArray[np.float64]) -> list[Lane]:
    """The threads of its process; where that has several GILs, those that ever had this one."""
    threads = [lane for lane in recording.lanes if lane.kind is LaneKind.THREAD and lane.parent == gil.parent]
    others = [lane for lane in recording.lanes if lane.kind is LaneKind.GIL and lane.parent == gil.parent]
    return threads if len(others) == 1 else [thread for thread in threads if thread.tid in holders]


def _made_wait(held: Spans, holders: NDArray[np.float64], waits: Spans, threads: list[Lane]) -> list[dict[str, Any]]:
    """Who made whom wait for the GIL, and for how long: the time the one held it while the other waited. Largest first."""
    lane_of = {float(thread.tid): thread.id for thread in threads}
    tids, at = np.unique(holders, return_inverse=True)
    held_ns = np.bincount(at, held.length, minlength=len(tids)) if len(tids) else np.zeros(0)
    pairs = []
    for place in np.argsort(-held_ns)[:_MOST_HOLDERS].tolist():
        holder = lane_of.get(float(tids[place]))
        if holder is None or not len(waits.lane):
            continue
        waited = np.bincount(waits.lane, overlap_ns(waits.begin, waits.end, held.where(at == place))).astype(np.int64)
        pairs += [(int(waited[waiter]), holder, waiter) for waiter in np.flatnonzero(waited).tolist() if waiter != holder]
    longest_first = sorted(pairs, key=lambda pair: -pair[0])[:_MOST_PAIRS]
    return [{"holder": holder, "waiter": waiter, "duration_ns": ns} for ns, holder, waiter in longest_first]
