"""How a stretch of a lane looks in a picture: its ink, the ink's shape, and the colours of both themes.

The same as the page's (`static/timeline/paint/inks.js`, `static/css/tokens.css`); a test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.core.recording import Recording
from app.core.records import STATES, LaneKind, State, StateClass, Unit
from app.core.spans import Spans

Theme = Literal["light", "dark"]
HOLDERS = 8


class Ink(IntEnum):
    """Looks by number, from HOLDER on one for each thread that holds a core or a GIL."""

    NONE = 0
    RUNNING = 1
    RUNNING_C = 2
    READY = 3
    WAITING = 4
    GIL_WAIT = 5
    PREEMPTED = 6
    IDLE = 7
    GAP = 8
    ENDED = 9
    OTHER = 10
    ALIVE = 11
    HOLDER = 12


INKS = Ink.HOLDER + HOLDERS


class Shape(StrEnum):
    """What is drawn besides the colour, so that states are told apart without it."""

    NONE = "none"
    SOLID = "solid"
    HATCH = "hatch"
    LINE = "line"
    HAIRLINE = "hairline"
    DOTS = "dots"
    CAP = "cap"
    BRACKET = "bracket"


_SHAPES = "none solid solid hatch line hatch hatch hairline dots cap solid bracket".split()
SHAPES = [Shape(name) for name in _SHAPES] + [Shape.SOLID] * HOLDERS
RUNS = np.array([ink in (Ink.RUNNING, Ink.RUNNING_C, Ink.OTHER) or ink >= Ink.HOLDER for ink in range(INKS)])


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme: `inks` by number, the rest by what they are for."""

    inks: tuple[str, ...]
    background: str
    rule: str
    strong_rule: str
    text: str
    quiet: str
    error: str
    flow: str


_LIGHT_INKS = "none #009e73 #56b4e9 #c98500 #0072b2 #d55e00 #7d8087 #a9abb0 #8a8d93 #17191c #c9cace #b4b2ab".split()
_LIGHT_HOLDERS = "#cc79a7 #0072b2 #e69f00 #009e73 #56b4e9 #d55e00 #f0e442 #6b6e75".split()
_DARK_INKS = "none #00a87b #56b4e9 #e69f00 #3a9bdc #e8702a #9a9ea6 #666b72 #80858d #e9eaec #4b5057 #5a6068".split()
_DARK_HOLDERS = "#cc79a7 #3a9bdc #e69f00 #00a87b #56b4e9 #e8702a #f0e442 #9a9ea6".split()
PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        (*_LIGHT_INKS, *_LIGHT_HOLDERS), "#ffffff", "#e7e6e2", "#b4b2ab", "#17191c", "#5b5e63", "#b03a00", "#6b6e75"
    ),
    "dark": Palette((*_DARK_INKS, *_DARK_HOLDERS), "#16191c", "#24282c", "#4d535a", "#e9eaec", "#a2a7ae", "#ff8f57", "#a6abb2"),
}

_OF_LOOK = {
    StateClass.RUNNING: Ink.RUNNING,
    StateClass.READY: Ink.READY,
    StateClass.WAITING: Ink.WAITING,
    StateClass.GIL_WAIT: Ink.GIL_WAIT,
    StateClass.PREEMPTED: Ink.PREEMPTED,
    StateClass.IDLE: Ink.IDLE,
    StateClass.ENDED: Ink.ENDED,
    StateClass.GAP: Ink.GAP,
}
_OF_STATE = np.full(256, Ink.GAP, np.uint8)
for _state, _spec in STATES.items():
    _OF_STATE[_state] = _OF_LOOK[_spec.look]
_OF_STATE[State.GIL_RELEASED] = Ink.RUNNING_C
_OF_STATE[[State.GIL_FREE, State.CORE_IDLE]] = Ink.NONE
_HELD = [int(state) for state, spec in STATES.items() if spec.look is StateClass.RUNNING and spec.unit is Unit.THREAD]


def inks_of(recording: Recording, spans: Spans) -> NDArray[np.uint8]:
    """The ink of each span: its state's, on core and GIL lanes that of the thread they name."""
    inks = _OF_STATE[spans.state].copy()
    # A process is there; what runs are its threads.
    inks[(spans.kind == LaneKind.PROCESS) & (spans.state == State.RUNNING)] = Ink.ALIVE
    named = np.flatnonzero(np.isin(spans.kind, [LaneKind.CORE, LaneKind.GIL]) & np.isin(spans.state, _HELD))
    if len(named):
        pairs, which = np.unique(np.stack([spans.lane[named], spans.detail[named]]), axis=1, return_inverse=True)
        holders = _Holders(recording)
        known = [holders.ink(lane, detail) for lane, detail in pairs.T.tolist()]
        inks[named] = np.array(known, np.uint8)[which.ravel()]
    return inks


class _Holders:
    """Threads by number, coloured in the order they appear."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._order: dict[tuple[int, int], int] = {}
        threads = [lane for lane in recording.lanes if lane.kind is LaneKind.THREAD]
        for order, lane in enumerate(threads):
            self._order[0, lane.tid] = self._order[lane.pid, lane.tid] = order

    def ink(self, lane: int, detail: int) -> int:
        tid = self._recording.details[detail][3]
        if math.isnan(tid):
            return Ink.OTHER
        owner = self._recording.lanes[lane]
        order = self._order.get((owner.pid if owner.kind is LaneKind.GIL else 0, int(tid)))
        return Ink.OTHER if order is None else Ink.HOLDER + order % HOLDERS
