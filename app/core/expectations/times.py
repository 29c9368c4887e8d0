"""Checks of time: who was in a state at once, for what share of life, and on how many cores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen, longest, numbers_of
from app.core.records import State
from app.core.spans import Spans, covered_ns, steps

_ENOUGH_CORES = 1.6
"""Fewer than this were given, where more were reported: the machine explains that nothing ran in parallel."""


def _at_once(spans: Spans) -> float:
    """The sum of all spans over the time that any of them covers: 1 when they take turns, n when n are always there at once."""
    covered = covered_ns(spans.begin, spans.end)
    return float(spans.length.sum()) / covered if covered else 0.0


@check
def in_turn(seen: Seen, *, kind: str, state: str = "running", named: str = "", most: float = 1.05) -> Verdict:
    """Those lanes were never (but for a share of `most` - 1) in the state at the same time. Figures: `at_once`, `lanes`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named, state)
    figures = {"at_once": _at_once(stays), "lanes": len(np.unique(stays.lane))}
    return Verdict(len(stays.lane) > 0 and figures["at_once"] <= most, figures, longest(stays, 2))


@check
def at_once(
    seen: Seen, *, kind: str, state: str = "running", named: str = "", least: float = 1.5, share: float = 0.0
) -> Verdict:
    """On average so many of those lanes were in the state whenever any was: `least`, or that `share` of the lanes.

    Figures: `at_once`, `lanes`.
    """
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named, state)
    lanes = len(np.unique(stays.lane))
    figures = {"at_once": _at_once(stays), "lanes": lanes}
    return Verdict(lanes > 0 and figures["at_once"] >= (share * lanes if share else least), figures, longest(stays, 2))


@check
def share_of_life(
    seen: Seen, *, kind: str, state: str | list[str], named: str = "", least: float = 0.0, most: float = 1.0
) -> Verdict:
    """Those lanes together spent that share of their lives in the state. Figures: `state_share`, `state_ns`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    life = seen.stays(kind, named)
    there = life.in_state(*numbers_of(state))
    whole = int(life.length.sum())
    share = int(there.length.sum()) / whole if whole else 0.0
    figures = {"state_share": share, "state_ns": int(there.length.sum())}
    return Verdict(whole > 0 and least <= share <= most, figures, longest(there, 2))


@check
def as_long_as_the_longest(seen: Seen, *, kind: str, state: str, named: str = "", most: float = 1.3) -> Verdict:
    """From the first such stay to the end of the last it took no longer than `most` times the longest lane's: they overlap.

    Figures: `whole_ns`, `longest_ns` (the lane that was in the state longest), `sum_ns` (all of them, had they come one after another).
    """
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named, state)
    if not len(stays.lane):
        return Verdict(False, {"whole_ns": 0, "longest_ns": 0, "sum_ns": 0})
    per_lane = np.bincount(stays.lane, stays.length)
    whole = int(stays.end.max() - stays.begin.min())
    figures = {"whole_ns": whole, "longest_ns": int(per_lane.max()), "sum_ns": int(per_lane.sum())}
    return Verdict(whole <= most * per_lane.max(), figures, longest(stays, 3))


@check
def uses_cores(seen: Seen, *, named: str = "", least: float = 1.5) -> Verdict:
    """While two or more threads wanted a core (they ran or were preempted), on average so many ran at once.

    Figures: `cores_used`, `cores_reported`, and `cores_given` where they were calibrated before the run.
    """
    if why := seen.lacks("cpu"):
        return unobservable(why)
    strips = seen.stays("cpu", named)
    wanting, running = strips.in_state(State.ON_CPU, State.PREEMPTED), strips.in_state(State.ON_CPU)
    edges, wanted = steps(wanting.begin, wanting.end)
    crowded = np.flatnonzero(wanted >= 2)
    if not len(crowded):
        return unobservable("never-two")
    begin, end = edges[crowded], edges[crowded + 1]
    used = _within(running, begin, end) / int((end - begin).sum())
    figures = _with_machine(seen, used)
    holds = used >= least
    few = not holds and min(figures["cores_reported"], figures.get("cores_given", 2)) < _ENOUGH_CORES
    # Two or more wanted a core and had none: whoever was preempted, the system gave the core to another.
    return Verdict(holds, figures, longest(running, 2), "" if holds else "few-cores" if few else "taken")


@check
def cores_in_turn(seen: Seen, *, named: str = "", most: float = 1.3) -> Verdict:
    """On average no more than so many threads were on a core, whenever any was. Figures: `cores_used`, `cores_reported`, `cores_given`."""
    if why := seen.lacks("cpu"):
        return unobservable(why)
    running = seen.stays("cpu", named).in_state(State.ON_CPU)
    used = _at_once(running)
    return Verdict(len(running.lane) > 0 and used <= most, _with_machine(seen, used), longest(running, 2))


def _with_machine(seen: Seen, used: float) -> dict[str, float]:
    """Cores used beside those that the machine reports and, where it was calibrated, gives."""
    machine = seen.recording.header.get("machine", {})
    given = (machine.get("calibration") or {}).get("cores_given")
    return {"cores_used": used, "cores_reported": machine.get("cores", 0)} | ({"cores_given": given} if given else {})


def _within(spans: Spans, begin: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """How much of these spans lies within intervals that are disjoint and in order."""
    edges, count = steps(spans.begin, spans.end)
    if not len(edges):
        return 0
    sums = np.concatenate([[0], np.cumsum(count * np.diff(edges))])

    def until(t: NDArray[np.int64]) -> NDArray[np.int64]:
        at = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, len(edges) - 2)
        partial = np.clip(t - edges[at], 0, edges[at + 1] - edges[at]) * count[at]
        return np.where(t <= edges[0], 0, sums[at] + partial)

    return int((until(end) - until(begin)).sum())


@check
def typical_stay(
    seen: Seen, *, kind: str, state: str, named: str = "", least_s: float = 0.0, most_s: float = float("inf"), count: int = 1
) -> Verdict:
    """At least `count` stays in the state, and half of them lasted within these bounds (their median). Figures: `stays`, `typical_ns`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named, state)
    typical = int(np.median(stays.length)) if len(stays.lane) else 0
    holds = len(stays.lane) >= count and least_s * 1e9 <= typical <= most_s * 1e9
    return Verdict(holds, {"stays": len(stays.lane), "typical_ns": typical}, longest(stays, 1))


@check
def stay_count(
    seen: Seen, *, kind: str, state: str | list[str], named: str = "", least: float = 0, most: float = float("inf")
) -> Verdict:
    """Those lanes together entered the state so many times. Figure: `stays`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named, state)
    return Verdict(least <= len(stays.lane) <= most, {"stays": len(stays.lane)}, longest(stays, 1))
