"""What is observed of one run, drained into its timeline: rings, context switches, memory, and what else lies beside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.records import MarkKind
from app.core.timeline import Timeline
from app.recorder.kernel import Switches
from app.recorder.memory import MemorySampler
from app.recorder.rings import Ring, RingFolder
from app.recorder.target import Beside, Target


@dataclass
class _Observed:
    ring: Ring
    process: int
    dropped: int = 0
    closed: bool = False


class Drain:
    """Takes what a target's observers have to say; `append` is given the bytes that a process's end completes.

    `kernel_says` and `memory_says` are what the header tells of these two observers.
    """

    def __init__(self, target: Target, timeline: Timeline, beside: Sequence[Beside], append: Callable[[bytes], None]) -> None:
        self.timeline = timeline
        self._beside, self._append = beside, append
        self._folder = RingFolder(target.ring_dir_fd)
        self._rings: list[_Observed] = []
        self._fresh: list[Ring] = []
        self._gone: list[_Observed] = []
        self._waiting = 0
        self.complete_ns = 0
        """Up to when everything that was observed has been taken: whoever wrote later may still be about to."""
        self._memory = MemorySampler(target.proc_fd)
        self._kernel: Switches | None = None
        self.memory_says = self._memory.observer
        self.kernel_says = self._observe_kernel(target)

    def _observe_kernel(self, target: Target) -> str:
        """Begins to observe context switches where the target brought descriptors for them; says what became of it."""
        if not target.switch_fds:
            return target.kernel
        try:
            self._kernel = Switches(target.switch_fds)
        except OSError as error:
            return f"unavailable: {error.strerror} (the locked-memory budget, perf_event_mlock_kb)"
        self.timeline.observe_kernel()
        return "exact"

    @property
    def switches_lost(self) -> int:
        """Context switches the kernel had no room for."""
        return self._kernel.lost if self._kernel else 0

    @property
    def refused(self) -> int:
        """Processes that were not observed: their rings were none, or too many."""
        return self._folder.refused

    def collect(self) -> int:
        """Makes room in the rings, which is soon done, and in what lies beside, whose writers wait for it; returns how much waits
        for `take`, which makes rows of it."""
        if self._kernel:
            self._waiting += self._kernel.collect()
        self._fresh += self._folder.new_rings()
        living = [observed.ring for observed in self._rings if not observed.closed]
        self._waiting += sum(ring.collect() for ring in (*living, *self._fresh))
        self._waiting += self._drain_beside()
        self._sample_memory()
        return self._waiting

    def take(self) -> int:
        """Takes what the rings hold; returns how many records came."""
        now_ns = self.complete_ns = time.monotonic_ns()
        if self._kernel:
            self._drain_kernel(self._kernel, now_ns)
        fresh, self._fresh, self._waiting = [*self._fresh, *self._folder.new_rings()], [], 0
        count = self._drain_all()  # a child is called as its parent is: what its parent said of itself comes first
        for ring in fresh:
            name = os.path.basename(ring.program) or "process"
            key = self.timeline.add_process(ring.pid, ring.ppid, min(ring.t_start_ns, now_ns), name)
            self._rings.append(_Observed(ring, key))
            count += self._drain_one(self._rings[-1])
        self._end_gone(now_ns)
        return count + self._drain_beside()

    def _drain_beside(self) -> int:
        return sum(each.drain(self.timeline.entries) for each in self._beside)

    def _sample_memory(self) -> None:
        begun_s = time.monotonic()
        if not self._memory.due(begun_s):
            return
        living = ((observed.process, observed.ring) for observed in self._rings if not observed.closed)
        for process, size_bytes in self._memory.changed(living):
            self.timeline.resident(process, time.monotonic_ns(), size_bytes)
        self._memory.looked(begun_s, time.monotonic())

    def _drain_kernel(self, kernel: Switches, now_ns: int) -> None:
        before = kernel.lost
        self.timeline.switches(kernel.drain())
        if kernel.lost > before:
            words = f"{kernel.lost - before} context switches lost: the kernel's ring was full"
            self.timeline.mark(now_ns, None, MarkKind.DROPPED, words)

    def _drain_all(self) -> int:
        return sum(self._drain_one(observed) for observed in self._rings if not observed.closed)

    def _drain_one(self, observed: _Observed) -> int:
        alive = observed.ring.alive()  # asked first: what it wrote before it died is in the ring by then
        records = observed.ring.drain()
        if len(records):
            self.timeline.push(observed.process, records)
        self._count_losses(observed)
        if not alive and not len(records):
            lost = observed.ring.skip_hole()
            if lost:
                self.timeline.lose(lost)
            else:
                self._gone.append(observed)
        return len(records)

    def _count_losses(self, observed: _Observed) -> None:
        lost = observed.ring.dropped - observed.dropped
        if 0 < lost < 1 << 40:
            observed.dropped = observed.ring.dropped
            self.timeline.lose(lost)
            self.timeline.mark(
                time.monotonic_ns(), observed.process, MarkKind.DROPPED, f"{lost} records lost: the ring was full"
            )

    def _end_gone(self, complete_ns: int) -> None:
        """Ends the processes that have nothing left to say. Only now, and up to `complete_ns`: what leads from one process to
        another comes from one that is known then."""
        gone, self._gone = self._gone, []
        if gone:
            self._append(self.timeline.take(complete_ns))
        for observed in gone:
            observed.closed = True
            self.timeline.end_process(observed.process, time.monotonic_ns())
            observed.ring.close()

    def finish(self) -> None:
        """Everything is dead now: take what is left, bounded by the rings' own sizes. Of a program that nobody may kill
        but its user, children may live on: they are left when they have nothing more to say."""
        for _ in range(10_000):
            if not self.take() and all(observed.closed or observed.ring.alive() for observed in self._rings):
                break
        for each in self._beside:
            each.finish(self.timeline.entries)

    def close(self) -> None:
        """Ends the observation of the kernel."""
        if self._kernel:
            self._kernel.close()
