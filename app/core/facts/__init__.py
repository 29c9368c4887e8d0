"""What a run says in numbers, computed from its recording alone, each number with the span of time and lane it came from.

Where an observer was off, its facts are None: absence is shown, not filled in.
"""

from __future__ import annotations

from typing import Any

from app.core.expectations import expectations
from app.core.facts.brokerlost import broker_lost
from app.core.facts.cores import cores
from app.core.facts.deadlock import deadlock
from app.core.facts.gil import gil_rows
from app.core.facts.lanes import lane_facts
from app.core.facts.messages import messages
from app.core.facts.oldcall import old_call
from app.core.facts.reads import reads
from app.core.facts.stall import longest_stall
from app.core.recording import Recording
from app.core.records import LaneKind, State
from app.core.spans import end_ns, spans_of

__all__ = ["Fact", "facts"]
Fact = dict[str, Any]


def facts(recording: Recording) -> Fact:
    """The facts of a run. Times are nanoseconds, `t_ns` absolute; `lane` numbers a lane of the recording.

    `wall_ns` · `cpu_ns` · `parallelism` (CPU time over wall time) · `switches` {voluntary, involuntary} · `cores` · `threads`, `tasks`,
    `greenlets` (rows; of very many lanes the busiest) · `lanes` (all of a kind together: {kind: {count, shown, lifetime_ns, states}}) ·
    `reads` (bytes copied, calls that found nothing) · `gils` · `stall` · `messages` (of a broker: what became of them) · `deadlock` (the threads that waited for each other at the end) · `old_call` (a call of pika 0.x that ended the run, and as it is written today) ·
    `broker_lost` (how a run's RabbitMQ was lost to it) · `expected` (what the experiment says must be seen, and whether it was: `expectations`).
    """
    spans = spans_of(recording)
    wall_ns = end_ns(recording) - int(recording.header.get("t0_ns", 0))
    strips = spans.where(spans.kind == LaneKind.CPU)
    kernel = str(recording.header.get("observers", {}).get("kernel", "")).startswith("exact")
    cpu_ns = int(strips.in_state(State.ON_CPU).length.sum()) if kernel else None
    rows = {kind: lane_facts(recording, spans, kind, kernel) for kind in (LaneKind.THREAD, LaneKind.TASK, LaneKind.GREENLET)}
    return {
        "wall_ns": wall_ns,
        "cpu_ns": cpu_ns,
        "parallelism": cpu_ns / wall_ns if cpu_ns is not None and wall_ns else None,
        "switches": {
            "voluntary": len(strips.in_state(State.OFF_CPU).lane),
            "involuntary": len(strips.in_state(State.PREEMPTED).lane),
        }
        if kernel
        else None,
        "cores": cores(recording, strips if kernel else None),
        "lanes": {kind.name.lower(): total for kind, (total, _) in rows.items() if total["count"]},
        "threads": rows[LaneKind.THREAD][1],
        "tasks": rows[LaneKind.TASK][1],
        "greenlets": rows[LaneKind.GREENLET][1],
        "reads": reads(recording, spans, kernel),
        "gils": gil_rows(recording, spans),
        "stall": longest_stall(recording, spans),
        "messages": messages(recording),
        "deadlock": deadlock(recording, spans),
        "old_call": old_call(recording),
        "broker_lost": broker_lost(recording, spans),
        "expected": expectations(recording),
    }
