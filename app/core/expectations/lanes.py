"""Checks of the lanes there are: how many, how they ended, who spawned or woke whom."""

from __future__ import annotations

import numpy as np

from app.core.expectations.registry import Verdict, check, unobservable
from app.core.expectations.seen import Seen, longest, numbers_of
from app.core.records import FlowKind


@check
def lane_count(seen: Seen, *, kind: str, named: str = "", least: float = 0, most: float = float("inf")) -> Verdict:
    """There are that many lanes of a kind. Figure: `lanes`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    count = len(seen.lanes(kind, named))
    return Verdict(least <= count <= most, {"lanes": count}, longest(seen.stays(kind, named), 1))


@check
def ends_as(seen: Seen, *, kind: str, state: str, named: str = "", least: int = 1) -> Verdict:
    """At least so many of those lanes ended `finished`, `failed`, `cancelled` or `killed`. Figures: `lanes`, `ended`."""
    if why := seen.lacks(kind):
        return unobservable(why)
    stays = seen.stays(kind, named)
    last = np.append(stays.lane[1:] != stays.lane[:-1], True) if len(stays.lane) else np.zeros(0, bool)
    ended = stays.where(last & np.isin(stays.state, numbers_of(state)))
    return Verdict(len(ended.lane) >= least, {"lanes": int(last.sum()), "ended": len(ended.lane)}, longest(ended, 3))


@check
def flow_count(seen: Seen, *, flow: str, least: float = 1, most: float = float("inf")) -> Verdict:
    """So many arrows of a kind (`spawn`, `wake`, `handover`, `message`, `join`) were seen. Figure: `flows`."""
    count = int((seen.recording.flows["kind"] == FlowKind[flow.upper()]).sum())
    return Verdict(least <= count <= most, {"flows": count})


@check
def counter_within(seen: Seen, *, kind: str, named: str = "", most: float, least_peak: float = 1) -> Verdict:
    """Counters on those lanes never went above `most`, and at least once as high as `least_peak`. Figures: `peak`, `changes`."""
    counters = seen.recording.counters
    values = counters["value"][np.isin(counters["lane"], seen.lanes(kind, named))]
    peak = float(values.max(initial=0))
    return Verdict(least_peak <= peak <= most, {"peak": peak, "changes": len(values)})
