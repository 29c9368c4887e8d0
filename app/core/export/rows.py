"""Which rows a picture has, from top to bottom, and how high each is: the lanes' tree, crowds of lanes as one row."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from app.core.recording import Lane, Recording
from app.core.records import LaneKind, State

MANY = 200
"""More lanes than that under one parent are one density row, as on the page."""
_MANY_IN_SMALL = 24
_PROCESS = LaneKind.PROCESS
_RANK: dict[LaneKind, float] = {LaneKind.MEMORY: -4, LaneKind.CPU: -3, LaneKind.CORE: -2, LaneKind.GIL: -1}
_RANK |= {LaneKind.CONNECTION: 0.1, LaneKind.EXCHANGE: 0.2, LaneKind.QUEUE: 0.3, LaneKind.PROCESS: 1}
_CONSUMING_RANK = 0.4
"""Below the queues, so that messages go downwards: from who publishes over exchange and queue to who consumes."""
_MOST_GROWTH = 2.2
_ROW, _THIN, _STRIP, _DENSITY, _COUNTER, _MARK = 28.0, 24.0, 12.0, 140.0, 56.0, 17.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row; lengths in pixels. `members` are lanes drawn together as how many are in which state, else empty.

    `mark_px` is the strip of flags above the bars.
    """

    lane: Lane
    members: tuple[int, ...]
    depth: int
    y_px: float
    height_px: float
    mark_px: float = 0.0

    @property
    def box(self) -> tuple[float, float]:
        """Top and height of its bars."""
        room = self.height_px - self.mark_px
        inset = min(max(2.0, self.height_px * 0.14), room * 0.18)
        return self.y_px + self.mark_px + inset, room - 2 * inset


def rows_of(recording: Recording, room_px: float | None, *, compact: bool) -> tuple[list[Row], float]:
    """The rows and their height in all. They grow into `room_px` within reason; compact rows shrink into it too."""
    rows = _Tree(recording, compact).rows()
    total = sum(row.height_px for row in rows)
    if room_px is not None and total:
        least = 0.0 if compact else 1.0
        growth = max(least, min(_MOST_GROWTH, room_px / total))
        rows = [replace(row, height_px=row.height_px * growth) for row in rows]
    placed: list[Row] = []
    y_px = 0.0
    for row in rows:
        placed.append(replace(row, y_px=y_px))
        y_px += row.height_px
    return placed, y_px


class _Tree:
    """The lanes by parent. A compact picture leaves out what says little without its name."""

    def __init__(self, recording: Recording, compact: bool) -> None:
        self._recording = recording
        self._compact = compact
        self._marked = set() if compact else set(np.unique(recording.marks["lane"]).tolist())
        self._counted = set(np.unique(recording.counters["lane"]).tolist())
        self._seen = set(np.unique(recording.states["lane"][recording.states["state"] != State.UNOBSERVED]).tolist())
        self._children: dict[int, list[Lane]] = defaultdict(list)
        for lane in recording.lanes[1:]:
            self._children[lane.parent or 0].append(lane)
        self._only_process = sum(lane.kind is _PROCESS for lane in recording.lanes) == 1
        self._many = _MANY_IN_SMALL if compact else MANY
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        self._descend(self._recording.lanes[0], 0)
        return self._rows

    def _descend(self, parent: Lane, depth: int) -> None:
        children = self._children[parent.id]
        leaves = [lane for lane in children if not self._children[lane.id]]
        crowd = leaves if len(leaves) > self._many else []
        few = [lane for lane in children if self._children[lane.id]] if crowd else children
        for lane in sorted(few, key=self._order):
            shown = self._shows(lane)
            if shown:
                self._add(lane, (), depth, self._height(lane))
            if lane.kind is not LaneKind.QUEUE:  # what is unacknowledged is drawn in its queue's own row
                self._descend(lane, depth + 1 if shown else depth)
        if crowd:
            self._add(parent, tuple(lane.id for lane in crowd), depth, _DENSITY)

    def _order(self, lane: Lane) -> tuple[float, int]:
        """A strip of CPU time below its thread, cores above processes, the GIL above the threads that take it, a broker as its
        messages go, child processes below their parent's threads."""
        number = int((re.search(r"\d+", lane.name) or ["0"])[0]) if lane.kind is LaneKind.CORE else lane.id
        consumes = lane.kind is LaneKind.CONNECTION and any(self._children[channel.id] for channel in self._children[lane.id])
        return _CONSUMING_RANK if consumes else _RANK.get(lane.kind, 0), number

    def _shows(self, lane: Lane) -> bool:
        if not self._compact:
            return True
        return lane.kind not in (_PROCESS, LaneKind.CPU, LaneKind.MEMORY) and (
            lane.id in self._seen or lane.id in self._counted
        )

    def _height(self, lane: Lane) -> float:
        if lane.kind is LaneKind.MEMORY:
            return _THIN if self._only_process else _STRIP
        if lane.id in self._counted:
            return _COUNTER
        if lane.kind is LaneKind.CPU or _is_housekeeping(lane):
            return _STRIP
        return _THIN if lane.kind is _PROCESS else _ROW

    def _add(self, lane: Lane, members: tuple[int, ...], depth: int, height_px: float) -> None:
        mark_px = _MARK if not members and lane.id in self._marked else 0.0
        self._rows.append(Row(lane, members, depth, 0.0, height_px + mark_px, mark_px))


def _is_housekeeping(lane: Lane) -> bool:
    """What asyncio.run() itself does at its end is there, but quiet."""
    return lane.kind is LaneKind.TASK and "BaseEventLoop.shutdown_" in lane.name
