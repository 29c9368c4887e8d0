"""Updates are lost between reading and writing, unless a lock or the absence of an await keeps others out."""

from __future__ import annotations

import re

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, in_order, length, needs_probe, parallelism, seen

pytestmark = needs_probe
VARIANTS = ("plain", "lock", "coroutines", "await")


def counted(run: Seen) -> tuple[int, int, int]:
    """Counter, expected, lost: as printed."""
    found = re.fullmatch(r"counter = (\d+), expected (\d+), lost (\d+)\n", run.output)
    assert found, run.output
    return int(found[1]), int(found[2]), int(found[3])


def test_threads_without_a_lock_lose_updates() -> None:
    counter, expected, lost = counted(seen("atomic"))
    assert expected == 2_000_000
    assert 0 < lost == expected - counter


def test_they_lose_them_although_no_two_run_at_once() -> None:
    run = seen("atomic")
    threads = run.named(LaneKind.THREAD, "(add)")
    assert len(threads) == 4
    ran = [span for lane in threads for span in run.stays(lane, "running")]
    assert parallelism(ran) < 1.05
    # Nobody waits for anything but the GIL.
    assert all(not run.stays(lane, "lock") for lane in threads)


def test_with_the_lock_none_is_lost_and_threads_wait_for_it_at_its_line() -> None:
    run = seen("atomic", variant="lock")
    assert counted(run) == (2_000_000, 2_000_000, 0)
    threads = run.named(LaneKind.THREAD, "(add_with_lock)")
    waits = [detail for lane in threads for _b, _e, detail in run.waits(lane.id, "lock")]
    assert len(waits) >= 4
    assert {detail["line"] for detail in waits} == {run.line("with lock:")}
    assert sum(length(run.stays(lane, "lock")) for lane in threads) > 0


@pytest.mark.parametrize("variant", ["coroutines", "await"])
def test_coroutines_take_turns_in_one_thread_and_wait_for_no_lock(variant: str) -> None:
    run = seen("atomic", variant=variant)
    (thread,) = run.lanes(LaneKind.THREAD)
    assert not [wait for wait in run.waits(thread.id, "lock") if wait[2].get("line") in range(1, 10_000)]
    tasks = run.named(LaneKind.TASK, "add_")
    assert len(tasks) == 4
    assert in_order(span for task in tasks for span in run.stays(task, "running"))
    switches = [len(run.stays(task, "running")) for task in tasks]
    assert switches == [{"coroutines": 501, "await": 5001}[variant]] * 4


def test_between_awaits_nothing_is_lost() -> None:
    assert counted(seen("atomic", variant="coroutines")) == (2_000_000, 2_000_000, 0)


def test_across_an_await_coroutines_lose_as_well() -> None:
    _counter, expected, lost = counted(seen("atomic", variant="await"))
    # All four read the same old value before any of them writes.
    assert (expected, lost) == (20_000, 15_000)


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_worker_alone_loses_nothing(variant: str) -> None:
    assert counted(seen("atomic", variant=variant, workers=1, count=1234))[2] == 0
