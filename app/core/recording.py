"""A whole recording read back: tables resolved, states, flows, marks and output as columns with absolute times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.blocks import COLUMNS, Block, BlockKind, Decoder, RecordingError
from app.core.records import LaneKind

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane. `t_ns` is when it began, `parent` the lane it lies under; `tid` is 0 where it is no thread."""

    id: int
    parent: int | None
    kind: LaneKind
    name: str
    pid: int
    tid: int
    t_ns: int


@dataclass
class Recording:
    """Everything in a recording. Columns of one table have one length; `t` and `t2` are absolute nanoseconds (uint64).

    `states`: t, lane, state, detail · `flows`: t, t2, from, to, kind, detail · `counters`: t, lane, value ·
    `marks`: t, lane, kind, text. `details` is (text, file, line, value): strings resolved, value NaN where there is none.
    `objects` says of some details, by number, what they are about and which lane has it (0: nobody known).
    `end` is None for a recording that was cut off.
    """

    header: dict[str, Any]
    end: dict[str, Any] | None = None
    strings: list[str] = field(default_factory=lambda: [""])
    details: list[tuple[str, str, int, float]] = field(default_factory=lambda: [("", "", 0, float("nan"))])
    objects: dict[int, tuple[str, int]] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=lambda: [Lane(0, None, LaneKind.MACHINE, "machine", 0, 0, 0)])
    states: Table = field(default_factory=dict)
    flows: Table = field(default_factory=dict)
    counters: Table = field(default_factory=dict)
    marks: Table = field(default_factory=dict)
    output: list[tuple[int, int, bytes]] = field(default_factory=list)


_TABLES = {
    BlockKind.STATES: "states",
    BlockKind.FLOWS: "flows",
    BlockKind.COUNTERS: "counters",
    BlockKind.MARKS: "marks",
}


def read(pieces: Iterable[bytes]) -> Recording:
    """Reads a recording from its bytes in any pieces. A torn last block is left out; RecordingError for anything else wrong."""
    decoder = Decoder()
    recording: Recording | None = None
    parts: dict[BlockKind, list[Table]] = {kind: [] for kind in _TABLES}
    for piece in pieces:
        decoder.receive_data(piece)
        for block in decoder.blocks():
            if recording is None:
                if block.kind is not BlockKind.HEADER:
                    raise RecordingError(f"a recording begins with a HEADER block, not {block.kind.name}")
                recording = Recording(block.document())
            elif block.kind in parts:
                parts[block.kind].append(_timed(block))
            else:
                _take(recording, block)
    if recording is None:
        raise RecordingError("the recording has no HEADER block")
    for kind, name in _TABLES.items():
        setattr(recording, name, _joined(kind, parts[kind]))
    return recording


def _timed(block: Block) -> Table:
    columns = block.columns()
    for name in ("t", "t2"):
        if name in columns:
            columns[name] = columns[name].astype(np.uint64) + np.uint64(block.t0_ns)
    return columns


def _joined(kind: BlockKind, parts: list[Table]) -> Table:
    if not parts:
        return {name: np.empty(0, np.uint64 if name in ("t", "t2") else dtype) for name, dtype in COLUMNS[kind]}
    return {name: np.concatenate([part[name] for part in parts]) for name, _ in COLUMNS[kind]}


def _take(recording: Recording, block: Block) -> None:
    if block.kind is BlockKind.STRINGS:
        recording.strings += block.strings()
    elif block.kind is BlockKind.DETAILS:
        recording.details += _details(recording.strings, block)
    elif block.kind is BlockKind.OBJECTS:
        columns = block.columns()
        for detail, said, holder in zip(*(columns[name].tolist() for name in ("detail", "object", "holder")), strict=True):
            recording.objects[detail] = (_string(recording, said), holder)
    elif block.kind is BlockKind.LANES:
        _add_lanes(recording, block)
    elif block.kind is BlockKind.NAMES:
        columns = block.columns()
        for lane, name in zip(columns["lane"].tolist(), columns["name"].tolist(), strict=True):
            old = recording.lanes[lane]
            recording.lanes[lane] = Lane(old.id, old.parent, old.kind, _string(recording, name), old.pid, old.tid, old.t_ns)
    elif block.kind is BlockKind.OUTPUT:
        recording.output.append((block.t0_ns, *block.output()))
    elif block.kind is BlockKind.END:
        recording.end = block.document()


def _string(recording: Recording, number: int) -> str:
    if number >= len(recording.strings):
        raise RecordingError(f"string {number} is not defined (there are {len(recording.strings)})")
    return recording.strings[number]


def _details(strings: list[str], block: Block) -> list[tuple[str, str, int, float]]:
    columns = block.columns()
    rows = zip(*(columns[name].tolist() for name in ("text", "file", "line", "value")), strict=True)
    try:
        return [(strings[text], strings[file], line, value) for text, file, line, value in rows]
    except IndexError as error:
        raise RecordingError("a detail names a string that is not defined") from error


def _add_lanes(recording: Recording, block: Block) -> None:
    columns = _timed(block)
    rows = zip(*(columns[name].tolist() for name in ("parent", "kind", "name", "pid", "tid", "t")), strict=True)
    for parent, kind, name, pid, tid, t_ns in rows:
        lane = len(recording.lanes)
        if parent >= lane or kind not in LaneKind._value2member_map_:
            raise RecordingError(f"lane {lane} has parent {parent} and kind {kind}")
        recording.lanes.append(Lane(lane, parent, LaneKind(kind), _string(recording, name), pid, tid, t_ns))
