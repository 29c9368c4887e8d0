"""A pipe between two processes: empty it makes the reader wait, full it makes the writer wait."""

from __future__ import annotations

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, common, length, needs_probe, seen

pytestmark = needs_probe
MESSAGES = 10


def side(run: Seen, name: str) -> Lane:
    """The thread of the process of that name."""
    process = run.one(LaneKind.PROCESS, name)
    (thread,) = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
    return thread


def at_line(run: Seen, lane: Lane, code: str) -> list[Span]:
    """Its stays in the pipe at that line."""
    line = run.line(code)
    return [(begin, end) for begin, end, detail in run.waits(lane.id, "pipe") if detail.get("line") == line]


def writing(run: Seen) -> list[Span]:
    return at_line(run, side(run, "writer"), "writer.send_bytes(")


def reading(run: Seen) -> list[Span]:
    return at_line(run, side(run, "reader"), "reader.recv_bytes()")


def test_two_processes_and_every_message_arrives_after_it_was_sent() -> None:
    run = seen("mp-pipe")
    main, *sides = run.lanes(LaneKind.PROCESS)
    assert {lane.name for lane in sides} == {"writer", "reader"}
    assert len({lane.pid for lane in sides} | {main.pid}) == 3
    assert run.said(side(run, "writer")) == [f"sent {n}" for n in range(MESSAGES)]
    assert run.said(side(run, "reader")) == [f"received {n}: 100000 bytes" for n in range(MESSAGES)]


def test_a_message_larger_than_the_buffer_makes_the_writer_wait_for_the_slow_reader() -> None:
    run = seen("mp-pipe")
    writes, naps = writing(run), run.stays(side(run, "reader"), "sleep")
    assert len(naps) == MESSAGES
    # It waits while the reader sleeps, and is let go by what the reader takes.
    assert length(writes) > 0.5 * length([run.life(side(run, "writer"))])
    assert common(writes, naps[1:-1]) > 0.7 * length(naps[1:-1])


def test_small_messages_are_all_written_before_most_of_them_are_read() -> None:
    run = seen("mp-pipe", size=1000)
    sent = max(end for _begin, end in writing(run))
    assert sum(begin > sent for begin, _end in reading(run)) >= MESSAGES  # a read is of the length, then of the data
    assert max(end - begin for begin, end in writing(run)) < length([run.life(side(run, "reader"))]) / MESSAGES


def test_a_slow_writer_makes_the_reader_wait() -> None:
    run = seen("mp-pipe", slow="writer")
    waits, naps = reading(run), run.stays(side(run, "writer"), "sleep")
    assert length(waits) > 0.5 * length([run.life(side(run, "reader"))])
    assert common(waits, naps[1:-1]) > 0.7 * length(naps[1:-1])
