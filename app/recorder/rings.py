"""Reads the rings of the observed processes, from outside, without a system call on their side.

Everything in a ring is hostile input: it is read with pread (a mapping would fault when the script truncates the file), the
reader keeps its own tail, and counts are bounded by the ring's own size. See `app/probe/probe.h` for the protocol.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core import observations as obs

MAX_SLOTS = 1 << 20
MAX_RINGS = 4096
_TAIL_OFFSET = obs.RING_HEADER.fields["tail"][1]  # type: ignore[index]


class RingError(ValueError):
    """The file is not a ring of this version."""


@dataclass(eq=False)
class Ring:
    """One process's ring. `drain()` until it gives nothing and `alive()` is False, then `close()`."""

    fd: int
    pid: int
    ppid: int
    t_start_ns: int
    program: str
    slots: int
    tail: int = 0
    dropped: int = 0

    @classmethod
    def open(cls, fd: int) -> Ring:
        """Takes over the descriptor. Raises RingError (the descriptor is then closed) when it is no ring."""
        try:
            header = cls._header(fd)
            slots = int(header["slots"])
            size = os.fstat(fd).st_size
            if int(header["magic"]) != obs.MAGIC or int(header["version"]) != obs.VERSION:
                raise RingError("not a ring of this version")
            if slots & (slots - 1) or not 0 < slots <= MAX_SLOTS or size < obs.SLOTS_OFFSET_BYTES + slots * obs.RECORD.itemsize:
                raise RingError(f"a ring of {slots} slots in {size} bytes")
            program = bytes(header["program"]).decode("utf-8", "replace")
            return cls(fd, int(header["pid"]), int(header["ppid"]), int(header["t_start_ns"]), program, slots)
        except (OSError, RingError):
            os.close(fd)
            raise

    @staticmethod
    def _header(fd: int) -> np.void:
        data = os.pread(fd, obs.RING_HEADER.itemsize, 0)
        if len(data) < obs.RING_HEADER.itemsize:
            raise RingError("the ring was cut short")
        return np.frombuffer(data, obs.RING_HEADER, 1)[0]  # type: ignore[no-any-return]

    def alive(self) -> bool:
        """Whether the process (its first thread) still is what it was; the kernel marks the robust mutex when not."""
        try:
            return not int(self._header(self.fd)["alive"]) & obs.FUTEX_OWNER_DIED
        except RingError:
            return False

    def drain(self) -> NDArray[np.void]:
        """The records published since the last call, oldest first, as an array of `observations.RECORD` (kinds cleaned)."""
        try:
            header = self._header(self.fd)
        except RingError:
            return np.empty(0, obs.RECORD)
        self.dropped = int(header["dropped"])
        waiting = min(int(header["head"]) - self.tail, self.slots)
        if waiting <= 0:
            return np.empty(0, obs.RECORD)
        records = self._published(self._read(self.tail, waiting))
        if len(records):
            self.tail += len(records)
            os.pwrite(self.fd, self.tail.to_bytes(8, "little"), _TAIL_OFFSET)
        return records

    def _read(self, index: int, count: int) -> NDArray[np.void]:
        start = index & (self.slots - 1)
        first = min(count, self.slots - start)
        data = self._pread(start, first)
        if count > first:
            data += self._pread(0, count - first)
        usable = len(data) // obs.RECORD.itemsize
        return np.frombuffer(bytearray(data), obs.RECORD, usable)

    def _pread(self, slot: int, count: int) -> bytes:
        size = obs.RECORD.itemsize
        return os.pread(self.fd, count * size, obs.SLOTS_OFFSET_BYTES + slot * size)

    def _published(self, records: NDArray[np.void]) -> NDArray[np.void]:
        laps = ((self.tail + np.arange(len(records), dtype=np.int64)) // self.slots) & 1
        kinds = records["kind"]
        even = (kinds & obs.PUBLISHED_EVEN_LAP) != 0
        good = (kinds != 0) & (even == (laps == 0))
        holes = np.flatnonzero(~good)
        records = records[: holes[0]] if len(holes) else records
        records["kind"] &= obs.PUBLISHED_EVEN_LAP - 1
        return records

    def skip_hole(self) -> int:
        """After the process has died: pass over one slot it reserved and never published. Returns how many are lost (0 or 1)."""
        try:
            head = int(self._header(self.fd)["head"])
        except RingError:
            return 0
        if head <= self.tail or head - self.tail > self.slots:
            return 0
        self.tail += 1
        return 1

    def close(self) -> None:
        """Gives the descriptor back; the file goes with the run's tmpfs."""
        os.close(self.fd)


class RingFolder:
    """The directory in which the run's processes make their rings, held open so that it outlives their namespace."""

    def __init__(self, directory_fd: int) -> None:
        self._directory_fd = directory_fd
        self._seen: set[str] = set()  # what was refused lies there still; what was opened is unlinked
        self._opened = 0
        self.refused = 0

    def new_rings(self) -> list[Ring]:
        """Rings that appeared since the last call, in order of their start. Files that are no rings are counted in `refused`."""
        rings: list[Ring] = []
        with os.scandir(self._directory_fd) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".ring") and entry.name not in self._seen)
        for name in names:
            ring = self._open(name) if self._opened < MAX_RINGS else None
            if ring is None:
                self._seen.add(name)
                self.refused += 1
            else:
                self._opened += 1
                rings.append(ring)
        return sorted(rings, key=lambda ring: ring.t_start_ns)

    def _open(self, name: str) -> Ring | None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            ring = Ring.open(os.open(name, flags, dir_fd=self._directory_fd))
        except (OSError, RingError):
            return None
        try:
            os.unlink(name, dir_fd=self._directory_fd)  # its memory goes when process and recorder are done with it
        except OSError:
            ring.close()
            return None
        return ring
