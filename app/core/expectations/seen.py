"""A recording as checks ask it: lanes picked by kind and a word of their name, states by the names of the JSON export."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.recording import Recording
from app.core.records import STATES, LaneKind, State
from app.core.spans import Spans, end_ns, spans_of

OBSERVERS = {
    LaneKind.THREAD: "threads",
    LaneKind.GIL: "gil",
    LaneKind.CPU: "kernel",
    LaneKind.CORE: "kernel",
    LaneKind.TASK: "asyncio",
    LaneKind.GREENLET: "greenlets",
}
"""Without which observer there are no such lanes."""


@dataclass(frozen=True)
class Seen:
    """A recording with its spans, taken apart once for all checks."""

    recording: Recording
    spans: Spans
    kinds: NDArray[np.uint8]

    @classmethod
    def of(cls, recording: Recording) -> Seen:
        """The recording, ready to be asked."""
        return cls(recording, spans_of(recording), np.array([lane.kind for lane in recording.lanes], np.uint8))

    @property
    def wall_ns(self) -> int:
        """How long the run took."""
        return end_ns(self.recording) - int(self.recording.header.get("t0_ns", 0))

    def argument(self, value: Any) -> Any:
        """An argument of a header: `"$name"` is the run's parameter of that name, within a longer text its words."""
        if isinstance(value, list):
            return [self.argument(one) for one in value]
        if not isinstance(value, str):
            return value
        parameters = self.recording.header.get("parameters") or {}
        if value.startswith("$") and value[1:] in parameters:
            return parameters[value[1:]]
        return re.sub(r"\$([a-z][a-z0-9_-]*)", lambda found: str(parameters.get(found[1], found[0])), value)

    def absence(self, observer: str) -> str:
        """Why an observer gave nothing, "" when it was on."""
        said = str(self.recording.header.get("observers", {}).get(observer, "none: not in this recording"))
        return "" if said.startswith("exact") else said.partition(": ")[2] or said

    def lacks(self, kind: str) -> str:
        """Why there can be no lanes of a kind here, "" when there can."""
        observer = OBSERVERS.get(LaneKind[kind.upper()])
        return self.absence(observer) if observer else ""

    def lanes(self, kind: str, named: str = "") -> NDArray[np.int64]:
        """Numbers of the lanes of a kind (`thread`, `task`, `gil`, …) whose name contains a word.

        Of lanes without a name of their own (a GIL, a strip of CPU time) the word is looked for in the lane above them.
        `ABOVE/OWN` asks for a word of the lane above as well: `writer/` are the threads of a process called writer.
        """
        found = np.flatnonzero(self.kinds == LaneKind[kind.upper()]).astype(np.int64)
        if not named:
            return found
        above, _, own = named.rpartition("/") if kind not in ("gil", "cpu") else (named, "", "")
        lanes = self.recording.lanes
        picked = [i for i in found.tolist() if own in lanes[i].name and above in lanes[lanes[i].parent or 0].name]
        return np.array(picked, np.int64)

    def stays(self, kind: str, named: str = "", states: str | Iterable[str] = ()) -> Spans:
        """What those lanes did in these states (all when none is named)."""
        spans = self.spans.where(np.isin(self.spans.lane, self.lanes(kind, named)))
        return spans.in_state(*numbers_of(states)) if states else spans


def numbers_of(states: str | Iterable[str]) -> list[int]:
    """States by the name of the JSON export (`running`, `gil-wait`, …); `waiting:timer` is one reason of waiting."""
    names = [states] if isinstance(states, str) else list(states)
    found = []
    for name in names:
        word, _, reason = name.partition(":")
        numbers = [int(n) for n, spec in STATES.items() if spec.name == word and reason in ("", spec.reason)]
        if not numbers:
            raise ValueError(f"there is no state {name!r}")
        found += numbers
    return found


def span_of(spans: Spans, at: int) -> dict[str, Any]:
    """One span as facts give it: lane, absolute t_ns, duration_ns, state."""
    return {
        "lane": int(spans.lane[at]),
        "t_ns": int(spans.begin[at]),
        "duration_ns": int(spans.length[at]),
        "state": STATES[State(int(spans.state[at]))].name,
    }


def longest(spans: Spans, most: int = 1) -> list[dict[str, Any]]:
    """The longest of these spans, longest first."""
    order = np.argsort(-spans.length, kind="stable")[:most]
    return [span_of(spans, int(at)) for at in order]
