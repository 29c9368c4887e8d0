"""Time per state of threads, tasks and greenlets: a table of lanes by states in one pass, however many lanes there are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.facts.longest import WAITS, span_fact
from app.core.recording import Recording
from app.core.records import STATES, LaneKind, State
from app.core.spans import Spans

MOST_ROWS = 200
"""Of more lanes than these only the busiest have a row; all of them together are in the total."""
_STATES = max(State) + 1


def lane_facts(recording: Recording, spans: Spans, kind: LaneKind, kernel: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All lanes of a kind together, and a row for each (for the busiest `MOST_ROWS`, in order of their numbers)."""
    lanes = np.array([lane.id for lane in recording.lanes if lane.kind is kind], np.int64)
    own = spans.where(spans.kind == kind)
    times = _by_state(own, lanes)
    shown = _busiest(times)
    longest = _longest_waits(own, lanes[shown])
    strips = _strips(recording, spans, lanes[shown]) if kernel and kind is LaneKind.THREAD else None
    total = {
        "count": len(lanes),
        "shown": len(shown),
        "lifetime_ns": int(times.sum()),
        "states": _named(times.sum(axis=0)),
    }
    rows = [
        {
            "lane": int(lanes[at]),
            "lifetime_ns": int(times[at].sum()),
            **_on_core(strips, i),
            "states": _named(times[at]),
            "longest_wait": span_fact(recording, own, longest[int(lanes[at])]) if int(lanes[at]) in longest else None,
        }
        for i, at in enumerate(shown.tolist())
    ]
    return total, rows


def _by_state(spans: Spans, lanes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nanoseconds by (place of the lane in `lanes`, state). `lanes` is sorted and holds every lane of the spans."""
    at = np.searchsorted(lanes, spans.lane) * _STATES + spans.state
    sums = np.bincount(at, spans.length, minlength=len(lanes) * _STATES)  # exact: a double holds sums up to 104 days
    return sums.astype(np.int64).reshape(-1, _STATES)


def _busiest(times: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(times) <= MOST_ROWS:
        return np.arange(len(times))
    ran = times[:, State.RUNNING] + times[:, State.GIL_RELEASED]
    return np.sort(np.argsort(-ran, kind="stable")[:MOST_ROWS])


def _longest_waits(spans: Spans, lanes: NDArray[np.int64]) -> dict[int, int]:
    """Lane → place of its longest wait among the spans."""
    places = np.flatnonzero(np.isin(spans.lane, lanes) & np.isin(spans.state, [*WAITS, int(State.GIL_WAIT)]))
    ordered = places[np.lexsort((-places, spans.length[places], spans.lane[places]))]
    return dict(zip(spans.lane[ordered].tolist(), ordered.tolist(), strict=True))  # of one lane the last, the longest, stays


def _strips(recording: Recording, spans: Spans, threads: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Of each thread what its strip of CPU time says: time on a core, time preempted, and how often it left one either way."""
    above = np.array([lane.parent or 0 for lane in recording.lanes], np.int64)
    strips = spans.where(spans.kind == LaneKind.CPU)
    strips = strips.where(np.isin(above[strips.lane], threads))
    at = np.searchsorted(threads, above[strips.lane])

    def summed(state: State, weigh: bool) -> NDArray[np.int64]:
        there = strips.state == state
        return np.bincount(at[there], strips.length[there] if weigh else None, minlength=len(threads)).astype(np.int64)

    return {
        "on_cpu_ns": summed(State.ON_CPU, True),
        "preempted_ns": summed(State.PREEMPTED, True),
        "voluntary": summed(State.OFF_CPU, False),
        "involuntary": summed(State.PREEMPTED, False),
    }


def _on_core(strips: dict[str, NDArray[np.int64]] | None, at: int) -> dict[str, int | None]:
    names = ("on_cpu_ns", "preempted_ns", "voluntary", "involuntary")
    return {name: int(strips[name][at]) if strips else None for name in names}


def _named(times: NDArray[np.int64]) -> dict[str, int]:
    """Times by the states' names; several states may share one."""
    total: dict[str, int] = {}
    for state in np.flatnonzero(times).tolist():
        name = STATES[State(state)].name
        total[name] = total.get(name, 0) + int(times[state])
    return total
