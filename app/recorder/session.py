"""One run, observed from its release to its end: drain what is observed, capture the output, hold the limits, append to the file.

The loop sleeps in poll on output, cancellation and the program's end, and wakes at least every `DRAIN_S` to make room in the rings.
Rows are made of it more rarely (`pace.py`). What is written to the file is whole blocks, flushed, so that whoever tails it sees a
recording at every moment.
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
from app.recorder.drain import Drain
from app.recorder.limits import Bounds, exceeded
from app.recorder.pace import AFTERWARDS, LOOKED_ON, Pace, Patience
from app.recorder.target import Beside, Exit, Target, Usage

__all__ = ["Bounds", "Exit", "Session", "Target", "Usage", "record"]

DRAIN_S = 0.008
HOLD_BACK_NS = 2_000_000
"""A writer stamps its record before it reserves the slot: records this young may still be overtaken by older ones."""
NICENESS = 5
LAST_OUTPUT_S = 1.0
"""How long after the program's end its output may still trickle out of the pipes."""
LIMIT_TURNS = 2
"""Bounds are looked at every so many turns."""


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
    afterwards: Callable[[int], None] | None = None
    start_ns: int = field(default_factory=time.monotonic_ns)
    timeline: Timeline = field(default_factory=Timeline)
    drain: Drain = field(init=False)
    size_bytes: int = 0
    output_bytes: int = 0
    outcome: Outcome | None = None
    limit: str | None = None
    bound: float | None = None
    looked_early: bool = False

    def __post_init__(self) -> None:
        self.drain = Drain(self.target, self.timeline, self.beside, self.append)

    @property
    def patience(self) -> Patience:
        """How long rows may be put off. What a tap tells takes several times the memory of a ring's record: it is not kept long."""
        return LOOKED_ON if self.afterwards is None or self.beside else AFTERWARDS

    # --- writing

    def append(self, data: bytes) -> None:
        """Whole blocks to the file, at once visible to readers."""
        if data:
            self.out.write(data)
            self.out.flush()
            self.size_bytes += len(data)
            self.on_flush(self.size_bytes)

    # --- output

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
            records=self.drain.records,
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
    afterwards: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Observes one run and returns its END document, which is also the recording's last block.

    `header` is the HEADER document (its `t0_ns` is filled in here); `on_flush` is told the file's size after every append;
    `cancelled` is asked at every turn, and `cancel_fd`, when given, wakes the loop when it becomes readable.
    `classify` turns the target's exit into an outcome and words; without it codes and signals are taken as they are.
    `echo` is given every piece of output as it comes, for a command line that passes it through.
    `afterwards`, when given, says that nobody looks on: while the program and others want all cores, rows are made later, at last
    when it has ended; it is then told how many records that are.
    `beside` is what else is observed. It and the target are closed, the target killed, before this returns, whatever happens.
    """
    with contextlib.ExitStack() as at_last:
        for each in reversed(beside):
            at_last.callback(each.close)
        at_last.callback(target.close)
        at_last.callback(target.kill)
        session = Session(target, out, bounds, on_flush, cancelled, classify, echo, beside, afterwards)
        at_last.callback(session.drain.close)
        return _run(session, header, cancel_fd)


def _run(session: Session, header: dict[str, Any], cancel_fd: int | None) -> dict[str, Any]:
    observers = header.get("observers", {}) | {"kernel": session.drain.kernel_says, "memory": session.drain.memory_says}
    header = header | {"t0_ns": session.start_ns, "observers": observers}
    session.append(blocks.MAGIC + blocks.encode_document(BlockKind.HEADER, session.start_ns, header))
    session.target.release()
    _give_way()
    ended = _watch(session, cancel_fd)
    end_ns = time.monotonic_ns()
    session.target.kill()
    if session.afterwards:
        session.afterwards(session.drain.waiting)
    session.drain.finish()
    document = _end_document(session, ended, end_ns)
    session.append(session.timeline.finish(end_ns) + blocks.encode_document(BlockKind.END, end_ns, document))
    return document


def _give_way() -> None:
    """The observer runs when the observed does not need the core; the rings hold what comes meanwhile. After the release, so
    that the program does not inherit it."""
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def _watch(session: Session, cancel_fd: int | None) -> Any:
    """Until the main process has ended and its output has run dry; returns how it ended."""
    streams = {session.target.stdout_fd: Stream.STDOUT, session.target.stderr_fd: Stream.STDERR}
    streams.pop(-1, None)
    waiter = select.poll()
    for fd in [*streams, session.target.exit_fd, *([] if cancel_fd is None else [cancel_fd])]:
        waiter.register(fd, select.POLLIN)
    ended, since, turn, pace = None, 0.0, 0, Pace(session.patience, time.monotonic())
    while True:
        for fd, _event in waiter.poll(DRAIN_S * 1000):
            if fd in streams and not session.capture(fd, streams[fd]):
                waiter.unregister(fd)
                del streams[fd]
            elif fd == session.target.exit_fd and ended is not None:
                waiter.unregister(fd)
        turn += 1
        session.drain.collect()
        if pace.is_due(time.monotonic(), session.drain.waiting):
            session.drain.take(HOLD_BACK_NS)
            pace.taken(time.monotonic())
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
    elif turn % LIMIT_TURNS == 0:
        passed = session.exceeded()
        if passed:
            session.stop(*passed)


def _end_document(session: Session, ended: Any, end_ns: int) -> dict[str, Any]:
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
        "switches_lost": session.drain.switches_lost,
        "processes": counts.processes,
        "unobserved_processes": session.drain.refused,
        "output_bytes": session.output_bytes,
    }
