"""A broker's lanes, counts and marks in words, as the page has them (static/timeline/broker.js)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.recording import Lane, Recording
from app.core.records import DEFAULT_EXCHANGE, GRAVE_MARKS, LaneKind, MarkKind

Word = Callable[[str, str], str]
"""The page's text of a key, and what to say where there is none."""
KINDS = frozenset((LaneKind.CONNECTION, LaneKind.CHANNEL, LaneKind.EXCHANGE, LaneKind.QUEUE, LaneKind.CONSUMER))
_MADE_UP = re.compile(r"ctag\d+\.[0-9a-f]{32}|amq\.ctag-.*")


def lane_name(lane: Lane, word: Word) -> str:
    """What a lane of the broker is called."""
    kind = word(f"lane.{lane.kind.name.lower()}", lane.kind.name.lower())
    if lane.kind is LaneKind.CONSUMER:
        queue, _, tag = lane.name.partition(" → ")
        own = "" if _MADE_UP.fullmatch(tag) else f" {tag}"
        return word("broker.consumerOf", "consumer of {queue}").replace("{queue}", queue) + own
    if lane.name == DEFAULT_EXCHANGE:
        return word("broker.defaultExchange", "default exchange")
    number = re.search(r"\d+$", lane.name) if lane.kind in (LaneKind.CONNECTION, LaneKind.CHANNEL) else None
    return f"{kind} {number[0] if number else lane.name}"


def told(kind: int, text: str) -> dict[str, Any]:
    """What a broker's mark says, as it was recorded; empty for any other mark."""
    if kind not in (MarkKind.BROKER, MarkKind.DISAGREEMENT):
        return {}
    try:
        words = json.loads(text)
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def is_grave(kind: int, words: dict[str, Any]) -> bool:
    """Whether it tells of something lost, refused or broken."""
    unorderly = words.get("what") == "connection.close" and words.get("code") not in (0, 200)
    return kind == MarkKind.DISAGREEMENT or words.get("what") in GRAVE_MARKS or unorderly


def mark_text(kind: int, words: dict[str, Any], word: Word) -> str:
    """In a few words: "queue.declare durable"."""
    if kind == MarkKind.DISAGREEMENT:
        said = {name: _counts(words.get(name), word) for name in ("broker", "derived")}
        return _filled(word("broker.differs", "broker: {broker}; from the frames: {derived}"), said)
    what = str(words.get("what", ""))
    flags = " ".join("auto_ack" if name == "no_ack" else name for name, value in words.items() if value is True)
    to = words.get("queue", words.get("exchange", ""))
    return _filled(
        word(f"broker.mark.{re.sub(r'[^0-9A-Za-z_]+', '_', what)}", what), words | {"flags": flags, "to": to}
    ).strip()


def _counts(counts: Any, word: Word) -> str:
    if not isinstance(counts, dict):
        return word("broker.noQueue", "no such queue")
    return _filled(word("broker.counts", "{ready} ready, {unacked} unacked"), counts)


def _filled(text: str, values: dict[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], "")), text)


def queue_counts(recording: Recording, queue: Lane) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """When a queue's counts changed, how many messages were unacknowledged from then on, and how many ready."""
    counters = recording.counters
    below = next((lane.id for lane in recording.lanes if lane.parent == queue.id and lane.kind is LaneKind.QUEUE), -1)
    rows = [np.flatnonzero(counters["lane"] == lane) for lane in (below, queue.id)]
    times = np.unique(np.concatenate([counters["t"][own] for own in rows])).astype(np.int64)
    unacked, ready = (_at(times, counters["t"][own].astype(np.int64), counters["value"][own]) for own in rows)
    return times, unacked, ready


def _at(times: NDArray[np.int64], changed: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    latest = np.searchsorted(changed, times, side="right")
    return np.append(0.0, values)[latest]


def most_text(lane: Lane, ready: float, unacked: float, word: Word) -> str:
    """The highest counts of a lane: of a queue both, of another the second, which is all it has."""
    if lane.kind is LaneKind.QUEUE:
        return _filled(
            word("broker.mostInQueue", "at most {ready} ready, {unacked} unacked"),
            {"ready": f"{ready:g}", "unacked": f"{unacked:g}"},
        )
    key, otherwise = (
        ("broker.mostUnconfirmed", "at most {n} unconfirmed")
        if lane.kind is LaneKind.CHANNEL
        else ("broker.mostUnacked", "at most {n} unacked")
    )
    return _filled(word(key, otherwise), {"n": f"{unacked:g}"})
