"""How whatever of a process has not ended ends with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core.objects import EVENT
from app.core.process import ProcessNumbers
from app.core.records import LaneKind, State
from app.core.tables import LaneTable

LASTING = (State.FINISHED, State.FAILED, State.CANCELLED, State.KILLED)
"""States that a lane does not leave."""
_CUT_SHORT = (LaneKind.THREAD, LaneKind.TASK, LaneKind.GREENLET)
"""What has not ended when its process does, was cut short by that; loops and the GIL merely end, strips by the kernel's word."""


def end_ns(numbers: ProcessNumbers, lanes: LaneTable, noticed_ns: int) -> int:
    """When the process ended: its own word, or the kernel's of its last thread, is earlier than our noticing."""
    if not _killed(numbers, lanes):
        return int(lanes.last_ns[numbers.lane])
    strips = _strips(numbers, lanes)
    gone = len(strips) and (lanes.state[strips] == State.FINISHED).all()
    return min(noticed_ns, int(lanes.last_ns[strips].max())) if gone else noticed_ns


def ends(numbers: ProcessNumbers, lanes: LaneTable, t_ns: int) -> NDArray[np.void]:
    """The last state of those of its lanes (its own is the first) that have none yet."""
    opened = np.array(numbers.opened, np.uint32)
    kind, state = lanes.kind[opened], lanes.state[opened]
    killed = _killed(numbers, lanes)
    end = np.where(killed | np.isin(kind, _CUT_SHORT), State.KILLED, State.FINISHED)
    if not killed:  # the process's end is its first thread's own
        end[np.flatnonzero(kind == LaneKind.THREAD)[:1]] = state[0]
    left = ~np.isin(state, LASTING)
    events = np.zeros(int(left.sum()), EVENT)
    events["t"], events["lane"], events["kind"], events["value"] = t_ns, opened[left], obs.Kind.STATE, np.nan
    events["state"] = end[left]
    return events


def _strips(numbers: ProcessNumbers, lanes: LaneTable) -> NDArray[np.intp]:
    """The lanes on which the kernel says when each of its threads had a core."""
    known = slice(0, lanes.count)
    return np.flatnonzero((lanes.kind[known] == LaneKind.CPU) & np.isin(lanes.parent[known], numbers.opened))


def _killed(numbers: ProcessNumbers, lanes: LaneTable) -> bool:
    return int(lanes.state[numbers.lane]) not in (State.FINISHED, State.FAILED)
