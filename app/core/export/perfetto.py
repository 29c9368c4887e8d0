"""A recording as a Perfetto trace (its own protobuf format: protos/perfetto/trace in the Perfetto sources).

Every lane is a track under its parent's, every state a slice on it, every arrow a flow, every counter a counter track, every mark
an instant. The older Chrome JSON has no tracks of one's own and no nanoseconds, so it is not used. An arrow needs an event at each
of its ends: an instant of the flow's name, inside the slice of the state. The end a lane comes to is an instant too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from app.core.export.protobuf import double, fixed64, integer, message, string
from app.core.recording import Lane, Recording
from app.core.records import STATES, FlowKind, LaneKind, MarkKind, State, StateClass, Unit
from app.core.spans import spans_of

_SEQUENCE = 1
_MONOTONIC, _BOOTTIME = 3, 6
_SLICE_BEGIN, _SLICE_END, _INSTANT, _COUNTER = 1, 2, 3, 4
_CLEARED, _NEEDED = 1, 2
_EXPLICIT_ORDER = 3
_NOT_MERGED = 2  # else lanes of one name under one parent would become one track
_COUNTERS_FROM = 1 << 40
_PIECE_BYTES = 1 << 18

# Fields of TracePacket ...
_CLOCK_SNAPSHOT, _TIMESTAMP, _SEQUENCE_ID, _TRACK_EVENT, _SEQUENCE_FLAGS = 6, 8, 10, 11, 13
_CLOCK_ID, _TRACK_DESCRIPTOR = 58, 60
# ... and of TrackEvent.
_ANNOTATION, _TYPE, _TRACK, _CATEGORY, _NAME, _DOUBLE_VALUE, _FLOW, _FLOW_END = 4, 9, 11, 22, 23, 44, 47, 48


def perfetto_trace(recording: Recording) -> Iterator[bytes]:
    """The trace in pieces; times are the recording's own CLOCK_MONOTONIC nanoseconds."""
    piece = bytearray()
    for packet in _packets(recording):
        piece += packet
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _packets(recording: Recording) -> Iterator[bytes]:
    t0_ns = int(recording.header.get("t0_ns", 0))
    yield _clocks(t0_ns)
    yield from _tracks(recording)
    yield from _slices(recording)
    yield from _flows(recording)
    yield from _marks(recording)
    yield from _counters(recording)


def _packet(*parts: bytes) -> bytes:
    return message(1, *parts, integer(_SEQUENCE_ID, _SEQUENCE))


def _clocks(t0_ns: int) -> bytes:
    """The trace's clock is the recording's; without this it would be taken for another and converted."""
    clocks = [message(1, integer(1, clock), integer(2, t0_ns)) for clock in (_BOOTTIME, _MONOTONIC)]
    flags = integer(_SEQUENCE_FLAGS, _CLEARED)
    return _packet(integer(_TIMESTAMP, t0_ns), message(_CLOCK_SNAPSHOT, *clocks, integer(2, _MONOTONIC)), flags)


def _event(t_ns: int, body: bytes) -> bytes:
    return _packet(integer(_TIMESTAMP, t_ns), integer(_CLOCK_ID, _MONOTONIC), body, integer(_SEQUENCE_FLAGS, _NEEDED))


def _uuid(lane: int) -> int:
    return lane + 1


# --- tracks


def _tracks(recording: Recording) -> Iterator[bytes]:
    threads: set[tuple[int, int]] = set()
    for lane in recording.lanes[1:]:
        fields = [integer(1, _uuid(lane.id)), _identity(lane, threads)]
        if lane.parent:
            fields.append(integer(5, _uuid(lane.parent)))
        yield _packet(
            message(
                _TRACK_DESCRIPTOR, *fields, integer(11, _EXPLICIT_ORDER), integer(12, _rank(lane)), integer(15, _NOT_MERGED)
            )
        )
    for number in np.unique(recording.counters["lane"]).tolist():
        lane = recording.lanes[number]
        fields = [integer(1, _COUNTERS_FROM + number), integer(5, _uuid(number)), string(2, lane.name or "value"), message(8)]
        yield _packet(message(_TRACK_DESCRIPTOR, *fields))


def _identity(lane: Lane, threads: set[tuple[int, int]]) -> bytes:
    """A process and a thread are those of the system; a thread whose number was used before is a track of its own."""
    name = lane.name or lane.kind.name.lower()
    if lane.kind is LaneKind.PROCESS:
        return message(3, integer(1, lane.pid), string(6, name))
    if lane.kind is LaneKind.THREAD and (lane.pid, lane.tid) not in threads and lane.tid:
        threads.add((lane.pid, lane.tid))
        return message(4, integer(1, lane.pid), integer(2, lane.tid), string(5, name))
    return string(2, {LaneKind.CPU: "CPU", LaneKind.GIL: name if lane.name else "GIL"}.get(lane.kind, name))


