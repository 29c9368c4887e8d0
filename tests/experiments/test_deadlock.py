"""Two threads, each waiting for the lock the other holds, until the watchdog ends the run; with one order nobody is stuck."""

from __future__ import annotations

from app.core.facts import facts
from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, length, needs_probe, seen

pytestmark = needs_probe


def stuck() -> Seen:
    return seen("deadlock", ends="time limit")


def both(run: Seen) -> tuple[Lane, Lane]:
    a, b = (lane for lane in run.lanes(LaneKind.THREAD) if lane.name in ("A", "B"))
    return a, b


def test_the_watchdog_ends_it_and_says_so() -> None:
    run = stuck()
    assert (run.end["outcome"], run.end["limit"], run.end["bound"]) == ("time limit", "wall_s", 4)
    assert sorted(run.output.splitlines()) == ["A has its first lock", "B has its first lock"]


def test_both_threads_wait_for_a_lock_at_the_same_line_until_they_are_killed() -> None:
    run = stuck()
    for lane in both(run):
        assert run.names(lane)[-1] == "killed"
        begin, end, detail = run.waits(lane.id, "lock")[-1]
        assert end == run.states(lane.id)[-1][0]
        assert detail["line"] == run.line("with second:")
        assert (end - begin) / length([run.life(lane)]) > 0.8
    addresses = {run.waits(lane.id, "lock")[-1][2]["address"] for lane in both(run)}
    assert len(addresses) == 2


def test_the_cycle_is_named_with_each_lock_and_who_holds_it() -> None:
    run = stuck()
    a, b = both(run)
    found = facts(run.recording)["deadlock"]
    assert {(wait["lane"], wait["has"], wait["wants"], wait["holder"]) for wait in found["waits"]} == {
        (a.id, "Lock lock1", "Lock lock2", b.id),
        (b.id, "Lock lock2", "Lock lock1", a.id),
    }
    assert {wait["line"] for wait in found["waits"]} == {run.line("with second:")}
    assert found["since_ns"] == min(wait["duration_ns"] for wait in found["waits"])


def test_with_one_order_there_is_no_cycle() -> None:
    assert facts(seen("deadlock", variant="one-order").recording)["deadlock"] is None


def test_the_main_thread_waits_for_the_first_of_them() -> None:
    run = stuck()
    main = run.lanes(LaneKind.THREAD)[0]
    assert run.names(main)[-1] == "killed"
    _begin, _end, detail = max(run.waits(main.id, "lock") + run.waits(main.id, "join"), key=lambda wait: wait[1] - wait[0])
    assert detail["line"] == run.line("a.join()")


def test_in_one_order_the_second_waits_until_the_first_is_done() -> None:
    run = seen("deadlock", variant="one-order")
    assert run.output.splitlines()[-1] == "done"
    a, b = both(run)
    waited = run.stays(b, "lock") or run.stays(a, "lock")
    assert waited
    first, second = (a, b) if run.stays(b, "lock") else (b, a)
    (wait,) = (span for span in run.stays(second, "lock") if span[1] - span[0] > 100_000_000)
    assert common(run.stays(first, "sleep"), [wait]) / length([wait]) > 0.7
    assert [run.names(lane)[-1] for lane in (a, b)] == ["finished", "finished"]
