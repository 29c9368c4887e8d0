"""Checks of locks: a cycle of threads that wait for each other."""

from __future__ import annotations

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen, span_of
from app.core.waitcycle import wait_cycle


@check
def waits_in_a_cycle(seen: Seen, *, least: int = 2, most: float = float("inf")) -> Verdict:
    """At its end so many threads each waited for a lock that the next of them held; `most = 0`: there was no such cycle.

    Figures: `threads`, `stuck_ns` (since the cycle was closed).
    """
    if why := seen.lacks("thread"):
        return unobservable(why)
    cycle = [wait.at for wait in wait_cycle(seen.recording, seen.spans)]
    stuck = min((int(seen.spans.length[at]) for at in cycle), default=0)
    figures = {"threads": len(cycle), "stuck_ns": stuck}
    return Verdict(least <= len(cycle) <= most, figures, [span_of(seen.spans, at) for at in cycle])
