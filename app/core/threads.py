"""A thread's two observations made one state: what it does in libc, and whether it has the GIL.

    in a blocking call          → that call (sleep, lock, read, …), whatever the GIL
    otherwise, GIL taken        → running
    otherwise, GIL waited for   → gil-wait
    otherwise, GIL dropped      → no-gil: it runs C code, or is about to ask for the GIL
    otherwise, GIL left         → running: it may hold another one, which is not observed (a subinterpreter's, while that starts)
    the GIL is not observed     → running

Both are observed; here they are only laid over each other. Threads of C code that never took the GIL stay `running`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core import rows
from app.core.records import State
from app.core.tables import LaneTable

GIL_TAKE, GIL_DROP, GIL_WAIT, GIL_LEAVE, GIL_GONE = 1, 2, 3, 4, 5  # enum probe_gil in app/probe/probe.h

_SHOWN = np.array([State.RUNNING, State.RUNNING, State.GIL_RELEASED, State.GIL_WAIT, State.RUNNING], np.uint8)
"""What a thread that is in no call is shown as, by the last thing it said about the GIL (0: nothing)."""


def overlay(events: NDArray[np.void], lanes: LaneTable) -> NDArray[np.void]:
    """Rows of STATE and GIL kinds of thread lanes, in order of time, to rows of STATE kind that show both; updates `lanes`.

    A row that changes nothing is left out.
    """
    events = rows.in_order(events, "lane")
    lane = events["lane"]
    is_gil = events["kind"] == obs.Kind.GIL
    call = _carried(np.where(is_gil, 0, events["state"]), ~is_gil, lane, lanes.call)
    gil = _carried(np.where(is_gil, events["state"], 0), is_gil, lane, lanes.gil)
    shown = np.where(call == State.RUNNING, _SHOWN[np.minimum(gil, GIL_LEAVE)], call).astype(np.uint8)
    first = np.append(True, lane[1:] != lane[:-1])
    before = np.roll(shown, 1)
    before[first] = lanes.state[lane[first]]
    last = np.append(first[1:], True)
    lanes.call[lane[last]], lanes.gil[lane[last]] = call[last], gil[last]
    out = rows.copy(events)
    out["kind"], out["state"] = obs.Kind.STATE, shown
    bare = is_gil | (shown != events["state"])
    for column in ("text", "file", "line", "object", "holder"):
        out[column][bare] = 0
    out["value"][bare] = np.nan
    said = (shown != before) | (~bare & (shown != State.RUNNING))
    return rows.pick(out, said)


def _carried(
    values: NDArray[np.uint8], given: NDArray[np.bool_], lane: NDArray[np.uint32], former: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Each row's latest given value within its lane, else what the lane had before; rows are grouped by lane."""
    first = np.append(True, lane[1:] != lane[:-1])
    place = np.arange(len(lane))
    at = np.maximum.accumulate(np.where(given, place, -1))
    begin = np.maximum.accumulate(np.where(first, place, 0))
    known = at >= begin
    return np.where(known, values[np.where(known, at, 0)], former[lane]).astype(np.uint8)
