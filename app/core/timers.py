"""A waiter whose timer has run out and that has not been run is ready from the moment the timer was due: computed, and it says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.records import State

LATE_NS = 1_000
"""A timer this much overdue has left its waiter ready; less is the clock's own grain."""


def whole(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    return np.where(np.isnan(values) | (values < 0) | (values > 1e18), 0, values).astype(np.uint64)


def ready_when_due(
    events: NDArray[np.void], due_before: NDArray[np.uint64], state_before: NDArray[np.uint8], due_text: int
) -> NDArray[np.void]:
    """Between a timer's wait and what came after it, put the moment it was due; drop a ready that says nothing new."""
    goes_on = (events["state"] == State.RUNNING) | (events["state"] == State.READY)
    overdue = (due_before != 0) & goes_on & (events["t"] > due_before + np.uint64(LATE_NS))
    again = (events["state"] == State.READY) & (state_before == State.READY)
    if not overdue.any() and not again.any():
        return events
    at = np.flatnonzero(overdue)
    ready = events[at].copy()
    ready["t"], ready["state"], ready["value"] = due_before[at], State.READY, np.nan
    ready["text"], ready["file"], ready["line"], ready["object"], ready["holder"] = due_text, 0, 0, 0, 0
    redundant = again | (overdue & (events["state"] == State.READY))
    merged = np.insert(events, at, ready)
    keep = np.insert(~redundant, at, True)
    kept: NDArray[np.void] = merged[keep]
    return kept
