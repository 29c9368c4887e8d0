"""Checks of event loops: stalls, and what became ready together."""

from __future__ import annotations

import numpy as np

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen, longest
from app.core.spans import steps


def _kinds_lacking(seen: Seen) -> str:
    """Why neither tasks nor greenlets were observed, "" when one of them was."""
    return seen.lacks("task") and seen.lacks("greenlet")


@check
def stall(seen: Seen, *, least_s: float = 0.0, most_s: float = float("inf"), named: str = "") -> Verdict:
    """The longest time a task or greenlet was ready and did not get to run lies within these bounds. Figure: `stall_ns`."""
    if why := _kinds_lacking(seen):
        return unobservable(why)
    ready = [seen.stays(kind, named, "ready") for kind in ("task", "greenlet")]
    spans = max(ready, key=lambda stays: int(stays.length.max(initial=0)))
    ns = int(spans.length.max(initial=0))
    return Verdict(least_s * 1e9 <= ns <= most_s * 1e9, {"stall_ns": ns}, longest(spans, 1))


@check
def ready_together(seen: Seen, *, least: int, named: str = "") -> Verdict:
    """At some moment so many tasks or greenlets were ready, none of them running yet. Figure: `ready`."""
    if why := _kinds_lacking(seen):
        return unobservable(why)
    ready = [seen.stays(kind, named, "ready") for kind in ("task", "greenlet")]
    most = [int(steps(stays.begin, stays.end)[1].max(initial=0)) for stays in ready]
    best = int(np.argmax(most))
    return Verdict(most[best] >= least, {"ready": most[best]}, longest(ready[best], 2))
