"""The sheet that one picture is drawn on: what is shown of a recording, where, in which colours and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.core.export import brokers
from app.core.export.axis import duration
from app.core.export.bars import Scale
from app.core.export.looks import PALETTES, SHAPES, Ink, Palette, Shape, Theme, inks_of
from app.core.export.rows import Row, rows_of
from app.core.export.svg import Svg, width_of
from app.core.recording import Lane, Recording
from app.core.records import STATES, LaneKind, State, Unit
from app.core.spans import Spans, end_ns, spans_of

TEXT_PX, SMALL_PX = 13.0, 12.0
LEGEND_PX = 34.0
_AXIS_PX, _TITLE_PX, _MARGIN_PX = 30.0, 46.0, 12.0
_MOST_ROWS = 600


@dataclass(frozen=True, slots=True)
class Picture:
    """What is wanted. `height_px` None: as high as the rows need. `start_ns`, `end_ns`: after the recording's start, None for all of it.

    `compact` leaves out everything that is to be read: names, axis, labels. `words` are the page's texts by key (`state.READY`,
    `ink.3`, `lane.core` …); what is not in it is said in plain English.
    """

    width_px: float = 1200.0
    height_px: float | None = None
    compact: bool = False
    theme: Theme = "light"
    start_ns: int | None = None
    end_ns: int | None = None
    title: str = ""
    subtitle: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Label:
    """A text over the bars, on the plot: `y_px` is its middle."""

    x_px: float
    y_px: float
    text: str
    color: str


class Sheet:
    """A picture in the making. `boxes` are rectangles by ink, and whether they are the trace of what ran for the lesser part;
    `areas` are rectangles with their ink and opacity, of crowds and counters."""

    def __init__(self, recording: Recording, picture: Picture) -> None:
        self.recording, self.picture = recording, picture
        self.colors: Palette = PALETTES[picture.theme]
        self.spans: Spans = spans_of(recording)
        self.inks: NDArray[np.uint8] = inks_of(recording, self.spans)
        self.t0_ns = int(recording.header.get("t0_ns", 0))
        large = not picture.compact
        self.top_px = (_TITLE_PX if picture.title and large else 0) + (_AXIS_PX if large else 0)
        bottom_px = LEGEND_PX if large else 0
        room = None if picture.height_px is None else picture.height_px - self.top_px - bottom_px
        rows, rows_px = rows_of(recording, room, compact=picture.compact)
        most_px = rows_px if room is None else room
        self.rows = [row for row in rows[:_MOST_ROWS] if row.y_px + row.height_px <= most_px + 0.5]
        self.left_out = len(rows) - len(self.rows)
        self.rows_px = sum(row.height_px for row in self.rows)
        self.height_px = picture.height_px or self.top_px + self.rows_px + bottom_px
        self.names_px = self._names_width() if large else 0.0
        self.scale = self._make_scale()
        self.boxes: dict[tuple[int, bool], list[NDArray[np.float64]]] = defaultdict(list)
        self.areas: list[tuple[int, NDArray[np.float64], float]] = []
        self.labels: list[Label] = []
        self.svg = Svg(picture.width_px, self.height_px, self.colors.background, picture.title or "Schedscope")

    def _make_scale(self) -> Scale:
        picture = self.picture
        start = self.t0_ns + (picture.start_ns or 0)
        end = end_ns(self.recording) if picture.end_ns is None else self.t0_ns + picture.end_ns
        margin = 0.0 if picture.compact else _MARGIN_PX
        return Scale(start, max(end, start + 1), picture.width_px - self.names_px - margin)

    def _names_width(self) -> float:
        widest = max((width_of(self.name(row), TEXT_PX) + 12.0 * row.depth for row in self.rows), default=0.0)
        return float(round(min(max(widest + 24.0, 90.0), self.picture.width_px * 0.28)))

    def fill(self, ink: int) -> str:
        """What an ink's area is filled with."""
        return f"url(#hatch-{self.picture.theme}-{ink})" if SHAPES[ink] is Shape.HATCH else self.colors.inks[ink]

    def label(self, x_px: float, y_px: float, text: str, color: str) -> None:
        """Write this over the bars."""
        self.labels.append(Label(x_px, y_px, text, color))

    # --- words

    def word(self, key: str, otherwise: str) -> str:
        """The page's text of that key."""
        return self.picture.words.get(key, otherwise)

    def _kind(self, kind: LaneKind) -> str:
        return self.word(f"lane.{kind.name.lower()}", "GIL" if kind is LaneKind.GIL else kind.name.lower())

    def name(self, row: Row) -> str:
        """What a row is called."""
        lane = row.lane
        if row.members:
            return f"{len(row.members)} × {self._kind(self.recording.lanes[row.members[0]].kind)}"
        if lane.kind is LaneKind.CORE:
            return f"{self._kind(lane.kind)} {''.join(filter(str.isdigit, lane.name)) or lane.name}"
        if lane.kind in (LaneKind.CPU, LaneKind.MEMORY):
            return self._kind(lane.kind)
        if lane.kind in brokers.KINDS:
            return brokers.lane_name(lane, self.word)
        return lane.name or (self._kind(lane.kind) if lane.kind is LaneKind.GIL else f"{self._kind(lane.kind)} {lane.id}")

    def says(self, lane: Lane, span: int, ink: int) -> tuple[str, str]:
        """What a wide bar says, and its letter where there is less room."""
        state = State(int(self.spans.state[span]))
        value = self.recording.details[int(self.spans.detail[span])][3]
        if ink >= Ink.HOLDER:
            threads = (one for one in self.recording.lanes if one.kind is LaneKind.THREAD and one.tid == value)
            holder = next((one for one in threads if lane.kind is LaneKind.CORE or one.pid == lane.pid), None)
            return (holder.name if holder else ""), ""
        spec = STATES[state]
        word = self.word(f"state.{state.name}", spec.reason or spec.name)
        if spec.unit is Unit.NANOSECONDS and value == value:
            word = f"{word} {duration(value)}"
        return word, spec.letter if SHAPES[ink] in (Shape.SOLID, Shape.HATCH) else ""
