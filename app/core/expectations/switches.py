"""Checks of the kernel's context switches: how many it made for what was going on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen, longest
from app.core.records import LaneKind, MarkKind, State
from app.core.spans import Spans

_LEFT = (State.OFF_CPU, State.PREEMPTED)


@check
def kernel_switches(
    seen: Seen, *, kind: str, named: str = "", each: float = 1, least: float = 0.0, most: float = float("inf")
) -> Verdict:
    """While such a lane lived, its thread was switched out so many times, in each of `each` round trips.

    Of a process that is all its threads, of a task or greenlet the thread it runs on; of several lanes, the one with the most.
    Figures: `switches`, `switches_each`.
    """
    if why := seen.lacks(kind) or seen.lacks("cpu"):
        return unobservable(why)
    lost = int((seen.recording.end or {}).get("switches_lost", 0))
    counted = [_left(seen, lane) for lane in seen.lanes(kind, named).tolist()]
    if not counted:
        return Verdict(False, {"switches": 0, "switches_each": 0.0})
    left = max(counted, key=lambda spans: len(spans.lane))
    per = len(left.lane) / each
    if lost and per < least:
        return unobservable("switches-lost")
    return Verdict(least <= per <= most, {"switches": len(left.lane), "switches_each": per}, longest(left, 1))


@check
def keeps_its_core(seen: Seen, *, most: int = 0) -> Verdict:
    """From the first printed line to the last, no thread gave up its core to wait more often than that. Figures: `waits`, `preemptions`."""
    if why := seen.lacks("cpu"):
        return unobservable(why)
    marks = seen.recording.marks
    printed = marks["t"][marks["kind"] == MarkKind.STDOUT].astype(np.int64)
    if len(printed) < 2:
        return Verdict(False, {"waits": 0, "preemptions": 0})
    strips = seen.stays("cpu")
    between = strips.where((strips.begin >= printed.min()) & (strips.begin < printed.max()))
    waits = between.in_state(State.OFF_CPU)
    figures = {"waits": len(waits.lane), "preemptions": len(between.in_state(State.PREEMPTED).lane)}
    return Verdict(len(waits.lane) <= most, figures, longest(waits, 2))


def _left(seen: Seen, lane: int) -> Spans:
    """What the threads of a lane spent off their cores while it lived, each beginning with a switch."""
    own = seen.spans.of(lane)
    strips = seen.spans.where(np.isin(seen.spans.lane, _strips(seen, lane))).in_state(*_LEFT)
    if not len(own.lane):
        return strips.where(np.zeros(len(strips.lane), bool))
    return strips.where((strips.begin >= own.begin.min()) & (strips.begin < own.end.max()))


def _strips(seen: Seen, lane: int) -> NDArray[np.int64]:
    lanes = seen.recording.lanes
    strips = [other for other in lanes if other.kind is LaneKind.CPU]
    if lanes[lane].kind is LaneKind.PROCESS:
        return np.array([strip.id for strip in strips if strip.pid == lanes[lane].pid], np.int64)
    at: int | None = lane
    while at and lanes[at].kind is not LaneKind.THREAD:
        at = lanes[at].parent
    return np.array([strip.id for strip in strips if strip.parent == at], np.int64)
