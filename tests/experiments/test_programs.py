"""More processes than cores: each has its PID, they take turns on the cores, and no more run at once than there are cores."""

from __future__ import annotations

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, length, needs_probe, parallelism, seen

pytestmark = needs_probe
CORES = ("all", "one")


def strips(run: Seen) -> list[Lane]:
    """Where the kernel had each of the programs' threads."""
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    pids = {lane.pid for lane in run.lanes(LaneKind.PROCESS)[1:]}
    return [lane for lane in run.lanes(LaneKind.CPU) if lane.pid in pids]


def on_cores(run: Seen) -> list[Span]:
    return [span for strip in strips(run) for span in run.stays(strip, "running")]


@pytest.mark.parametrize("cores", CORES)
def test_each_program_is_a_process_with_its_own_pid_and_says_so(cores: str) -> None:
    run = seen("programs", cores=cores)
    parent, *programs = run.lanes(LaneKind.PROCESS)
    assert len({lane.pid for lane in programs} | {parent.pid}) == 5
    assert {lane.parent for lane in programs} == {parent.id}
    for program in programs:
        (thread,) = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == program.id]
        (line,) = run.said(thread)
        assert line.startswith(f"PID {program.pid}: ")
    assert parallelism(map(run.life, programs)) > 0.7 * len(programs)


@pytest.mark.parametrize("cores", CORES)
def test_they_take_turns_and_are_preempted(cores: str) -> None:
    run = seen("programs", cores=cores)
    for strip in strips(run):
        assert len(run.stays(strip, "preempted")) >= 3
        # It wants to compute all the time: what it is not on a core, it could be.
        assert length(run.stays(strip, "preempted")) > 0.2 * length([run.life(strip)])


def test_never_more_at_once_than_there_are_cores() -> None:
    run = seen("programs")
    used = {detail["core"] for strip in strips(run) for _b, _e, detail in run.waits(strip.id, "running") if "core" in detail}
    assert parallelism(on_cores(run)) <= 1.02 * len(used)
    assert len(used) <= run.json["header"]["machine"]["cores"]


def test_on_one_core_they_are_concurrent_and_never_parallel() -> None:
    run = seen("programs", cores="one")
    assert parallelism(on_cores(run)) < 1.02  # a thread's first moments are its own word, not the kernel's
    used = {detail["core"] for strip in strips(run) for _b, _e, detail in run.waits(strip.id, "running") if "core" in detail}
    assert len(used) == 1


def test_a_crowd_on_one_core_is_under_way_for_much_longer_than_each_computes() -> None:
    run = seen("programs", cores="one")
    for strip in strips(run):
        assert length([run.life(strip)]) > 2 * length(run.stays(strip, "running"))


def test_as_many_programs_as_asked_for() -> None:
    assert len(seen("programs", programs=2, count=100_000).lanes(LaneKind.PROCESS)) == 3
