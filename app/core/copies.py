"""A read is two phases in one call: waiting until there is data, and copying it. Where the one ends is derived, not observed.

    read ──────────────── woken ── copy ── returned
                          the thread's last switch-in that followed a wait, as the kernel's strip shows it

A read during which the kernel never had its thread off the core has not waited: all of it is the copy. Without the kernel's
switches nothing is split. A read that failed, or found the end, copies nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core import rows
from app.core.objects import EVENT
from app.core.records import LaneKind, State
from app.core.tables import LaneTable

_READS = (State.READ, State.PIPE)
_CALLS = (*_READS, State.WRITE)

FIRST_OWN = 3
"""Descriptors below are inherited by programs that are not observed."""

MOVED = np.dtype(
    [("begin", "<u8"), ("t", "<u8"), ("lane", "<u4"), ("object", "<u4"), ("writes", "?"), ("bytes", "<u8")],
)
"""A call that has returned and moved bytes: when it began and returned, its thread, its descriptor's description, direction."""


class Calls:
    """Calls that read or write, from their two records; what has begun and not returned is remembered from batch to batch."""

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        self._open: dict[int, NDArray[np.void]] = {}
        self._woken_ns: dict[int, int] = {}

    def take(self, due: NDArray[np.void], kernel: bool) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Rows in order of time, with a COPY state put into each read that copied; and what was moved, as rows of MOVED."""
        woken = self._woken(due) if kernel else np.empty(0, np.intp)
        states = np.flatnonzero((due["kind"] == obs.Kind.STATE) & (self._lanes.kind[due["lane"]] == LaneKind.THREAD))
        states = states[np.argsort(due["lane"][states], kind="stable")]
        ends = np.flatnonzero((due["moved"][states] != 0) & (due["state"][states] == State.RUNNING))
        begins = self._begins(due, states, ends)
        called = np.isin(begins["state"], _CALLS)
        returned, begins = states[ends[called]], rows.pick(begins, called)
        moved = _moved(rows.pick(due, returned), begins)
        self._remember(due, states)
        reads = ~moved["writes"] & (moved["bytes"] > 0) & np.isin(begins["state"], _READS)
        picked = (returned[reads], rows.pick(begins, reads), rows.pick(moved, reads))
        copies = self._copies(due, *picked, woken) if kernel else due[:0]
        due["object"][returned] = 0
        if kernel:
            self._remember_woken(due, woken)
        if not len(copies):
            return due, moved
        return rows.in_order(rows.join([due, copies]), "t"), moved

    def going_on(self) -> NDArray[np.void]:
        """Calls that have begun and not returned, as rows of MOVED without an end."""
        if not self._open:
            return np.empty(0, MOVED)
        begins = rows.join(list(self._open.values()))
        out = np.zeros(len(begins), MOVED)
        out["begin"], out["lane"], out["object"] = begins["t"], begins["lane"], begins["object"]
        out["writes"] = (begins["state"] == State.WRITE) | (begins["moved"] != 0)
        return out

    def _begins(self, due: NDArray[np.void], states: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.void]:
        """The state each of these ended: the row before it on its lane, here or in an earlier batch."""
        begins = rows.pick(due, states[np.maximum(ends - 1, 0)])
        lane = due["lane"][states]
        earlier = (ends == 0) | (lane[np.maximum(ends - 1, 0)] != lane[ends])
        for at in np.flatnonzero(earlier).tolist():
            begins[at] = self._open.get(int(lane[ends[at]]), np.zeros(1, EVENT))[0]
        return begins

    def _remember(self, due: NDArray[np.void], states: NDArray[np.intp]) -> None:
        lane = due["lane"][states]
        for at in states[np.append(lane[1:] != lane[:-1], True)[: len(lane)]].tolist():
            if due["state"][at] in _CALLS:
                self._open[int(due["lane"][at])] = rows.copy(due[at : at + 1])
            else:
                self._open.pop(int(due["lane"][at]), None)

    def _woken(self, due: NDArray[np.void]) -> NDArray[np.intp]:
        """Rows at which a thread came onto a core after it had waited, by thread, then time; a preempted one had not."""
        strips = np.flatnonzero((due["kind"] == obs.Kind.STATE) & (self._lanes.kind[due["lane"]] == LaneKind.CPU))
        strips = strips[np.argsort(due["lane"][strips], kind="stable")]
        lane, state = due["lane"][strips], due["state"][strips]
        before = np.roll(state, 1)
        first = np.append(True, lane[1:] != lane[:-1])[: len(lane)]
        before[first] = self._lanes.state[lane[first]]
        found: NDArray[np.intp] = strips[(state == State.ON_CPU) & (before != State.PREEMPTED)]
        return found[np.lexsort((found, self._lanes.parent[due["lane"][found]]))]

    def _remember_woken(self, due: NDArray[np.void], woken: NDArray[np.intp]) -> None:
        thread = self._lanes.parent[due["lane"][woken]]
        last = np.append(thread[1:] != thread[:-1], True)[: len(thread)]
        self._woken_ns.update(zip(thread[last].tolist(), due["t"][woken[last]].tolist(), strict=True))

    def _copies(
        self,
        due: NDArray[np.void],
        returned: NDArray[np.intp],
        begins: NDArray[np.void],
        moved: NDArray[np.void],
        woken: NDArray[np.intp],
    ) -> NDArray[np.void]:
        thread = due["lane"][returned].astype(np.int64)
        former = np.array([self._woken_ns.get(lane, 0) for lane in thread.tolist()], np.uint64)
        whose = self._lanes.parent[due["lane"][woken]].astype(np.int64)
        place = len(due) + 1
        latest = np.searchsorted(whose * place + woken, thread * place + returned) - 1
        at_ns = former
        if len(woken):
            at_ns = np.where((latest >= 0) & (whose[latest] == thread), due["t"][woken[latest]], former)
        copies = rows.copy(begins)
        copies["t"] = np.maximum(at_ns, begins["t"])
        copies["state"], copies["value"], copies["object"] = State.COPY, moved["bytes"], moved["object"]
        return copies


def _moved(ends: NDArray[np.void], begins: NDArray[np.void]) -> NDArray[np.void]:
    out = np.zeros(len(ends), MOVED)
    out["begin"], out["t"], out["lane"] = begins["t"], ends["t"], ends["lane"]
    fd = ends["moved"] >> np.uint64(obs.MOVED_FD_SHIFT) & np.uint64(obs.MOVED_FD_MASK)
    out["object"] = np.where(fd < FIRST_OWN, 0, ends["object"])
    out["writes"] = ends["moved"] >> np.uint64(63) != 0
    out["bytes"] = ends["moved"] & np.uint64(obs.MOVED_BYTES_MASK)
    return out
