"""One observed process's own numbering, translated: its lane and string numbers are process-local, the recording's are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core.records import LaneKind
from app.core.tables import LaneTable, StringTable
from app.core.threads import GIL_DROP

UNKNOWN = np.uint32(0xFFFF_FFFF)
MAX_LOCAL = 1 << 24
"""A process that claims more lanes or strings than this is lying: those records are dropped and counted."""


class _Numbers:
    """A growing map from local numbers to the recording's."""

    def __init__(self) -> None:
        self._of = np.full(256, UNKNOWN, np.uint32)

    def set(self, local: int, number: int) -> None:
        if local >= MAX_LOCAL:
            return
        if local >= len(self._of):
            bigger = np.full(max(local + 1, 2 * len(self._of)), UNKNOWN, np.uint32)
            bigger[: len(self._of)] = self._of
            self._of = bigger
        self._of[local] = number

    def one(self, local: int) -> int:
        """The recording's number of one local number, UNKNOWN where there is none."""
        return int(self._of[local]) if local < len(self._of) else int(UNKNOWN)

    def get(self, local: NDArray[np.unsignedinteger]) -> NDArray[np.uint32]:
        inside = local < len(self._of)
        return np.where(inside, self._of[np.where(inside, local, 0)], UNKNOWN).astype(np.uint32)


class ProcessNumbers:
    """Translates one process's records; `lane` is its process lane, `name` the number of what it is called now."""

    def __init__(self, lane: int, pid: int, name: int, lanes: LaneTable, strings: StringTable) -> None:
        self.lane = lane
        self.pid = pid
        self.name = name
        self._lanes, self._strings = lanes, strings
        self._lane_of, self._string_of = _Numbers(), _Numbers()
        self._lane_of.set(0, lane)
        self._string_of.set(0, 0)
        self._pieces: dict[int, bytearray] = {}
        self.opened: list[int] = [lane]
        self.new_threads: list[tuple[int, int, int]] = []
        self._gil: int | None = None
        self._memory: int | None = None

    def gil_lane(self, t_ns: int) -> int:
        """The lane of this process's GIL, opened the first time it is seen."""
        if self._gil is None:
            self._gil = self._lanes.open(t_ns, self.lane, LaneKind.GIL, self._strings.number("GIL"), self.pid, 0)
            self.opened.append(self._gil)
        return self._gil

    @property
    def memory_sampled(self) -> bool:
        """Whether its resident memory was ever looked at."""
        return self._memory is not None

    def memory_lane(self, t_ns: int) -> int:
        """The lane on which this process's resident memory is counted, opened the first time it is looked at."""
        if self._memory is None:
            name = self._strings.number("resident memory")
            self._memory = self._lanes.open(t_ns, self.lane, LaneKind.MEMORY, name, self.pid, 0)
        return self._memory

    def lanes(self, local: NDArray[np.unsignedinteger]) -> NDArray[np.uint32]:
        """The recording's lanes, UNKNOWN where the record that opened one was lost."""
        return self._lane_of.get(local)

    def strings(self, local: NDArray[np.unsignedinteger]) -> NDArray[np.uint32]:
        """The recording's strings, the empty one where the text was lost."""
        found = self._string_of.get(local)
        return np.where(found == UNKNOWN, 0, found).astype(np.uint32)

    def define(self, records: NDArray[np.void]) -> None:
        """Takes the records that define strings, lanes and names, in their order."""
        kinds = records["kind"]
        defining = (kinds == obs.Kind.STRING) | (kinds == obs.Kind.LANE) | (kinds == obs.Kind.NAME)
        for record in records[defining]:
            kind = int(record["kind"])
            if kind == obs.Kind.STRING:
                self._take_piece(record.tobytes())
            elif kind == obs.Kind.LANE:
                self._open_lane(record)
            else:
                self._rename(record)

    def _take_piece(self, piece: bytes) -> None:
        number, size = int.from_bytes(piece[8:12], "little"), piece[13]
        so_far = self._pieces.setdefault(number, bytearray())
        so_far += (piece[:8] + piece[16:])[: size & ~obs.STRING_LAST]
        if size & obs.STRING_LAST:
            text = bytes(self._pieces.pop(number)).decode("utf-8", "replace")
            self._string_of.set(number, self._strings.number(text))

    def _text(self, record: np.void) -> int:
        number = self._string_of.one(int(record["text"]))
        return 0 if number == int(UNKNOWN) else number

    def _lane(self, local: int) -> int:
        number = self._lane_of.one(local)
        return self.lane if number == int(UNKNOWN) else number

    def _open_lane(self, record: np.void) -> None:
        kind = int(record["state"])
        if kind not in LaneKind._value2member_map_:
            return
        parent = self._lane(int(record["value"]) & 0xFFFF_FFFF)
        tid = int(record["line"]) if kind == LaneKind.THREAD else 0
        lane = self._lanes.open(int(record["t_ns"]), parent, LaneKind(kind), self._text(record), self.pid, tid)
        self._lane_of.set(int(record["lane"]), lane)
        self.opened.append(lane)
        if kind == LaneKind.THREAD:
            if self._gil is not None:  # born without it: a new thread has yet to take the GIL
                self._lanes.gil[lane] = GIL_DROP
            self.new_threads.append((int(record["t_ns"]), lane, tid))

    def _rename(self, record: np.void) -> None:
        lane = self._lane(int(record["lane"]))
        name = self._text(record)
        self._lanes.rename(lane, name)
        if lane == self.lane:
            self.name = name
