"""The whole operation is another's: neither the wait nor the copy is on the caller's lane."""

from __future__ import annotations

from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, length, needs_probe, seen

pytestmark = needs_probe


def helper_read(run: Seen) -> tuple[int, int]:
    helper = run.one(LaneKind.THREAD, "helper")
    (read,) = [wait for wait in run.waits(helper.id, "read") if wait[2].get("line") == run.line("connection.recv")]
    return read[0], read[1]


def test_the_helper_waits_for_the_data_and_gets_them() -> None:
    run = seen("io-async")
    begin, end = helper_read(run)
    sender = run.one(LaneKind.THREAD, "sender")
    (nap,) = run.stays(sender, "sleep")
    assert common([(begin, end)], [nap]) / length([nap]) > 0.7
    assert end > nap[1]


def test_the_caller_neither_waits_nor_reads() -> None:
    run = seen("io-async")
    main = run.one(LaneKind.THREAD, "MainThread")
    started = max(end for _begin, end, detail in run.waits(main.id, "lock") if detail.get("text") == "Thread.start")
    begin, end = helper_read(run)
    span = max(begin, started), end
    for state in ("read", "poll", "sleep", "lock"):
        assert common(run.stays(main, state), [span]) == 0
    # It runs, but for the times when another thread has the GIL.
    assert common(run.stays(main, "running", "no-gil", "gil-wait"), [span]) / length([span]) > 0.99
    assert common(run.stays(main, "running"), [span]) / length([span]) > 0.8


def test_the_caller_goes_on_until_it_is_told() -> None:
    run = seen("io-async")
    main, helper = run.one(LaneKind.THREAD, "MainThread"), run.one(LaneKind.THREAD, "helper")
    (said,) = run.said(main)
    assert said.startswith("32768 bytes were delivered after ")
    (printed,) = [t for t, lane, _kind, _text in run.json["marks"] if lane == main.id]
    assert printed > helper_read(run)[1]
    assert run.names(helper)[-1] == "finished"
