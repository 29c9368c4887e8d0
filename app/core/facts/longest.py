"""One span as a fact: where it lies, how long it was, what it waited for and at which line."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.recording import Recording
from app.core.records import STATES, State, StateClass
from app.core.spans import Spans

WAITS = [int(state) for state, spec in STATES.items() if spec.look is StateClass.WAITING]


def span_fact(recording: Recording, spans: Spans, at: int) -> dict[str, Any]:
    """`{"lane", "t_ns", "duration_ns", "state", "reason", "text", "file", "line"}`; what is not known is None."""
    text, file, line, _value = recording.details[int(spans.detail[at])]
    spec = STATES[State(int(spans.state[at]))]
    return {
        "lane": int(spans.lane[at]),
        "t_ns": int(spans.begin[at]),
        "duration_ns": int(spans.length[at]),
        "state": spec.name,
        "reason": spec.reason,
        "text": text or None,
        "file": file or None,
        "line": line or None,
    }


def longest(recording: Recording, spans: Spans) -> dict[str, Any] | None:
    """The longest of these spans, None where there are none."""
    return span_fact(recording, spans, int(np.argmax(spans.length))) if len(spans.lane) else None
