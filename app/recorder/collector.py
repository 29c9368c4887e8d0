"""Fetches what the observers of one run hold, as it is, in rounds: soon done, so that nothing overflows while rows are made.

Rows are made of whole rounds, in their order, then or much later: a round knows up to when it is complete, who was new in it
and who was gone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.recorder.kernel import RAW_SWITCH_BYTES, Switches
from app.recorder.memory import MemorySampler
from app.recorder.rings import Ring, RingFolder
from app.recorder.target import Target


@dataclass(slots=True)
class Round:
    """What was fetched at one time. Whatever was written before `complete_ns` is in it or in an earlier one."""

    complete_ns: int
    switches: Sequence[bytes] = ()
    fresh: list[Ring] = field(default_factory=list)
    records: list[tuple[Ring, NDArray[np.void]]] = field(default_factory=list)
    overrun: list[tuple[Ring, int]] = field(default_factory=list)
    """How many records of a ring found it full since the round before."""
    torn: int = 0
    """Records whose writer died over them."""
    resident: list[tuple[Ring, int, int]] = field(default_factory=list)
    """(ring, time, bytes)."""
    gone: list[Ring] = field(default_factory=list)
    """Their processes are dead and everything of them has been fetched."""

    def count(self) -> int:
        """About how many records it holds."""
        return sum(map(len, self.switches)) // RAW_SWITCH_BYTES + sum(len(records) for _ring, records in self.records)

    def says_nothing(self) -> bool:
        """Whether nothing has happened since the round before."""
        return not (any(self.switches) or self.fresh or self.records or self.overrun or self.torn or self.resident or self.gone)


class Collector:
    """The observers of one run. `kernel_says` and `memory_says` are what the header tells of two of them."""

    def __init__(self, target: Target) -> None:
        self._folder = RingFolder(target.ring_dir_fd)
        self._rings: list[Ring] = []
        self._dropped: dict[Ring, int] = {}
        self._memory = MemorySampler(target.proc_fd)
        self.kernel: Switches | None = None
        self.memory_says = self._memory.observer
        self.kernel_says = self._observe_kernel(target)

    def _observe_kernel(self, target: Target) -> str:
        """Begins to observe context switches where the target brought descriptors for them; says what became of it."""
        if not target.switch_fds:
            return target.kernel
        try:
            self.kernel = Switches(target.switch_fds)
        except OSError as error:
            return f"unavailable: {error.strerror} (the locked-memory budget, perf_event_mlock_kb)"
        return "exact"

    @property
    def refused(self) -> int:
        """Processes that were not observed: their rings were none, or too many."""
        return self._folder.refused

    def all_alive(self) -> bool:
        """Whether every process that is still followed lives."""
        return all(ring.alive() for ring in self._rings)

    def collect(self) -> Round:
        """What has come since the last call."""
        found = Round(time.monotonic_ns())
        if self.kernel:
            found.switches = self.kernel.collect()
        found.fresh = self._folder.new_rings()
        self._rings += found.fresh
        for ring in self._rings:
            self._fetch(ring, found)
        if found.gone:
            gone = set(found.gone)
            self._rings = [ring for ring in self._rings if ring not in gone]
        self._look_at_memory(found)
        return found

    def _fetch(self, ring: Ring, found: Round) -> None:
        alive = ring.alive()  # asked first: what it wrote before it died is in the ring by then
        records = ring.drain()
        if len(records):
            found.records.append((ring, records))
        lost = ring.dropped - self._dropped.get(ring, 0)
        if 0 < lost < 1 << 40:  # the program may write anything there
            self._dropped[ring] = ring.dropped
            found.overrun.append((ring, lost))
        if not alive and not len(records):
            torn = ring.skip_hole()
            found.torn += torn
            if not torn:
                found.gone.append(ring)
                self._dropped.pop(ring, None)
                ring.close()

    def _look_at_memory(self, found: Round) -> None:
        begun_s = time.monotonic()
        if self._memory.due(begun_s):
            found.resident = [(ring, time.monotonic_ns(), size_bytes) for ring, size_bytes in self._memory.changed(self._rings)]
            self._memory.looked(begun_s, time.monotonic())

    def close(self) -> None:
        """Ends the observation of the kernel."""
        if self.kernel:
            self.kernel.close()
