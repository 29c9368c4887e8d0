"""One run, observed from its release to its end: drain the rings, capture the output, hold the limits, append to the file.

The loop sleeps in poll on output, cancellation and the program's end, and wakes at least every `DRAIN_S`. What is written to
the file is whole blocks, flushed, so that whoever tails it sees a recording at every moment.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.core import blocks
from app.core.blocks import BlockKind
from app.core.records import MarkKind, Outcome, Stream
from app.core.timeline import Timeline
from app.recorder.kernel import Switches
from app.recorder.limits import Bounds, exceeded
from app.recorder.memory import MemorySampler
from app.recorder.rings import Ring, RingFolder
from app.recorder.target import Beside, Exit, Target, Usage

__all__ = ["Bounds", "Exit", "Session", "Target", "Usage", "record"]

DRAIN_S = 0.004
HOLD_BACK_NS = 2_000_000
"""A writer stamps its record before it reserves the slot: records this young may still be overtaken by older ones."""
NICENESS = 5
LAST_OUTPUT_S = 1.0
"""How long after the program's end its output may still trickle out of the pipes."""
FLUSH_TURNS = 4
"""Drained often, so that rings stay small; written in larger blocks, which deflate better and cost viewers less."""


@dataclass
class _Observed:
    ring: Ring
    process: int
    dropped: int = 0
    closed: bool = False


@dataclass
class Session:
    """The state of one run; use `record`."""

    target: Target
    out: BinaryIO
    bounds: Bounds
    on_flush: Callable[[int], None]
    cancelled: Callable[[], bool]
    classify: Callable[[Any], tuple[Outcome, str]] | None = None
    echo: Callable[[Stream, bytes], None] | None = None
    beside: Sequence[Beside] = ()
    timeline: Timeline = field(default_factory=Timeline)
    rings: list[_Observed] = field(default_factory=list)
    size_bytes: int = 0
    output_bytes: int = 0
    outcome: Outcome | None = None
    limit: str | None = None
    bound: float | None = None
    looked_early: bool = False
    start_ns: int = 0
    kernel: Switches | None = None
    memory: MemorySampler = field(init=False)

    def __post_init__(self) -> None:
        self.memory = MemorySampler(self.target.proc_fd)

    # --- writing

    def append(self, data: bytes) -> None:
        """Whole blocks to the file, at once visible to readers."""
        if data:
            self.out.write(data)
            self.out.flush()
            self.size_bytes += len(data)
            self.on_flush(self.size_bytes)

    # --- observing

    def drain(self, folder: RingFolder) -> int:
        """Takes what the rings hold; returns how many records came."""
        now_ns = time.monotonic_ns()
        if self.kernel:
            self._drain_kernel(self.kernel, now_ns)
        fresh = folder.new_rings()
        count = self._drain_all()  # a child is called as its parent is: what its parent said of itself comes first
        for ring in fresh:
            name = os.path.basename(ring.program) or "process"
            key = self.timeline.add_process(ring.pid, ring.ppid, min(ring.t_start_ns, now_ns), name)
            self.rings.append(_Observed(ring, key))
            count += self._drain_one(self.rings[-1])
        self._sample_memory()
        return count + sum(each.drain(self.timeline.entries) for each in self.beside)

    def _sample_memory(self) -> None:
        begun_s = time.monotonic()
        if not self.memory.due(begun_s):
            return
        living = ((observed.process, observed.ring) for observed in self.rings if not observed.closed)
        for process, size_bytes in self.memory.changed(living):
            self.timeline.resident(process, time.monotonic_ns(), size_bytes)
        self.memory.looked(begun_s, time.monotonic())

    def _drain_kernel(self, kernel: Switches, now_ns: int) -> None:
        before = kernel.lost
        self.timeline.switches(kernel.drain())
        if kernel.lost > before:
            words = f"{kernel.lost - before} context switches lost: the kernel's ring was full"
            self.timeline.mark(now_ns, None, MarkKind.DROPPED, words)

    def _drain_all(self) -> int:
        return sum(self._drain_one(observed) for observed in self.rings if not observed.closed)

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
                self._end_process(observed)
        return len(records)

    def _count_losses(self, observed: _Observed) -> None:
        lost = observed.ring.dropped - observed.dropped
        if 0 < lost < 1 << 40:
            observed.dropped = observed.ring.dropped
            self.timeline.lose(lost)
            self.timeline.mark(
                time.monotonic_ns(), observed.process, MarkKind.DROPPED, f"{lost} records lost: the ring was full"
            )

    def _end_process(self, observed: _Observed) -> None:
        observed.closed = True
        now_ns = time.monotonic_ns()
        self.append(self.timeline.take(now_ns))
        self.timeline.end_process(observed.process, now_ns)
        observed.ring.close()

    def capture(self, fd: int, stream: Stream) -> bool:
        """Takes waiting output; False once the stream has ended."""
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if data and stream is Stream.STDERR:
            self.look_early()
        if data and self.echo:
            self.echo(stream, data)
        if data:
            room = data if self.bounds.output_bytes is None else data[: max(0, self.bounds.output_bytes - self.output_bytes)]
            self.output_bytes += len(data)
            if room:
                self.timeline.output(time.monotonic_ns(), stream, room)
        return bool(data)

    # --- limits

    def exceeded(self) -> tuple[Outcome, str, float] | None:
        """The first bound that is passed: the outcome, the bound's name and its number."""
        self.looked_early = False
        return exceeded(
            self.bounds,
            self.target,
            wall_s=(time.monotonic_ns() - self.start_ns) / 1e9,
            output_bytes=self.output_bytes,
            records=self.timeline.counts().records,
        )

    def look_early(self) -> None:
        """Once a round, when errors are written: a script that ran out of threads says so while it still has them."""
        if not self.looked_early:
            self.looked_early = True
            self.target.usage()

    def stop(self, outcome: Outcome, limit: str | None = None, bound: float | None = None) -> None:
        """Ends the run for a reason of ours, once."""
        if self.outcome is None:
            self.outcome, self.limit, self.bound = outcome, limit, bound
            if bound is not None:
                self.timeline.mark(time.monotonic_ns(), None, MarkKind.LIMIT, f"{outcome.value}: {limit} {bound:g}")
            self.target.kill()


