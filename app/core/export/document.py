"""A recording in other formats. `json_document` is lossless; its shape is the contract of `schedscope export --format json`."""

from __future__ import annotations

import math
from typing import Any

from app.core.recording import Recording
from app.core.records import FORMAT_VERSION, STATES, FlowKind, LaneKind, MarkKind, State, Stream, Unit


def json_document(recording: Recording) -> dict[str, Any]:
    """The whole recording as plain JSON values; times are absolute CLOCK_MONOTONIC nanoseconds.

    A state's detail is null, or an object with what is known of it: `reason`, `text`, `file`, `line`, `object` (the lock,
    descriptor or thread it is about), `holder` (the lane of the thread that had the lock when the wait began) and one number under
    the name of its unit (`delay_ns`, `fd`, `pid`, …). On lanes of kind gil and core it is the thread id alone.
    """
    return {
        "format": "schedscope",
        "version": FORMAT_VERSION,
        "header": recording.header,
        "lanes": [
            {
                "id": lane.id,
                "parent": lane.parent,
                "kind": lane.kind.name.lower(),
                "name": lane.name,
                "pid": lane.pid,
                "tid": lane.tid,
                "t_ns": lane.t_ns,
            }
            for lane in recording.lanes
        ],
        "states": _states(recording),
        "flows": _flows(recording),
        "counters": [list(row) for row in zip(*(recording.counters[c].tolist() for c in ("t", "lane", "value")), strict=True)],
        "marks": _marks(recording),
        "output": [
            [t_ns, Stream(stream).name.lower(), data.decode("utf-8", "replace")] for t_ns, stream, data in recording.output
        ],
        "end": recording.end,
    }


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _detail(recording: Recording, lane: int, state: State, number: int) -> Any:
    text, file, line, value = recording.details[number]
    spec = STATES[state]
    if recording.lanes[lane].kind in (LaneKind.GIL, LaneKind.CORE):
        return None if math.isnan(value) else int(value)
    said: dict[str, Any] = {}
    if spec.reason:
        said["reason"] = spec.reason
    if text:
        said["text"] = text
    thing, holder = recording.objects.get(number, ("", 0))
    if thing:
        said["object"] = thing
    if holder:
        said["holder"] = holder
    if file:
        said["file"] = file
    if line:
        said["line"] = line
    if not math.isnan(value):
        unit = Unit.CORE if recording.lanes[lane].kind is LaneKind.CPU else spec.unit
        said[unit.value] = _number(value)
    return said or None


def _states(recording: Recording) -> list[list[Any]]:
    table = recording.states
    known: dict[tuple[LaneKind, int, int], Any] = {}
    out: list[list[Any]] = []
    for t_ns, lane, state, detail in zip(*(table[c].tolist() for c in ("t", "lane", "state", "detail")), strict=True):
        key = (recording.lanes[lane].kind, state, detail)
        if key not in known:
            known[key] = _detail(recording, lane, State(state), detail)
        out.append([t_ns, lane, STATES[State(state)].name, known[key]])
    return out


def _flows(recording: Recording) -> list[list[Any]]:
    table = recording.flows
    columns = (table[c].tolist() for c in ("t", "from", "t2", "to", "kind", "detail"))
    return [
        [t, from_lane, t2, to_lane, FlowKind(kind).name.lower(), recording.details[detail][0] or None]
        for t, from_lane, t2, to_lane, kind, detail in zip(*columns, strict=True)
    ]


def _marks(recording: Recording) -> list[list[Any]]:
    table = recording.marks
    columns = (table[c].tolist() for c in ("t", "lane", "kind", "text"))
    return [
        [t, lane, MarkKind(kind).name.lower(), recording.strings[text]] for t, lane, kind, text in zip(*columns, strict=True)
    ]
