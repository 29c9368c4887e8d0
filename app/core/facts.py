"""What a run says in numbers, computed from its recording alone, each number with the span of time and lane it came from.

Where an observer was off, its facts are None: absence is shown, not filled in.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.expectations import expectations
from app.core.recording import Lane, Recording
from app.core.records import STATES, LaneKind, State, StateClass
from app.core.spans import Spans, end_ns, overlap_ns, spans_of

Fact = dict[str, Any]
_WAITS = [int(state) for state, spec in STATES.items() if spec.look is StateClass.WAITING]
_MOST_PAIRS = 12


def facts(recording: Recording) -> Fact:
    """The facts of a run. Times are nanoseconds, `t_ns` absolute; `lane` numbers a lane of the recording.

    `wall_ns` · `cpu_ns` · `parallelism` (CPU time over wall time) · `switches` {voluntary, involuntary} · `threads` · `gils` · `stall` ·
    `expected` (what the experiment says must be seen, and whether it was: `expectations`).
    """
    spans = spans_of(recording)
    begin_ns = int(recording.header.get("t0_ns", 0))
    wall_ns = end_ns(recording) - begin_ns
    strips = spans.where(spans.kind == LaneKind.CPU)
    kernel = str(recording.header.get("observers", {}).get("kernel", "")).startswith("exact")
    cpu_ns = int(strips.in_state(State.ON_CPU).length.sum()) if kernel else None
    return {
        "wall_ns": wall_ns,
        "cpu_ns": cpu_ns,
        "parallelism": cpu_ns / wall_ns if cpu_ns is not None and wall_ns else None,
        "switches": _switches(strips) if kernel else None,
        "threads": [_thread(recording, spans, lane, kernel) for lane in recording.lanes if lane.kind is LaneKind.THREAD],
        "gils": [_gil(recording, spans, lane) for lane in recording.lanes if lane.kind is LaneKind.GIL],
        "stall": _longest_stall(recording, spans),
        "expected": expectations(recording),
    }


def _switches(strips: Spans) -> Fact:
    return {"voluntary": len(strips.in_state(State.OFF_CPU).lane), "involuntary": len(strips.in_state(State.PREEMPTED).lane)}


def _by_state(spans: Spans) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for state in np.unique(spans.state).tolist():
        total[STATES[State(state)].name] += int(spans.length[spans.state == state].sum())
    return {name: ns for name, ns in total.items() if ns}


def _thread(recording: Recording, spans: Spans, lane: Lane, kernel: bool) -> Fact:
    own = spans.of(lane.id)
    strip = next((other for other in recording.lanes if other.parent == lane.id and other.kind is LaneKind.CPU), None)
    on = spans.of(strip.id) if strip and kernel else None
    waits = own.in_state(*_WAITS, int(State.GIL_WAIT))
    return {
        "lane": lane.id,
        "lifetime_ns": int(own.length.sum()),
        "on_cpu_ns": int(on.in_state(State.ON_CPU).length.sum()) if on else None,
        "preempted_ns": int(on.in_state(State.PREEMPTED).length.sum()) if on else None,
        "states": _by_state(own),
        "longest_wait": _longest(recording, waits),
    }


def _longest(recording: Recording, spans: Spans) -> Fact | None:
    if not len(spans.lane):
        return None
    at = int(np.argmax(spans.length))
    text, file, line, _value = recording.details[int(spans.detail[at])]
    return {
        "lane": int(spans.lane[at]),
        "t_ns": int(spans.begin[at]),
        "duration_ns": int(spans.length[at]),
        "state": STATES[State(int(spans.state[at]))].name,
        "reason": STATES[State(int(spans.state[at]))].reason,
        "text": text or None,
        "file": file or None,
        "line": line or None,
    }


def _gil(recording: Recording, spans: Spans, lane: Lane) -> Fact:
    """Utilisation, hand-overs and waits of one GIL. A hand-over is a take by another thread than the last holder."""
    held = spans.of(lane.id).in_state(State.GIL_HELD)
    holders = np.array([recording.details[number][3] for number in held.detail.tolist()])
    lifetime_ns = int(spans.of(lane.id).length.sum())
    handed = int((holders[1:] != holders[:-1]).sum()) if len(holders) else 0
    threads = [other for other in recording.lanes if other.kind is LaneKind.THREAD and other.parent == lane.parent]
    waits = spans.where(np.isin(spans.lane, [thread.id for thread in threads])).in_state(State.GIL_WAIT)
    return {
        "lane": lane.id,
        "held_ns": int(held.length.sum()),
        "utilisation": int(held.length.sum()) / lifetime_ns if lifetime_ns else 0.0,
        "takes": len(held.lane),
        "handovers": handed,
        "handovers_per_s": handed / (lifetime_ns / 1e9) if lifetime_ns else 0.0,
        "waited_ns": int(waits.length.sum()),
        "longest_wait": _longest(recording, waits),
        "made_wait": _made_wait(held, holders, waits, threads),
    }


def _made_wait(held: Spans, holders: NDArray[np.float64], waits: Spans, threads: list[Lane]) -> list[Fact]:
    """Who made whom wait for the GIL, and for how long: the time the one held it while the other waited. Largest first."""
    pairs = []
    for holder in threads:
        holds = held.where(holders == holder.tid)
        for waiter in threads:
            waited = waits.where(waits.lane == waiter.id)
            if holder is waiter or not len(waited.lane) or not len(holds.lane):
                continue
            ns = int(overlap_ns(waited.begin, waited.end, holds).sum())
            if ns:
                pairs.append({"holder": holder.id, "waiter": waiter.id, "duration_ns": ns})
    return sorted(pairs, key=lambda pair: -int(pair["duration_ns"]))[:_MOST_PAIRS]


def _longest_stall(recording: Recording, spans: Spans) -> Fact | None:
    """The longest time a task or greenlet was ready and not run, and which lane of its loop ran meanwhile, doing what and where."""
    coroutines = spans.where(np.isin(spans.kind, [LaneKind.TASK, LaneKind.GREENLET]))
    longest = _longest(recording, coroutines.in_state(State.READY))
    if longest is None:
        return None
    begin, end = np.array([longest["t_ns"]]), np.array([longest["t_ns"] + longest["duration_ns"]])
    parent = recording.lanes[longest["lane"]].parent
    thread = _thread_above(recording, longest["lane"])
    siblings = [
        lane.id for lane in recording.lanes if lane.parent == parent and lane.kind in (LaneKind.TASK, LaneKind.GREENLET)
    ]
    running = coroutines.where(np.isin(coroutines.lane, siblings)).in_state(State.RUNNING)
    overlaps = np.minimum(running.end, end) - np.maximum(running.begin, begin)
    culprit = int(running.lane[int(np.argmax(overlaps))]) if len(overlaps) and overlaps.max() > 0 else None
    inside = spans.of(thread).in_state(*_WAITS) if thread else None
    cause = _longest(recording, inside.where((inside.begin < end) & (inside.end > begin))) if inside else None
    together = coroutines.in_state(State.READY)
    others = int(((together.begin < end) & (together.end > begin) & np.isin(together.lane, siblings)).sum())
    return {**longest, "culprit": culprit, "cause": cause, "ready_together": others}


def _thread_above(recording: Recording, lane: int) -> int | None:
    at: int | None = lane
    while at:
        if recording.lanes[at].kind is LaneKind.THREAD:
            return at
        at = recording.lanes[at].parent
    return None
