"""What is observed of one run, made into rows of its timeline: rings, context switches, memory, and what else lies beside.

What has been collected waits here, as it came, until rows are made of it: at once where somebody looks on, later where nobody does
and the cores are wanted (`pace.py`).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence

from app.core import rows
from app.core.records import MarkKind
from app.core.timeline import Timeline
from app.recorder.collector import Collector, Round
from app.recorder.rings import Ring
from app.recorder.target import Beside, Target

BATCH = 1 << 15
"""Records of which rows are made at a time: no larger batch is cheaper a record, and meanwhile nobody empties the rings."""


class Drain:
    """Takes what a target's observers have to say; `append` is given the bytes that become complete.

    `kernel_says` and `memory_says` are what the header tells of these two observers.
    """

    def __init__(self, target: Target, timeline: Timeline, beside: Sequence[Beside], append: Callable[[bytes], None]) -> None:
        self.timeline = timeline
        self._beside, self._append = beside, append
        self._collector = Collector(target)
        self._rounds: deque[Round] = deque()
        self._process_of: dict[Ring, int] = {}
        self._collected = self._told = 0
        self.memory_says, self.kernel_says = self._collector.memory_says, self._collector.kernel_says
        if self._collector.kernel:
            timeline.observe_kernel()

    @property
    def switches_lost(self) -> int:
        """Context switches the kernel had no room for."""
        return self._collector.kernel.lost if self._collector.kernel else 0

    @property
    def refused(self) -> int:
        """Processes that were not observed: their rings were none, or too many."""
        return self._collector.refused

    @property
    def records(self) -> int:
        """About how many records have come so far, whether rows have been made of them or not."""
        return self.timeline.counts().records + self._collected

    @property
    def waiting(self) -> int:
        """About how many things wait for `take`."""
        return self._collected + self._told

    def collect(self) -> Round:
        """Makes room in the rings, which is soon done, and in what lies beside, whose writers wait for it."""
        found = self._collector.collect()
        if self._rounds and found.says_nothing() and self._rounds[-1].says_nothing():
            self._rounds[-1] = found
        else:
            self._rounds.append(found)
        self._collected += found.count()
        self._told += sum(each.drain(self.timeline.entries) for each in self._beside)
        return found

    def take(self, hold_back_ns: int) -> None:
        """Makes rows of the oldest `BATCH` records or so. Those of the last `hold_back_ns` may still be overtaken by older ones."""
        rounds = self._oldest()
        if not rounds:
            return
        complete_ns = rounds[-1].complete_ns
        if self._collector.kernel:
            self._take_switches([one.switches for one in rounds], complete_ns)
        self._take_records(rounds)
        for one in rounds:
            for ring, t_ns, size_bytes in one.resident:
                self.timeline.resident(self._process_of[ring], t_ns, size_bytes)
        self._end_gone(rounds)
        self._append(self.timeline.take(complete_ns - hold_back_ns))

    def _oldest(self) -> list[Round]:
        rounds, count = [], 0
        while self._rounds and count < BATCH:
            rounds.append(self._rounds.popleft())
            count += rounds[-1].count()
        self._collected -= count
        self._told = 0
        return rounds

    def _take_switches(self, collected: Sequence[Sequence[bytes]], complete_ns: int) -> None:
        assert self._collector.kernel
        before = self.switches_lost
        self.timeline.switches(self._collector.kernel.parsed(collected))
        if self.switches_lost > before:
            words = f"{self.switches_lost - before} context switches lost: the kernel's ring was full"
            self.timeline.mark(complete_ns, None, MarkKind.DROPPED, words)

    def _take_records(self, rounds: Sequence[Round]) -> None:
        """A child is called as its parent is: what its parent said of itself comes first."""
        parts = {ring: list[rows.Rows]() for ring in self._process_of}
        fresh = [ring for one in rounds for ring in one.fresh]
        parts |= {ring: [] for ring in sorted(fresh, key=lambda ring: ring.t_start_ns)}
        for one in rounds:
            for ring, records in one.records:
                parts[ring].append(records)
        for ring, found in parts.items():
            if ring not in self._process_of:
                name = os.path.basename(ring.program) or "process"
                begun_ns = min(ring.t_start_ns, rounds[-1].complete_ns)
                self._process_of[ring] = self.timeline.add_process(ring.pid, ring.ppid, begun_ns, name)
            if found:
                self.timeline.push(self._process_of[ring], rows.join(found))
        for one in rounds:
            self._count_losses(one)

    def _count_losses(self, one: Round) -> None:
        for ring, lost in one.overrun:
            self.timeline.lose(lost)
            words = f"{lost} records lost: the ring was full"
            self.timeline.mark(one.complete_ns, self._process_of[ring], MarkKind.DROPPED, words)
        if one.torn:
            self.timeline.lose(one.torn)

    def _end_gone(self, rounds: Sequence[Round]) -> None:
        """Ends the processes that have nothing left to say. Only now, and with nothing held back: what leads from one process to
        another comes from one that is known then."""
        gone = [(ring, one.complete_ns) for one in rounds for ring in one.gone]
        if gone:
            self._append(self.timeline.take(rounds[-1].complete_ns))
        for ring, t_ns in gone:
            self.timeline.end_process(self._process_of.pop(ring), t_ns)

    def finish(self) -> None:
        """Everything is dead now: take what is left, bounded by the rings' own sizes. Of a program that nobody may kill
        but its user, children may live on: they are left when they have nothing more to say."""
        for _ in range(10_000):
            if self.collect().says_nothing() and self._collector.all_alive():
                break
        for each in self._beside:
            each.finish(self.timeline.entries)
        while self._rounds:
            self.take(0)

    def close(self) -> None:
        """Ends the observation of the kernel."""
        self._collector.close()
