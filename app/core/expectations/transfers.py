"""Checks of reads: the wait for data, the copy, and those that were refused."""

from __future__ import annotations

from typing import Any

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen
from app.core.reads import Read, reads_of


def _reads(seen: Seen, named: str) -> list[Read]:
    return reads_of(seen.recording, seen.spans, seen.lanes("thread", named).tolist())


def _phase(read: Read, begin_ns: int) -> dict[str, Any]:
    return {"lane": read.lane, "t_ns": begin_ns, "duration_ns": read.end_ns - begin_ns, "state": "read"}


@check
def waits_then_copies(seen: Seen, *, named: str, least_share: float = 0.8) -> Verdict:
    """Those threads' longest read that brought data was off the cores for that share of it at least, and on one at its end.

    Figures: `wait_ns`, `copy_ns`. The first span is the copy, the second the whole read.
    """
    if why := seen.lacks("thread") or seen.lacks("cpu"):
        return unobservable(why)
    read = max((one for one in _reads(seen, named) if not one.refused), key=lambda one: one.end_ns - one.begin_ns, default=None)
    if read is None:
        return Verdict(False, {"wait_ns": 0, "copy_ns": 0})
    waits = read.waited_ns >= least_share * (read.end_ns - read.begin_ns)
    spans = [_phase(read, read.copy_begin_ns), _phase(read, read.begin_ns)]
    return Verdict(waits and read.copy_ns > 0, {"wait_ns": read.waited_ns, "copy_ns": read.copy_ns}, spans)


@check
def copies_without_waiting(seen: Seen, *, named: str, least: int = 1, most_ms: float = 1.0) -> Verdict:
    """At least so many reads of those threads brought data, and together they waited for no longer than that.

    Figures: `reads`, `wait_ns`, `copy_ns` (of the longest). The spans are the copies.
    """
    if why := seen.lacks("thread") or seen.lacks("cpu"):
        return unobservable(why)
    reads = sorted((one for one in _reads(seen, named) if not one.refused), key=lambda one: -one.copy_ns)
    waited = sum(one.waited_ns for one in reads)
    figures = {"reads": len(reads), "wait_ns": waited, "copy_ns": reads[0].copy_ns if reads else 0}
    spans = [_phase(one, one.copy_begin_ns) for one in reads[:3]]
    return Verdict(len(reads) >= least and waited <= most_ms * 1e6, figures, spans)


@check
def reads_refused(seen: Seen, *, named: str, least: float = 0, most: float = float("inf")) -> Verdict:
    """So many reads of those threads came back with EAGAIN. Figure: `refused`. The spans are the first two."""
    if why := seen.lacks("thread"):
        return unobservable(why)
    refused = [one for one in _reads(seen, named) if one.refused]
    return Verdict(least <= len(refused) <= most, {"refused": len(refused)}, [_phase(one, one.begin_ns) for one in refused[:2]])


@check
def never_reads(seen: Seen, *, named: str) -> Verdict:
    """Those threads read from no socket. Figure: `reads`."""
    if why := seen.lacks("thread"):
        return unobservable(why)
    reads = _reads(seen, named)
    return Verdict(len(reads) == 0, {"reads": len(reads)}, [_phase(one, one.begin_ns) for one in reads[:2]])
