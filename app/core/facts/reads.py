"""What reads copied into the program's memory, and how often a descriptor that does not block had nothing to give."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.facts.longest import longest, span_fact
from app.core.reads import REFUSED
from app.core.recording import Recording
from app.core.records import LaneKind, State
from app.core.spans import Spans


def reads(recording: Recording, spans: Spans, kernel: bool) -> dict[str, Any]:
    """`{"copied_bytes", "copies", "copy_ns", "longest_copy", "refused", "first_refused"}`.

    Copies are told apart only with the kernel's records (None without them); what was written is not in a recording. `refused` counts calls
    that came back with EAGAIN.
    """
    calls = spans.where(spans.kind == LaneKind.THREAD)
    copies = calls.in_state(State.COPY)
    values = np.array([value for _text, _file, _line, value in recording.details])
    texts = np.array([text == REFUSED for text, _file, _line, _value in recording.details])
    refused = np.flatnonzero(texts[calls.detail]) if texts.any() else np.zeros(0, np.intp)
    return {
        "copied_bytes": int(np.nansum(values[copies.detail])) if kernel else None,
        "copies": len(copies.lane) if kernel else None,
        "copy_ns": int(copies.length.sum()) if kernel else None,
        "longest_copy": longest(recording, copies),
        "refused": len(refused),
        "first_refused": span_fact(recording, calls, int(refused[np.argmin(calls.begin[refused])])) if len(refused) else None,
    }