def _rank(lane: Lane) -> int:
    """As the page orders lanes: the strip of CPU time first, then cores, then the GIL, then as they appeared."""
    return {LaneKind.CPU: 0, LaneKind.CORE: 1, LaneKind.GIL: 2}.get(lane.kind, 3) * 1_000_000 + min(lane.id, 999_999)


# --- states


def _slices(recording: Recording) -> Iterator[bytes]:
    """Lane by lane, each slice ended before the next begins, so that they never nest."""
    spans = spans_of(recording)
    known: dict[tuple[int, int, int], bytes] = {}
    closing = {lane.id: _body(_SLICE_END, lane.id) for lane in recording.lanes}
    ends = {int(state) for state, spec in STATES.items() if spec.look is StateClass.ENDED}
    columns = (spans.lane, spans.state, spans.begin, spans.end, spans.detail)
    for lane, state, begin_ns, stop_ns, detail in zip(*(column.tolist() for column in columns), strict=True):
        key = (lane, state, detail)
        body = known.get(key)
        if body is None:
            kind = _INSTANT if state in ends else _SLICE_BEGIN
            body = known[key] = _body(kind, lane, *_said(recording, lane, State(state), detail))
        yield _event(begin_ns, body)
        if state not in ends:
            yield _event(stop_ns, closing[lane])


def _body(kind: int, lane: int, *parts: bytes) -> bytes:
    return message(_TRACK_EVENT, integer(_TYPE, kind), integer(_TRACK, _uuid(lane)), *parts)


def _said(recording: Recording, lane: int, state: State, number: int) -> list[bytes]:
    """The name of a state's slice, its category, and what is known of it as arguments."""
    spec = STATES[state]
    text, file, line, value = recording.details[number]
    name = spec.name
    if recording.lanes[lane].kind in (LaneKind.CORE, LaneKind.GIL) and not math.isnan(value):
        name = next((one.name for one in recording.lanes if one.kind is LaneKind.THREAD and one.tid == int(value)), name)
    said = [string(_NAME, name), string(_CATEGORY, spec.look.value), _argument("state", spec.name)]
    unit = Unit.CORE if recording.lanes[lane].kind is LaneKind.CPU else spec.unit
    known = {"reason": spec.reason, "text": text, "file": file, "line": line or None}
    said += [_argument(key, told) for key, told in known.items() if told]
    return said if math.isnan(value) else [*said, _argument(unit.value, int(value) if value.is_integer() else value)]


def _argument(name: str, value: str | int | float) -> bytes:
    match value:
        case str():
            told = string(6, value)
        case int():
            told = integer(4, value)
        case _:
            told = double(5, value)
    return message(_ANNOTATION, string(10, name), told)


# --- arrows, marks, counters


def _flows(recording: Recording) -> Iterator[bytes]:
    table = recording.flows
    columns = (table[name].tolist() for name in ("t", "from", "t2", "to", "kind", "detail"))
    for number, (t_ns, source, t2_ns, target, kind, detail) in enumerate(zip(*columns, strict=True), 1):
        text = recording.details[detail][0]
        said = [
            string(_NAME, FlowKind(kind).name.lower()),
            string(_CATEGORY, "flow"),
            *([_argument("text", text)] if text else []),
        ]
        yield _event(t_ns, _body(_INSTANT, source, *said, fixed64(_FLOW, number)))
        yield _event(t2_ns, _body(_INSTANT, target, *said, fixed64(_FLOW_END, number)))


def _marks(recording: Recording) -> Iterator[bytes]:
    table = recording.marks
    for t_ns, lane, kind, text in zip(*(table[name].tolist() for name in ("t", "lane", "kind", "text")), strict=True):
        name = MarkKind(kind).name.lower()
        body = (string(_NAME, name), string(_CATEGORY, "mark"), _argument("text", recording.strings[text]))
        # What happened to the run as a whole has no lane: it stands on the global track.
        yield _event(
            t_ns,
            _body(_INSTANT, lane, *body)
            if lane
            else message(_TRACK_EVENT, integer(_TYPE, _INSTANT), integer(_TRACK, 0), *body),
        )


def _counters(recording: Recording) -> Iterator[bytes]:
    table = recording.counters
    for t_ns, lane, value in zip(*(table[name].tolist() for name in ("t", "lane", "value")), strict=True):
        fields = (integer(_TYPE, _COUNTER), integer(_TRACK, _COUNTERS_FROM + lane), double(_DOUBLE_VALUE, value))
        yield _event(t_ns, message(_TRACK_EVENT, *fields))
