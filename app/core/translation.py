"""A process's records become rows in the recording's own numbers, and what it said of its GILs the states of their lanes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core import rows
from app.core.process import UNKNOWN, ProcessNumbers
from app.core.records import State
from app.core.tables import LaneTable
from app.core.threads import GIL_DROP, GIL_GONE, GIL_TAKE

MOST_GILS = 256
"""That one process may have had: PROBE_MOST_GILS of app/probe/probe.h."""

_OF_GIL = {GIL_TAKE: State.GIL_HELD, GIL_DROP: State.GIL_FREE, GIL_GONE: State.FINISHED}


def translate(numbers: ProcessNumbers, records: NDArray[np.void], events: NDArray[np.void]) -> NDArray[np.void]:
    """Fills `events` (EVENT rows, one a record) and gives those of them whose lanes are known; the others are lost."""
    for column in ("kind", "state", "line"):
        events[column] = records[column]
    events["t"] = records["t_ns"]
    events["lane"] = numbers.lanes(records["lane"])
    events["text"] = numbers.strings(records["text"])
    events["file"] = numbers.strings(records["file"])
    events["value"] = np.where(records["value"] == obs.NO_VALUE, np.nan, records["value"].astype(np.float64))
    _say_directions(records, events)
    _say_where_flows_lead(numbers, records, events)
    lost = (events["lane"] == UNKNOWN) | ((events["kind"] == obs.Kind.FLOW) & np.isnan(events["value"]))
    lost |= (events["kind"] == obs.Kind.GIL) & ~(events["value"] < MOST_GILS)
    return rows.pick(events, ~lost) if lost.any() else events


def _say_directions(records: NDArray[np.void], events: NDArray[np.void]) -> None:
    moved = (events["moved"] != 0) & (events["state"] == State.RUNNING)
    pipes = (events["state"] == State.PIPE) & (events["moved"] != 0)
    descriptor = records["value"] & ~np.uint64(obs.MOVED_WRITE)
    events["value"] = np.where(moved, np.nan, np.where(pipes, descriptor, events["value"]))


def _say_where_flows_lead(numbers: ProcessNumbers, records: NDArray[np.void], events: NDArray[np.void]) -> None:
    far = records["kind"] == obs.Kind.FAR_FLOW
    events["kind"][far], events["how"][far] = obs.Kind.FLOW, obs.Other.THREAD
    events["holder"][far] = np.minimum(records["value"][far], np.uint64(0xFFFF_FFFF))
    events["value"][far] = events["lane"][far]
    to_lane = (records["kind"] == obs.Kind.FLOW) | ((records["kind"] == obs.Kind.STATE) & (records["state"] == State.WAIT_TASK))
    if to_lane.any():
        led = numbers.lanes(records["value"][to_lane].astype(np.uint32)).astype(np.float64)
        events["value"][to_lane] = np.where(led == float(UNKNOWN), np.nan, led)


def of_gils(numbers: ProcessNumbers, events: NDArray[np.void], lanes: LaneTable) -> NDArray[np.void]:
    """Takes and drops as states of the lanes of the process's GILs; the detail of `held` is the holder's thread id."""
    told = rows.pick(events, (events["kind"] == obs.Kind.GIL) & np.isin(events["state"], list(_OF_GIL)))
    said, of = told["state"].copy(), told["value"].astype(np.int64)
    told["value"] = np.where(said == GIL_TAKE, lanes.tid[told["lane"]], np.nan)
    for what, state in _OF_GIL.items():
        told["state"][said == what] = state
    for number in np.unique(of).tolist():
        mine = of == number
        told["lane"][mine] = numbers.gil_lane(int(told["t"][mine].min()), number)
    told["kind"] = obs.Kind.STATE
    return told


def of_threads(events: NDArray[np.void]) -> NDArray[np.void]:
    """Without what is about a GIL alone: that it is gone is no news of a thread."""
    return rows.pick(events, (events["kind"] != obs.Kind.GIL) | (events["state"] != GIL_GONE))


def resolved(due: NDArray[np.void], lanes: LaneTable) -> NDArray[np.void]:
    """Threads that were named by their id, which may be another process's, become lanes; what names itself, nobody."""
    far = np.flatnonzero(due["how"] == obs.Other.THREAD)
    tids, of = np.unique(due["holder"][far], return_inverse=True)
    due["holder"][far] = np.array([lanes.thread(tid) for tid in tids.tolist()], due["holder"].dtype)[of]
    own = due["holder"] == due["lane"]
    due["holder"][own] = 0
    flows = far[due["kind"][far] == obs.Kind.FLOW]
    due["lane"][flows] = due["holder"][flows]
    kept = np.ones(len(due), bool)
    kept[flows] = due["holder"][flows] != 0
    return rows.pick(due, kept)