def record(
    target: Target,
    out: BinaryIO,
    header: dict[str, Any],
    bounds: Bounds,
    *,
    on_flush: Callable[[int], None] = lambda _size: None,
    cancelled: Callable[[], bool] = lambda: False,
    cancel_fd: int | None = None,
    classify: Callable[[Any], tuple[Outcome, str]] | None = None,
    echo: Callable[[Stream, bytes], None] | None = None,
    beside: Sequence[Beside] = (),
) -> dict[str, Any]:
    """Observes one run and returns its END document, which is also the recording's last block.

    `header` is the HEADER document (its `t0_ns` is filled in here); `on_flush` is told the file's size after every append;
    `cancelled` is asked at every turn, and `cancel_fd`, when given, wakes the loop when it becomes readable.
    `classify` turns the target's exit into an outcome and words; without it codes and signals are taken as they are.
    `echo` is given every piece of output as it comes, for a command line that passes it through.
    `beside` is what else is observed. It and the target are closed, the target killed, before this returns, whatever happens.
    """
    session = Session(target, out, bounds, on_flush, cancelled, classify, echo, beside)
    try:
        return _run(session, header, cancel_fd)
    finally:
        if session.kernel:
            session.kernel.close()
        target.kill()
        target.close()
        for each in beside:
            each.close()


