"""One event loop in each of several processes: tasks take turns within a process, processes run at once."""

from __future__ import annotations

import itertools

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, in_order, needs_probe, parallelism, seen

pytestmark = needs_probe


def rounds(run: Seen) -> tuple[list[Lane], list[Lane]]:
    """The processes of the first round, and of the second."""
    _main, first, *second = run.lanes(LaneKind.PROCESS)
    return [first], second


def tasks(run: Seen, process: Lane) -> list[Lane]:
    return [lane for lane in run.named(LaneKind.TASK, "task") if lane.pid == process.pid and lane.name.split()[-1] == "task"]


def ran(run: Seen, process: Lane) -> list[Span]:
    return [span for task in tasks(run, process) for span in run.stays(task, "running")]


def test_each_process_has_a_loop_and_its_share_of_the_tasks() -> None:
    run = seen("coroutines-and-processes")
    first, second = rounds(run)
    assert [len(tasks(run, process)) for process in first] == [20]
    assert [len(tasks(run, process)) for process in second] == [10, 10]
    for process in first + second:
        (_loop,) = [lane for lane in run.lanes(LaneKind.LOOP) if lane.pid == process.pid]
        (_thread,) = [lane for lane in run.lanes(LaneKind.THREAD) if lane.pid == process.pid]


def test_tasks_of_one_process_take_turns_and_their_waits_overlap() -> None:
    run = seen("coroutines-and-processes")
    for process in itertools.chain(*rounds(run)):
        assert in_order(ran(run, process))
        lives = [run.life(task) for task in tasks(run, process)]
        assert parallelism(lives) > 0.7 * len(lives)


def test_processes_run_their_tasks_at_once() -> None:
    run = seen("coroutines-and-processes")
    _first, second = rounds(run)
    assert parallelism(span for process in second for span in ran(run, process)) > 1.2


def test_on_several_cores_where_there_are() -> None:
    run = seen("coroutines-and-processes")
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    pids = {process.pid for process in rounds(run)[1]}
    strips = [lane for lane in run.lanes(LaneKind.CPU) if lane.pid in pids]
    cores = {detail["core"] for strip in strips for _b, _e, detail in run.waits(strip.id, "running") if "core" in detail}
    assert parallelism(span for strip in strips for span in run.stays(strip, "running")) <= 1.02 * len(cores)


def test_uneven_shares_are_still_all_the_tasks() -> None:
    run = seen("coroutines-and-processes", processes=3, tasks=7)
    assert sorted(len(tasks(run, process)) for process in rounds(run)[1]) == [2, 2, 3]
