"""Wait-for cycles in recordings of known shape: of two, of three, of one; and waits that only look like one."""

from __future__ import annotations

import pytest

from app.core import recording
from app.core.expectations import CHECKS
from app.core.expectations.seen import Seen
from app.core.facts import facts
from app.core.recording import Recording
from app.core.records import LaneKind, State
from tests.samples import MS, Maker

WAIT_END_MS = 100


def waiting(*rows: tuple[int, str, int], last: State | None = State.KILLED) -> Recording:
    """Threads 0, 1, 2 …: each waits from a moment (ms) on for a lock that another thread has (-1: nobody known); then `last`."""
    make = Maker()
    process = make.lane(0, 0, LaneKind.PROCESS, "demo")
    lanes = [make.lane(0, process, LaneKind.THREAD, f"T{n}") for n in range(len(rows))]
    details = []
    for lane, (begin_ms, _lock, _holder) in zip(lanes, rows, strict=True):
        details.append(make.detail(float(lane), "", "/run/demo.py", 7))
        make.state(0, lane, State.RUNNING)
        make.state(begin_ms * MS, lane, State.LOCK, details[-1])
        if last is not None:
            make.state(WAIT_END_MS * MS, lane, last)
    run = recording.read([make.blocks(WAIT_END_MS * MS, "time limit")])
    for detail, (_begin, lock, holder) in zip(details, rows, strict=True):
        run.objects[detail] = (lock, lanes[holder] if holder >= 0 else 0)
    run.header["observers"] = {"threads": "exact"}
    return run


def cycle(run: Recording) -> list[tuple[str, str, str, str]]:
    """(who, has, wants, of whom) of each wait."""
    found = facts(run)["deadlock"]
    name = {lane.id: lane.name for lane in run.lanes}
    return [(name[w["lane"]], w["has"], w["wants"], name[w["holder"]]) for w in found["waits"]] if found else []


def test_two_that_wait_for_each_other() -> None:
    run = waiting((20, "two", 1), (10, "one", 0))
    assert cycle(run) == [("T1", "two", "one", "T0"), ("T0", "one", "two", "T1")]
    found = facts(run)["deadlock"]
    assert found["since_ns"] == 80 * MS
    assert {wait["line"] for wait in found["waits"]} == {7}


def test_the_recording_may_end_before_the_threads_do() -> None:
    assert len(cycle(waiting((20, "two", 1), (10, "one", 0), last=None))) == 2


def test_three_in_a_ring_and_one_that_waits_outside_it() -> None:
    run = waiting((40, "of the ring", 1), (10, "b", 2), (20, "c", 3), (30, "a", 1))
    assert cycle(run) == [("T1", "a", "b", "T2"), ("T2", "b", "c", "T3"), ("T3", "c", "a", "T1")]


def test_one_that_waits_for_itself() -> None:
    assert cycle(waiting((10, "own", 0))) == [("T0", "own", "own", "T0")]


@pytest.mark.parametrize(
    "run",
    [
        waiting((10, "a", 1), (20, "b", 2), (30, "c", -1)),
        waiting((10, "a", 1), (20, "", 0)),
        waiting((10, "a", 1), (20, "b", 0), last=State.RUNNING),
        waiting(),
    ],
    ids=["a chain", "of something unknown", "they were let go", "nobody"],
)
def test_these_are_none(run: Recording) -> None:
    assert facts(run)["deadlock"] is None


def test_the_check_counts_who_is_in_it() -> None:
    verdict = CHECKS["waits_in_a_cycle"](Seen.of(waiting((20, "two", 1), (10, "one", 0))))
    assert (verdict.holds, verdict.figures) == (True, {"threads": 2, "stuck_ns": 80 * MS})
    assert [span["state"] for span in verdict.spans] == ["lock", "lock"]
    none = Seen.of(waiting((10, "a", -1)))
    assert CHECKS["waits_in_a_cycle"](none).holds is False
    assert CHECKS["waits_in_a_cycle"](none, least=0, most=0).holds is True
