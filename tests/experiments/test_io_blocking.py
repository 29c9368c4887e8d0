"""A read that blocks: its thread sleeps, then copies."""

from __future__ import annotations

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, common, length, needs_probe, seen

pytestmark = needs_probe


def reading(run: Seen) -> Span:
    """The one read of the main thread from the socket, with its copy."""
    main = run.one(LaneKind.THREAD, "MainThread")
    (read,) = [wait for wait in run.waits(main.id, "read") if wait[2].get("line") == run.line("data = ours.recv")]
    assert "text" not in read[2]  # no EAGAIN
    copies = [end for begin, end, _detail in run.waits(main.id, "copy") if begin == read[1]]
    return read[0], copies[0] if copies else read[1]


def test_the_caller_is_in_the_read_while_the_sender_sleeps_and_until_it_has_sent() -> None:
    run = seen("io-blocking")
    sender = run.one(LaneKind.THREAD, "sender")
    begin, end = reading(run)
    (nap,) = run.stays(sender, "sleep")
    (sent,) = [(b, e) for b, e, d in run.waits(sender.id, "write") if d["line"] == run.line("theirs.sendall")]
    assert common([(begin, end)], [nap]) / length([nap]) > 0.9
    assert begin < sent[0] < end


def test_it_waits_off_the_core_and_copies_on_it() -> None:
    run = seen("io-blocking")
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    main = run.one(LaneKind.THREAD, "MainThread")
    begin, end = reading(run)
    (strip,) = [lane for lane in run.lanes(LaneKind.CPU) if lane.parent == main.id]
    assert common(run.stays(strip, "off-cpu"), [(begin, end)]) / (end - begin) > 0.9
    # The last of it is on a core: woken, it copies and returns. That is a small part of the whole.
    woken = [span for span in run.stays(strip, "running") if span[0] < end <= span[1]]
    assert len(woken) == 1
    assert begin < woken[0][0]
    assert (end - woken[0][0]) / (end - begin) < 0.05


def test_the_caller_does_not_hold_the_gil_while_it_reads() -> None:
    run = seen("io-blocking")
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    main = run.one(LaneKind.THREAD, "MainThread")
    begin, end = reading(run)
    rows = [(t, who) for t, lane, state, who in run.json["states"] if lane == gil.id and state == "held"]
    assert not [t for t, who in rows if who == main.tid and begin < t < end]


def test_it_prints_how_much_came_and_how_little_cpu_it_took() -> None:
    run = seen("io-blocking", seconds=0.2, size=1000)
    assert run.output.startswith("1000 bytes after ")
    main = run.one(LaneKind.THREAD, "MainThread")
    assert run.said(main) == [run.output.strip()]
