"""One observed process's own numbering, translated: its lane and string numbers are process-local, the recording's are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs
from app.core.records import LaneKind
from app.core.tables import LaneTable, StringTable
from app.core.threads import GIL_DROP

UNKNOWN = np.uint32(0xFFFF_FFFF)
_LANE_KINDS = [*LaneKind]
MAX_LOCAL = 1 << 24
"""A process that claims more lanes or strings than this is lying: those records are dropped and counted."""


class _Numbers:
    """A growing map from local numbers to the recording's."""

    def __init__(self) -> None:
        self._of = np.full(256, UNKNOWN, np.uint32)

    def set(self, local: NDArray[np.unsignedinteger], numbers: NDArray[np.unsignedinteger]) -> None:
        """Each local number has its number from now on; those that claim too much are left out."""
        fits = local < MAX_LOCAL
        local, numbers = local[fits], numbers[fits]
        highest = int(local.max(initial=0))
        if highest >= len(self._of):
            bigger = np.full(max(highest + 1, 2 * len(self._of)), UNKNOWN, np.uint32)
            bigger[: len(self._of)] = self._of
            self._of = bigger
        self._of[local] = numbers

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
        self._lane_of.set(np.zeros(1, np.uint32), np.array([lane], np.uint32))
        self._string_of.set(np.zeros(1, np.uint32), np.zeros(1, np.uint32))
        self._pieces: dict[int, bytearray] = {}
        self.opened: list[int] = [lane]
        self.new_threads: list[tuple[int, int, int]] = []
        self._gils: dict[int, int] = {}
        self._memory: int | None = None
        self.memory_ns = 0
        """When its resident memory was looked at last."""

    def gil_lane(self, t_ns: int, number: int) -> int:
        """The lane of one of this process's GILs (0: the main interpreter's), opened the first time it is seen."""
        if number not in self._gils:
            name = self._strings.number(f"GIL {number}" if number else "GIL")
            self._gils[number] = self._lanes.open(t_ns, self.lane, LaneKind.GIL, name, self.pid, 0)
            self.opened.append(self._gils[number])
        return self._gils[number]

    @property
    def memory_sampled(self) -> bool:
        """Whether its resident memory was ever looked at."""
        return self._memory is not None

    def memory_lane(self, t_ns: int) -> int:
        """The lane on which this process's resident memory is counted, opened the first time it is looked at."""
        if self._memory is None:
            name = self._strings.number("resident memory")
            self._memory = self._lanes.open(t_ns, self.lane, LaneKind.MEMORY, name, self.pid, 0)
        self.memory_ns = t_ns
        return self._memory

    def lanes(self, local: NDArray[np.unsignedinteger]) -> NDArray[np.uint32]:
        """The recording's lanes, UNKNOWN where the record that opened one was lost."""
        return self._lane_of.get(local)

    def strings(self, local: NDArray[np.unsignedinteger]) -> NDArray[np.uint32]:
        """The recording's strings, the empty one where the text was lost."""
        found = self._string_of.get(local)
        return np.where(found == UNKNOWN, 0, found).astype(np.uint32)

    def define(self, records: NDArray[np.void]) -> None:
        """Takes the records that define strings, lanes and names. Numbers are given once, and strings name no lane: so strings
        come first, lanes then, names last, each in their order."""
        kinds = records["kind"]
        self._take_strings(records[kinds == obs.Kind.STRING])
        self._open_lanes(records[(kinds == obs.Kind.LANE) & np.isin(records["state"], _LANE_KINDS)])
        for record in records[kinds == obs.Kind.NAME]:
            self._rename(record)

    def _take_strings(self, pieces: NDArray[np.void]) -> None:
        if not len(pieces):
            return
        rows = pieces.view(np.uint8).reshape(len(pieces), -1)
        locals_, sizes = pieces["lane"].tolist(), rows[:, 13].tolist()
        texts = np.concatenate([rows[:, :8], rows[:, 16:]], axis=1)
        data, size = texts.tobytes(), texts.shape[1]
        whole: dict[int, int] = {}
        for at, (local, told) in enumerate(zip(locals_, sizes, strict=True)):
            piece: bytes | bytearray = data[at * size : at * size + min(told & ~obs.STRING_LAST, size)]
            if local in self._pieces or not told & obs.STRING_LAST:
                so_far = self._pieces.setdefault(local, bytearray())
                so_far += piece
                piece = so_far
            if told & obs.STRING_LAST:
                self._pieces.pop(local, None)
                whole[local] = self._strings.number(piece.decode("utf-8", "replace"))
        self._string_of.set(np.fromiter(whole, np.uint32, len(whole)), np.fromiter(whole.values(), np.uint32, len(whole)))

    def _open_lanes(self, records: NDArray[np.void]) -> None:
        if not len(records):
            return
        numbers = self._lanes.next_numbers(len(records))
        self._lane_of.set(records["lane"], numbers)
        parent = self._lane_of.get(records["value"].astype(np.uint32))
        parent[parent >= numbers] = self.lane  # unknown, or one that is opened only later
        is_thread = records["state"] == LaneKind.THREAD
        tid = np.where(is_thread, records["line"], 0)
        self._lanes.open_all(records["t_ns"], parent, records["state"], self.strings(records["text"]), self.pid, tid)
        self.opened += numbers.tolist()
        if self._gils:  # born without it: a new thread has yet to take the GIL
            self._lanes.gil[numbers[is_thread]] = GIL_DROP
        begun = (column[is_thread].tolist() for column in (records["t_ns"], numbers, tid))
        self.new_threads += zip(*begun, strict=True)

    def _rename(self, record: np.void) -> None:
        lane = self._lane_of.one(int(record["lane"]))
        lane = self.lane if lane == int(UNKNOWN) else lane
        name = self._string_of.one(int(record["text"]))
        name = 0 if name == int(UNKNOWN) else name
        self._lanes.rename(lane, name)
        if lane == self.lane:
            self.name = name
