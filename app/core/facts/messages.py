"""What became of a broker's messages: how many were published, delivered, acknowledged, delivered again, and lost."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from app.core.recording import Recording
from app.core.records import FlowKind, LaneKind, MarkKind

_STEPS = {
    (LaneKind.CHANNEL, LaneKind.EXCHANGE): "published",
    (LaneKind.QUEUE, LaneKind.CONSUMER): "delivered",
    (LaneKind.QUEUE, LaneKind.CHANNEL): "delivered",
    (LaneKind.EXCHANGE, LaneKind.CHANNEL): "returned",
}
_MARKS = {"basic.ack": "acked", "unroutable": "unroutable"}
_Said = tuple[int, int, dict[str, Any]]
"""When, on which lane, and what a mark says."""


def messages(recording: Recording) -> dict[str, int] | None:
    """`{"published", "delivered", "acked", "redelivered", "returned", "unroutable", "lost"}`, None where no broker was spoken to.

    `acked` counts messages that a consumer acknowledged: one that is delivered with automatic acknowledgement never is.
    `redelivered` is a part of `delivered`. `unroutable` found no queue; `returned` of them went back to who published them.
    `lost` were in a queue when the broker crashed and not there any more when it was back, but for those not confirmed, of which
    their publisher knows. What a consumer took with it when it died is known to no broker.
    """
    if not any(lane.kind is LaneKind.CONNECTION for lane in recording.lanes):
        return None
    told = _told(recording)
    marked = Counter(_MARKS[words["what"]] for _t, _lane, words in told if words.get("what") in _MARKS)
    names = ("published", "delivered", "acked", "redelivered", "returned", "unroutable")
    counts = _steps(recording) + marked
    return {name: counts[name] for name in names} | {"lost": _lost(recording, told)}


def _steps(recording: Recording) -> Counter[str]:
    """Arrows between lanes of the broker, by what they mean."""
    flows, lanes = recording.flows, recording.lanes
    counts: Counter[str] = Counter()
    for at in np.flatnonzero(flows["kind"] == FlowKind.MESSAGE).tolist():
        step = _STEPS.get((lanes[flows["from"][at]].kind, lanes[flows["to"][at]].kind))
        if step is None:
            continue
        counts[step] += 1
        counts["redelivered"] += step == "delivered" and bool(
            _words(recording.details[flows["detail"][at]][0]).get("redelivered")
        )
    return counts


def _told(recording: Recording) -> list[_Said]:
    """The broker's marks, in order of time."""
    marks = recording.marks
    rows = np.flatnonzero(marks["kind"] == MarkKind.BROKER)
    rows = rows[np.argsort(marks["t"][rows], kind="stable")]
    return [
        (int(marks["t"][at]), int(marks["lane"][at]), _words(recording.strings[int(marks["text"][at])])) for at in rows.tolist()
    ]


def _words(text: str) -> dict[str, Any]:
    try:
        words = json.loads(text) if text.startswith("{") else {}
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def _lost(recording: Recording, told: list[_Said]) -> int:
    """Messages that were in queues until the broker was back from a crash, and that it did not recover then."""
    backs = [t for t, _lane, words in told if words.get("what") == "broker restarted"]
    recovered = [(t, int(words.get("ready", 0))) for t, _lane, words in told if words.get("what") == "recovered"]
    return sum(
        max(0, _answered_for(recording, before, back) - sum(ready for t, ready in recovered if t == back))
        for before, back in pairwise([0, *backs])
    )


def _answered_for(recording: Recording, from_ns: int, until_ns: int) -> int:
    """How many messages a broker had just before a time: in all queues, ready or not acknowledged.

    Less those that publishers still waited to have confirmed: they know of these, and publish them again. Only what was counted
    from `from_ns` on: a queue is counted anew when its broker is back from a crash, a channel does not outlive one.
    """
    counters = recording.counters
    within = np.flatnonzero((counters["t"] >= from_ns) & (counters["t"] < until_ns))
    within = within[np.argsort(counters["t"][within], kind="stable")]
    latest = dict(zip(counters["lane"][within].tolist(), counters["value"][within].tolist(), strict=True))
    sign = {LaneKind.QUEUE: 1, LaneKind.CHANNEL: -1}
    return int(sum(value * sign.get(recording.lanes[lane].kind, 0) for lane, value in latest.items()))
