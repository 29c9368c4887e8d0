"""Context switches laid out as lanes: which thread each core ran, and where each thread was.

A core's lane is `running` (detail: the thread id) or `idle`, which also means that it ran somebody else's program; an exit
ends a stay as a switch does, since the kernel tells no switch away from a thread that is no more. A thread's
own strip, a lane of kind CPU below it, is `on a core` (detail: which), `preempted` (it could have run) or `off` (it waited).
Where records were lost, core and whoever was last seen on it are `unobserved` until their next record.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from app.core import rows
from app.core.records import LaneKind, State
from app.core.tables import LaneTable, StringTable


class What(IntEnum):
    """What a context-switch record says of its thread."""

    IN = 1
    OUT = 2
    PREEMPTED = 3
    EXIT = 4
    EXEC = 6
    """`tid` is a process that has become another program: whatever thread it was, it goes on under this number."""
    LOST = 5
    """Records of this core are missing from here on; `tid` says nothing."""


SWITCH = np.dtype([("t", "<u8"), ("tid", "<u4"), ("core", "<u4"), ("what", "u1")])
"""One context switch: absolute nanoseconds, thread id as the run's own namespace counts, core, What."""

_ROW = np.dtype([("t", "<u8"), ("lane", "<u4"), ("state", "u1"), ("value", "<f8")])
_KEPT_NS, _KEPT = 5_000_000_000, 1 << 15
"""For how long, and how many, switches wait for their thread to say that it is there: longer than it may be kept off the cores
between its first moment and its first word. Programs that are not observed never say it."""
_STRIP_STATE = np.full(7, State.UNOBSERVED, np.uint8)
_STRIP_STATE[[What.IN, What.OUT, What.PREEMPTED, What.EXIT]] = [State.ON_CPU, State.OFF_CPU, State.PREEMPTED, State.FINISHED]


class KernelLanes:
    """Core lanes and the strips of threads. Switches of threads that have no lane show on the cores only; where the lane comes
    later, they show on its strip then."""

    def __init__(self, lanes: LaneTable, strings: StringTable) -> None:
        self._lanes, self._strings = lanes, strings
        self._cores: dict[int, int] = {}
        self._strips: dict[int, int] = {}
        self.strips: list[int] = []
        self._pids: dict[int, list[int]] = {}
        self._unclaimed = np.empty(0, SWITCH)
        self._asked = 0
        """How many strips there were when somebody last looked whose the unclaimed are."""
        self._on: dict[int, int] = {}
        """Core → the thread that was last seen to come there and not to leave."""
        self.switches = 0

    def open_strip(self, t_ns: int, thread: int, pid: int, tid: int) -> int:
        """The strip of a thread whose lane has just been opened; the thread said so itself, so it is on a core."""
        name = self._strings.number("cpu")
        self._strips[tid] = self._lanes.open(t_ns, thread, LaneKind.CPU, name, pid, tid)
        self._pids.setdefault(pid, []).append(tid)
        self.strips.append(self._strips[tid])
        return self._strips[tid]

    def strip_of(self, tid: int) -> int | None:
        """The strip that now shows this thread id, None where it has none or its thread is gone."""
        strip = self._strips.get(tid)
        return None if strip is None or int(self._lanes.state[strip]) == State.FINISHED else strip

    def rows(self, switches: NDArray[np.void]) -> NDArray[np.void]:
        """States of core lanes and strips, as rows of (t, lane, state, value)."""
        self.switches += len(switches)
        execs = rows.pick(switches, switches["what"] == What.EXEC)
        switches = self._with_the_lost(rows.pick(switches, switches["what"] != What.EXEC))
        return rows.join([self._core_rows(switches), self._strip_rows(self._with_ends_by_exec(switches, execs))])

    def _with_ends_by_exec(self, switches: NDArray[np.void], execs: NDArray[np.void]) -> NDArray[np.void]:
        """Every thread of a program that gave way to another ends with it."""
        ends = []
        for t, pid, core, _what in execs.tolist():
            tids = [tid for tid in self._pids.pop(pid, ()) if tid in self._strips]
            former = [tid for tid in tids if int(self._lanes.opened_ns[self._strips[tid]]) < t]
            ends += [(t, tid, core, What.EXIT) for tid in former]
            self._pids[pid] = [tid for tid in tids if tid not in former]  # the new program's, if it has spoken already
        if not ends:
            return switches
        return rows.in_order(rows.join([switches, np.array(ends, SWITCH)]), "t")

    def _with_the_lost(self, switches: NDArray[np.void]) -> NDArray[np.void]:
        """The same, but LOST rows name the thread that was on their core: nobody knows when it left."""
        out = rows.copy(switches)
        for core in np.unique(out["core"]).tolist():
            at = np.flatnonzero(out["core"] == core)
            here = np.append(self._on.get(core, 0), np.where(out["what"][at] == What.IN, out["tid"][at], 0))
            lost = out["what"][at] == What.LOST
            out["tid"][at[lost]] = here[:-1][lost]
            self._on[core] = int(here[-1])
        return out

    def _core_rows(self, switches: NDArray[np.void]) -> NDArray[np.void]:
        out = np.zeros(len(switches), _ROW)
        out["t"] = switches["t"]
        for core in np.unique(switches["core"]).tolist():
            if core not in self._cores:
                first = int(switches["t"][switches["core"] == core][0])
                name = self._strings.number(f"core {core}")
                self._cores[core] = self._lanes.open(first, 0, LaneKind.CORE, name, 0, 0)
            out["lane"][switches["core"] == core] = self._cores[core]
        came = switches["what"] == What.IN
        out["state"] = np.where(came, State.ON_CPU, State.CORE_IDLE)
        out["state"][switches["what"] == What.LOST] = State.UNOBSERVED
        out["value"] = np.where(came, switches["tid"], np.nan)
        return out

    def _strip_rows(self, switches: NDArray[np.void]) -> NDArray[np.void]:
        if len(self.strips) > self._asked:  # else they are nobody's still, and may be many
            switches, self._unclaimed = rows.join([self._unclaimed, switches]), np.empty(0, SWITCH)
            self._asked = len(self.strips)
        tids, of = np.unique(switches["tid"], return_inverse=True)
        lane_of = np.array([self._strips.get(tid, 0) for tid in tids.tolist()], np.uint32)[of]
        begun = (lane_of != 0) & (switches["t"] >= self._lanes.opened_ns[lane_of])
        exits = np.flatnonzero(begun & (switches["what"] == What.EXIT))
        ended, first = np.unique(of[exits], return_index=True)
        until = np.full(len(tids), len(switches))
        until[ended] = exits[first]
        begun &= np.arange(len(switches)) <= until[of]  # later the number is another's: a thread that called exec has it
        for tid in tids[ended].tolist():
            self._strips.pop(tid, None)
        self._keep(rows.pick(switches, lane_of == 0))
        out = np.zeros(int(begun.sum()), _ROW)
        known = rows.pick(switches, begun)
        out["t"], out["lane"], out["state"] = known["t"], lane_of[begun], _STRIP_STATE[known["what"]]
        out["value"] = np.where(known["what"] == What.IN, known["core"], np.nan)
        return out

    def _keep(self, unclaimed: NDArray[np.void]) -> None:
        if len(unclaimed):
            kept = rows.join([self._unclaimed, unclaimed])[-_KEPT:]
            self._unclaimed = rows.pick(kept, kept["t"] + np.uint64(_KEPT_NS) > kept["t"].max())
