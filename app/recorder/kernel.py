"""Reads the kernel's context-switch records from outside: small rings, drained often, closed with the run.

Layout: linux/perf_event.h (struct perf_event_mmap_page; PERF_RECORD_LOST, COMM, EXIT, SWITCH with sample_id of TID, TIME, CPU).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.core import rows
from app.core.kernel import SWITCH, What

PAGES = (64, 32, 16, 8)
"""Of each core's ring, the most the locked-memory budget (perf_event_mlock_kb, shared by a user's runs) still gives: 256 KiB
hold 8,192 switches, what a busy core does while the recorder is kept off the cores for a few hundredths of a second."""
_HEAD, _TAIL = 1024, 1032
_LOST, _COMM, _EXIT, _SWITCH = 2, 3, 4, 14
RAW_SWITCH_BYTES = 32
_SWITCH_OUT, _PREEMPTED, _BY_EXEC = 1 << 13, 1 << 14, 1 << 13

_RAW = np.dtype(
    [
        ("type", "<u4"),
        ("misc", "<u2"),
        ("size", "<u2"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("time", "<u8"),
        ("cpu", "<u4"),
        ("zero", "<u4"),
    ]
)


class CoreRing:
    """One core's ring. Raises OSError when it cannot be mapped (the locked-memory budget)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._page = mmap.PAGESIZE
        self._map = _mapped(fd, self._page)
        self._bytes = len(self._map) - self._page
        self._last_ns = 0
        self.lost = 0

    def collect(self) -> bytes:
        """What came since the last call, as the kernel wrote it; makes room in the ring."""
        head = int.from_bytes(self._map[_HEAD : _HEAD + 8], "little")
        tail = int.from_bytes(self._map[_TAIL : _TAIL + 8], "little")
        if head == tail:
            return b""
        data = self._read(tail, head)
        self._map[_TAIL : _TAIL + 8] = head.to_bytes(8, "little")
        return data

    def _read(self, tail: int, head: int) -> bytes:
        start, size = tail % self._bytes, head - tail
        first = min(size, self._bytes - start)
        at = self._page + start
        return self._map[at : at + first] + self._map[self._page : self._page + size - first]

    def parsed(self, data: bytes) -> NDArray[np.void]:
        """What was collected, as an array of `core.kernel.SWITCH`, oldest first. Whole records, in the order they were collected."""
        if not data:
            return np.empty(0, SWITCH)
        if len(data) % RAW_SWITCH_BYTES == 0:
            told = np.frombuffer(data, _RAW)
            if bool(((told["type"] == _SWITCH) & (told["size"] == RAW_SWITCH_BYTES)).all()):
                self._last_ns = int(told["time"][-1])
                return _switches(told)
        return self._parsed_one_by_one(data)

    def _parsed_one_by_one(self, data: bytes) -> NDArray[np.void]:
        switches, others, at = [], [], 0
        while at + 8 <= len(data):
            kind = int.from_bytes(data[at : at + 4], "little")
            size = int.from_bytes(data[at + 6 : at + 8], "little")
            if size < 8:
                break
            if kind == _SWITCH and size == RAW_SWITCH_BYTES:
                switches.append(data[at : at + size])
                self._last_ns = int.from_bytes(data[at + 16 : at + 24], "little")
            elif kind == _EXIT:
                tid = int.from_bytes(data[at + 16 : at + 20], "little")
                core = int.from_bytes(data[at + 48 : at + 52], "little")
                others.append((int.from_bytes(data[at + 24 : at + 32], "little"), tid, core, What.EXIT))
            elif kind == _COMM and int.from_bytes(data[at + 4 : at + 6], "little") & _BY_EXEC:
                t_ns, pid, core = (
                    int.from_bytes(data[i : i + n], "little") for i, n in ((at + size - 16, 8), (at + 8, 4), (at + size - 8, 4))
                )
                others.append((t_ns, pid, core, What.EXEC))
            elif kind == _LOST:
                self.lost += int.from_bytes(data[at + 16 : at + 24], "little")
                core = int.from_bytes(data[at + 40 : at + 44], "little")
                # Said only by the next record that found room: what we know of this core ends with the last one before.
                others.append((self._last_ns or int.from_bytes(data[at + 32 : at + 40], "little"), 0, core, What.LOST))
            at += size
        return rows.in_order(rows.join([_switches(np.frombuffer(b"".join(switches), _RAW)), np.array(others, SWITCH)]), "t")

    def close(self) -> None:
        """Unmaps the ring and closes its descriptor."""
        self._map.close()
        os.close(self._fd)


def _mapped(fd: int, page: int) -> mmap.mmap:
    for pages in PAGES[:-1]:
        try:
            return mmap.mmap(fd, (1 + pages) * page)
        except OSError:
            continue
    return mmap.mmap(fd, (1 + PAGES[-1]) * page)


def _switches(told: NDArray[np.void]) -> NDArray[np.void]:
    out = np.zeros(len(told), SWITCH)
    out["t"], out["tid"], out["core"] = told["time"], told["tid"], told["cpu"]
    left = (told["misc"] & _SWITCH_OUT) != 0
    preempted = left & ((told["misc"] & _PREEMPTED) != 0)
    out["what"] = np.where(preempted, What.PREEMPTED, np.where(left, What.OUT, What.IN))
    return out


class Switches:
    """The context switches of a run, from all cores. Takes over the descriptors."""

    def __init__(self, fds: Sequence[int]) -> None:
        self._rings: list[CoreRing] = []
        try:
            for fd in fds:
                self._rings.append(CoreRing(fd))
        except (OSError, ValueError):
            for ring in self._rings:
                ring.close()
            for fd in fds[len(self._rings) :]:
                os.close(fd)
            raise

    def collect(self) -> list[bytes]:
        """What came since the last call, of each core, as the kernel wrote it; makes room in the rings."""
        return [ring.collect() for ring in self._rings]

    def parsed(self, collected: Sequence[Sequence[bytes]]) -> NDArray[np.void]:
        """The switches of these collections, which follow one another, in order of time."""
        of_cores = [b"".join(pieces) for pieces in zip(*collected, strict=True)]
        parts = [ring.parsed(data) for ring, data in zip(self._rings, of_cores, strict=True)]
        return rows.in_order(rows.join(parts), "t")

    @property
    def lost(self) -> int:
        """Records the kernel had no room for."""
        return sum(ring.lost for ring in self._rings)

    def close(self) -> None:
        """Gives everything back."""
        for ring in self._rings:
            ring.close()
        self._rings = []
