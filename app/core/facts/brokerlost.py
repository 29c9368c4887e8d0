"""What became of a run's broker where it was lost: it refused the login, was not reached, or went away without a word."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.amqp import GONE, UNREACHABLE
from app.core.entries import as_json
from app.core.recording import Recording
from app.core.records import LaneKind, MarkKind, State
from app.core.spans import Spans

KILLED, RESTARTED = (as_json({"what": f"broker {what}"}) for what in ("killed", "restarted"))


def broker_lost(recording: Recording, spans: Spans) -> dict[str, Any] | None:
    """`{"how": "refused" | "unreachable" | "gone", "t_ns", "lane", "why"}` of the first connection that tells so, or None.

    A crash that the run itself asked for is none: what ends between "broker killed" and "broker restarted" was to end.
    """
    told = [
        found for lane in np.unique(spans.lane[spans.kind == LaneKind.CONNECTION]) if (found := _end_of(recording, spans, lane))
    ]
    wanted = _wanted(recording)
    told = [one for one in told if not any(begin <= one["t_ns"] <= end for begin, end in wanted)]
    return min(told, key=lambda one: int(one["t_ns"]), default=None)


def _end_of(recording: Recording, spans: Spans, lane: int) -> dict[str, Any] | None:
    own = spans.of(lane)
    words = recording.details[own.detail[-1]][0]
    opened = State.OPEN in own.state
    if own.state[-1] == State.FAILED and not opened:
        how = "refused"
    elif own.state[-1] == State.KILLED and words.startswith((GONE, UNREACHABLE)):
        how = "gone" if words.startswith(GONE) else "unreachable"
    else:
        return None
    why = words.partition(": ")[2] if how == "unreachable" else words.partition(". ")[0]  # RabbitMQ goes on to name its log
    return {"how": how, "t_ns": int(own.begin[-1]), "lane": int(lane), "why": why}


def _wanted(recording: Recording) -> list[tuple[int, int]]:
    """From each kill that the run asked for to the broker's return, or to the end."""
    marks = recording.marks
    out: list[tuple[int, int]] = []
    for row in np.flatnonzero((marks["kind"] == MarkKind.BROKER) & (marks["lane"] == 0)):
        text, t_ns = recording.strings[marks["text"][row]], int(marks["t"][row])
        if text == KILLED:
            out.append((t_ns, 1 << 63))
        elif text == RESTARTED and out:
            out[-1] = out[-1][0], t_ns
    return out
