"""A waiter whose timer has run out and that has not been run is ready from the moment the timer was due: computed, and it says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import rows
from app.core.objects import EVENT
from app.core.records import State
from app.core.tables import LaneTable

LATE_NS = 1_000
"""A timer this much overdue has left its waiter ready; less is the clock's own grain."""
OVERDUE_SHOWN_NS = 20_000_000
"""While a run is live, an overdue waiter is shown as ready without waiting for its next record after this time."""


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
    ready = rows.pick(events, at)
    ready["t"], ready["state"], ready["value"] = due_before[at], State.READY, np.nan
    ready["text"], ready["file"], ready["line"], ready["object"], ready["holder"] = due_text, 0, 0, 0, 0
    redundant = again | (overdue & (events["state"] == State.READY))
    place = np.insert(np.arange(len(events)), at, len(events) + np.arange(len(at)))
    keep = np.insert(~redundant, at, True)
    return rows.pick(rows.join([events, ready]), place[keep])


def overdue(lanes: LaneTable, now_ns: int, due_text: int) -> NDArray[np.void]:
    """Rows of waiters that are ready by now, though nothing has come of it yet; `lanes` takes them as said."""
    due = lanes.due_ns[: lanes.count]
    late = np.flatnonzero((due != 0) & (due + np.uint64(OVERDUE_SHOWN_NS) < np.uint64(max(now_ns, 0))))
    out = np.zeros(len(late), EVENT)
    out["lane"], out["t"], out["state"], out["value"] = late, due[late], State.READY, np.nan
    out["text"] = due_text
    lanes.state[late], lanes.last_ns[late], lanes.due_ns[late] = State.READY, due[late], 0
    return rows.in_order(out, "t")
