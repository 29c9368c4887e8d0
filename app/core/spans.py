"""The states of a recording as spans: begin, end, lane, state, in columns, so that facts are sums over masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.recording import Recording


@dataclass(frozen=True)
class Spans:
    """Every stay of every lane in a state, ordered by lane, then time. Times in absolute nanoseconds (int64).

    A lane's last state lasts until the recording's end, of a state that is an end itself not at all.
    """

    lane: NDArray[np.int64]
    state: NDArray[np.uint8]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    detail: NDArray[np.int64]
    kind: NDArray[np.uint8]
    """The kind of each span's lane."""

    @property
    def length(self) -> NDArray[np.int64]:
        """How long each lasted."""
        return self.end - self.begin

    def where(self, mask: NDArray[np.bool_]) -> Spans:
        """The spans that a mask picks."""
        return Spans(self.lane[mask], self.state[mask], self.begin[mask], self.end[mask], self.detail[mask], self.kind[mask])

    def between(self, first: int, stop: int) -> Spans:
        """The spans from one index to another, without a copy."""
        here = slice(first, stop)
        return Spans(self.lane[here], self.state[here], self.begin[here], self.end[here], self.detail[here], self.kind[here])

    def of(self, lane: int) -> Spans:
        """One lane's spans, found by bisection."""
        first, stop = np.searchsorted(self.lane, [lane, lane + 1])
        here = slice(int(first), int(stop))
        return Spans(self.lane[here], self.state[here], self.begin[here], self.end[here], self.detail[here], self.kind[here])

    def in_state(self, *states: int) -> Spans:
        """The spans in any of these states."""
        return self.where(np.isin(self.state, states))


def end_ns(recording: Recording) -> int:
    """When the recording ends: its END document's word, else its last observation."""
    last = int(recording.states["t"].max()) if len(recording.states["t"]) else int(recording.header.get("t0_ns", 0))
    return max(last, int((recording.end or {}).get("t_end_ns", 0)))


def spans_of(recording: Recording) -> Spans:
    """All spans of a recording."""
    table = recording.states
    t = table["t"].astype(np.int64)
    order = np.lexsort((t, table["lane"]))
    lane, begin = table["lane"][order].astype(np.int64), t[order]
    end = np.append(begin[1:], 0)
    last = np.append(lane[1:] != lane[:-1], True) if len(lane) else np.zeros(0, bool)
    kinds = np.array([one.kind for one in recording.lanes], np.uint8)
    state = table["state"][order]
    ended = (state >= 40) & (state < 48)  # records.State: the group of ends
    end = np.where(ended, begin, np.where(last, end_ns(recording), end))
    # A strip's or core's last state is held open only as long as the run itself was watched.
    return Spans(lane, state, begin, np.maximum(end, begin), table["detail"][order].astype(np.int64), kinds[lane])


def overlap_ns(begin: NDArray[np.int64], end: NDArray[np.int64], spans: Spans) -> NDArray[np.int64]:
    """How much of each interval is covered by spans that do not overlap each other and are in order of time."""
    total = np.concatenate([[0], np.cumsum(spans.length)])

    def covered_until(t: NDArray[np.int64]) -> NDArray[np.int64]:
        index = np.searchsorted(spans.begin, t, side="right") - 1
        inside = np.maximum(index, 0)
        if not len(spans.begin):
            return np.zeros(len(t), np.int64)
        partial = np.clip(t - spans.begin[inside], 0, spans.length[inside])
        return np.where(index < 0, 0, total[inside] + partial)

    return covered_until(end) - covered_until(begin)


def steps(begin: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of these intervals are going on: edges in order of time, and the count between each edge and the next.

    One count fewer than edges; both empty when there are no intervals.
    """
    if not len(begin):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    edges, inverse = np.unique(np.concatenate([begin, end]), return_inverse=True)
    change = np.bincount(inverse[: len(begin)], minlength=len(edges)) - np.bincount(inverse[len(begin) :], minlength=len(edges))
    return edges, np.cumsum(change)[:-1].astype(np.int64)


def covered_ns(begin: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """How long at least one of these intervals was going on."""
    edges, count = steps(begin, end)
    return int(np.diff(edges)[count > 0].sum())