def _run(session: Session, header: dict[str, Any], cancel_fd: int | None) -> dict[str, Any]:
    session.start_ns = time.monotonic_ns()
    observers = {**header.get("observers", {}), "kernel": _observe_kernel(session), "memory": session.memory.observer}
    header = header | {"t0_ns": session.start_ns, "observers": observers}
    session.append(blocks.MAGIC + blocks.encode_document(BlockKind.HEADER, session.start_ns, header))
    folder = RingFolder(session.target.ring_dir_fd)
    session.target.release()
    _give_way()
    ended = _watch(session, folder, cancel_fd)
    end_ns = time.monotonic_ns()
    session.target.kill()
    _drain_rest(session, folder)
    for each in session.beside:
        each.finish(session.timeline.entries)
    document = _end_document(session, folder, ended, end_ns)
    session.append(session.timeline.finish(end_ns) + blocks.encode_document(BlockKind.END, end_ns, document))
    return document


def _give_way() -> None:
    """The observer runs when the observed does not need the core; the rings hold what comes meanwhile. After the release, so
    that the program does not inherit it."""
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def _observe_kernel(session: Session) -> str:
    """Begins to observe context switches where the target brought descriptors for them; says what became of it."""
    if not session.target.switch_fds:
        return session.target.kernel
    try:
        session.kernel = Switches(session.target.switch_fds)
    except OSError as error:
        return f"unavailable: {error.strerror} (the locked-memory budget, perf_event_mlock_kb)"
    session.timeline.observe_kernel()
    return "exact"


def _watch(session: Session, folder: RingFolder, cancel_fd: int | None) -> Any:
    """Until the main process has ended and its output has run dry; returns how it ended."""
    streams = {session.target.stdout_fd: Stream.STDOUT, session.target.stderr_fd: Stream.STDERR}
    streams.pop(-1, None)
    waiter = select.poll()
    for fd in [*streams, session.target.exit_fd, *([] if cancel_fd is None else [cancel_fd])]:
        waiter.register(fd, select.POLLIN)
    ended, since, turn = None, 0.0, 0
    while True:
        for fd, _event in waiter.poll(DRAIN_S * 1000):
            if fd in streams and not session.capture(fd, streams[fd]):
                waiter.unregister(fd)
                del streams[fd]
            elif fd == session.target.exit_fd and ended is not None:
                waiter.unregister(fd)
        session.drain(folder)
        turn += 1
        if turn % FLUSH_TURNS == 0 or turn == 1:
            session.append(session.timeline.take(time.monotonic_ns() - HOLD_BACK_NS))
        _hold_bounds(session, turn)
        if ended is None:
            ended = session.target.poll()
            since = time.monotonic()
        elif not streams or session.outcome or time.monotonic() - since > LAST_OUTPUT_S:
            return ended


def _hold_bounds(session: Session, turn: int) -> None:
    if session.outcome is not None:
        return
    if session.cancelled():
        session.stop(Outcome.CANCELLED)
    elif turn % FLUSH_TURNS == 0:
        passed = session.exceeded()
        if passed:
            session.stop(*passed)


def _drain_rest(session: Session, folder: RingFolder) -> None:
    """Everything is dead now: take what the rings still hold, bounded by their own sizes. Of a program that nobody may kill
    but its user, children may live on: they are left when they have nothing more to say."""
    for _ in range(10_000):
        if not session.drain(folder) and all(observed.closed or observed.ring.alive() for observed in session.rings):
            return


def _end_document(session: Session, folder: RingFolder, ended: Any, end_ns: int) -> dict[str, Any]:
    outcome, message = session.outcome, ""
    code, signal = getattr(ended, "code", None), getattr(ended, "signal", None)
    if outcome is None and session.classify is not None:
        outcome, message = session.classify(ended)
    elif outcome is None:
        outcome = Outcome.SIGNAL if signal else Outcome.PROGRAM_ERROR if code else Outcome.FINISHED
    counts = session.timeline.counts()
    return {
        "outcome": outcome.value,
        "exit_code": code,
        "signal": signal,
        "limit": session.limit,
        "bound": session.bound,
        "message": message,
        "t_end_ns": end_ns,
        "wall_ns": end_ns - session.start_ns,
        "records": counts.records,
        "dropped": counts.dropped,
        "switches_lost": session.kernel.lost if session.kernel else 0,
        "processes": counts.processes,
        "unobserved_processes": folder.refused,
        "output_bytes": session.output_bytes,
    }
