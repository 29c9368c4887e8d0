"""The deadlock that a run ended in, if it did."""

from __future__ import annotations

from typing import Any

from app.core.facts.longest import span_fact
from app.core.recording import Recording
from app.core.spans import Spans
from app.core.waitcycle import wait_cycle


def deadlock(recording: Recording, spans: Spans) -> dict[str, Any] | None:
    """`{"waits": [span + {"wants", "holder", "has"}…], "since_ns"}`, None where there is none.

    `wants` is what a thread waits for, `holder` the lane of the thread that has it, `has` what the one before wants of it;
    `since_ns` is for how long the cycle had been closed at the end.
    """
    cycle = wait_cycle(recording, spans)
    if not cycle:
        return None
    before = [cycle[-1], *cycle[:-1]]
    waits = [
        {**span_fact(recording, spans, wait.at), "wants": wait.wants, "holder": wait.holder, "has": other.wants}
        for wait, other in zip(cycle, before, strict=True)
    ]
    return {"waits": waits, "since_ns": min(wait["duration_ns"] for wait in waits)}
