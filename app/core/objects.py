"""What a call was about: which descriptor is what, which lock it was and who had it, how many bytes it moved.

An OBJECT record says once what a descriptor is, until the next one says otherwise; an ABOUT record speaks of the next state of
its lane alone. Both come in ring order, before what they speak of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core import rows
from app.core.process import UNKNOWN, ProcessNumbers
from app.core.records import STATES, State, Unit

MAX_DESCRIPTOR = 1 << 16
"""A descriptor above this is not described; a process that names a higher one may be lying."""
MAX_WAITING = 4096
"""ABOUT records whose state has not come yet, kept from one batch to the next."""
KINDS = (obs.Kind.OBJECT, obs.Kind.ABOUT)

EVENT = np.dtype(
    [
        ("t", "<u8"),
        ("lane", "<u4"),
        ("kind", "u1"),
        ("state", "u1"),
        ("text", "<u4"),
        ("file", "<u4"),
        ("line", "<u4"),
        ("value", "<f8"),
        ("object", "<u4"),
        ("holder", "<u4"),
        ("how", "u1"),
        ("moved", "<u8"),
    ]
)
"""A record in the recording's own numbering. `value` of a flow is the lane it leads to; `holder` is a lane, or, where `how` is
`Other.THREAD`, a thread id that `take` looks up; `moved` is what a call that has returned has read or written (observations.MOVED_…)."""

_OF_DESCRIPTOR = np.array([state for state, spec in STATES.items() if spec.unit is Unit.DESCRIPTOR], np.uint8)


class ProcessObjects:
    """What one process has said of its descriptors and of the waits that are about to begin."""

    def __init__(self) -> None:
        self._described = np.zeros(256, np.uint32)
        self._waiting = np.empty(0, obs.RECORD)

    def attach(self, numbers: ProcessNumbers, records: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """The records that are events, and a row for each with its columns object, holder, how and moved filled in."""
        records = rows.join([self._waiting, records])
        told = np.zeros(len(records), EVENT)
        texts = numbers.strings(records["text"])
        self._tell_waits(numbers, records, texts, told)
        self._tell_descriptors(records, texts, told)
        kept = ~np.isin(records["kind"], KINDS)
        return rows.pick(records, kept), rows.pick(told, kept)

    def _tell_waits(
        self, numbers: ProcessNumbers, records: NDArray[np.void], texts: NDArray[np.uint32], told: NDArray[np.void]
    ) -> None:
        self._waiting = records[:0]
        if not (records["kind"] == obs.Kind.ABOUT).any():
            return
        order = np.flatnonzero((records["kind"] == obs.Kind.ABOUT) | (records["kind"] == obs.Kind.STATE))
        order = order[np.argsort(records["lane"][order], kind="stable")]
        about = records["kind"][order] == obs.Kind.ABOUT
        goes_on = np.append(records["lane"][order][1:] == records["lane"][order][:-1], False)
        self._waiting = rows.pick(records, order[about & ~goes_on])[-MAX_WAITING:]
        at = np.flatnonzero(about & goes_on & ~np.append(about[1:], False))
        said, of = order[at], order[at + 1]
        how, who = records["state"][said], records["value"][said]
        lanes = numbers.lanes(who)
        told["object"][of] = texts[said]
        told["how"][of] = np.where(how == obs.Other.THREAD, how, 0)
        known = np.where(how == obs.Other.LANE, np.where(lanes == UNKNOWN, 0, lanes), 0)
        told["holder"][of] = np.where(how == obs.Other.THREAD, np.minimum(who, np.uint64(0xFFFF_FFFF)), known)

    def _tell_descriptors(self, records: NDArray[np.void], texts: NDArray[np.uint32], told: NDArray[np.void]) -> None:
        is_state = records["kind"] == obs.Kind.STATE
        has = is_state & (records["value"] != obs.NO_VALUE)
        moved, pipes = has & (records["state"] == State.RUNNING), has & (records["state"] == State.PIPE)
        told["moved"][moved] = records["value"][moved]
        told["moved"][pipes] = records["value"][pipes] & np.uint64(obs.MOVED_WRITE)
        plain = records["value"] & ~np.where(pipes, np.uint64(obs.MOVED_WRITE), np.uint64(0))
        fd = np.where(moved, records["value"] >> np.uint64(obs.MOVED_FD_SHIFT) & np.uint64(obs.MOVED_FD_MASK), plain)
        inside = fd < MAX_DESCRIPTOR
        of = np.flatnonzero(inside & (moved | (is_state & np.isin(records["state"], _OF_DESCRIPTOR))))
        defined = np.flatnonzero(inside & (records["kind"] == obs.Kind.OBJECT))
        highest = int(fd[np.concatenate([of, defined])].max(initial=0))
        if highest >= len(self._described):
            self._described = np.append(self._described, np.zeros(highest + 1 - len(self._described), np.uint32))
        words = self._described[fd[of].astype(np.int64)]
        if len(defined):
            defined = defined[np.lexsort((defined, fd[defined]))]
            place = np.uint64(len(records))
            latest = np.searchsorted(fd[defined] * place + defined.astype(np.uint64), fd[of] * place + of.astype(np.uint64)) - 1
            here = (latest >= 0) & (fd[defined][latest] == fd[of])
            words = np.where(here, texts[defined][latest], words)
            self._described[fd[defined].astype(np.int64)] = texts[defined]  # of several, numpy keeps the last
        named = told["object"][of] == 0
        told["object"][of[named]] = words[named]
