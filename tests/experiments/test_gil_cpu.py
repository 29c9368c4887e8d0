"""Threads take turns with the GIL; processes have one each."""

from __future__ import annotations

import sys
from itertools import pairwise
from statistics import median

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, in_order, joined, length, needs_probe, parallelism, seen, without

pytestmark = needs_probe


def rounds(run: Seen, lanes: list[Lane]) -> list[list[Lane]]:
    """The workers of each round: 1, then 2, then 4."""
    assert len(lanes) == 7
    return [lanes[:1], lanes[1:3], lanes[3:]]


def counting_threads(run: Seen) -> list[Lane]:
    return run.named(LaneKind.THREAD, "count_down")


def test_all_threads_are_of_one_process() -> None:
    run = seen("gil-cpu")
    (process,) = run.lanes(LaneKind.PROCESS)
    (main, *_others) = run.lanes(LaneKind.THREAD)
    threads = counting_threads(run)
    assert {lane.parent for lane in threads} == {process.id}
    assert {lane.pid for lane in threads} == {process.pid}
    assert len({lane.tid for lane in threads}) == 7
    assert [arrow for arrow in run.arrows("spawn") if arrow[0] == main.id] == [(main.id, lane.id) for lane in threads]


def test_one_round_follows_another() -> None:
    run = seen("gil-cpu")
    # A joined thread has nothing more to do in Python, but the system may take its time to end it.
    counted = [[run.stays(lane, "running") for lane in lanes] for lanes in rounds(run, counting_threads(run))]
    assert in_order((min(spans[0][0] for spans in each), max(spans[-1][1] for spans in each)) for each in counted)
    assert len(run.output.splitlines()) == 3


def test_threads_run_python_in_turn_and_never_at_once() -> None:
    run = seen("gil-cpu")
    for lanes in rounds(run, counting_threads(run))[1:]:
        ran = [run.stays(lane, "running") for lane in lanes]
        # All live at once, each does a fair share of the work, and waits for its turn otherwise: but for the time that the system
        # gave its core to others, which on a busy machine is most of it.
        assert max(run.life(lane)[0] for lane in lanes) < min(run.life(lane)[1] for lane in lanes)
        assert parallelism(span for spans in ran for span in spans) < 1.05
        preempted = [run.on_core(lane, "preempted") for lane in lanes]
        worked = [without(spans, others) for spans, others in zip(ran, preempted, strict=True)]
        for lane, spans, others, own in zip(lanes, ran, preempted, worked, strict=True):
            assert 0.5 < own / (sum(worked) / len(lanes)) < 1.5
            assert length(run.stays(lane, "gil-wait")) > 0.5 * without([run.life(lane)], joined(spans + others))


def test_the_gil_goes_to_and_fro_in_slices() -> None:
    run = seen("gil-cpu")
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    for lanes in rounds(run, counting_threads(run))[1:]:
        tids = {lane.tid for lane in lanes}
        begin, end = min(run.life(lane)[0] for lane in lanes), max(run.life(lane)[1] for lane in lanes)
        held = [(t, who) for t, lane, _s, who in run.json["states"] if lane == gil.id and begin <= t < end and who in tids]
        taken = [t for (_t, before), (t, who) in pairwise(held) if before != who]
        assert {who for _t, who in held} == tids
        # Whoever waits asks for it after a switch interval in which nobody took it: one to two intervals, what the waiter's own
        # way to a core takes, and what other programs had of the cores.
        slices = list(pairwise(taken))
        preempted = joined(span for lane in lanes for span in run.on_core(lane, "preempted"))
        assert median(map(length, ([span] for span in slices))) > 0.9e9 * sys.getswitchinterval()
        assert median(without([span], preempted) for span in slices) < 5e9 * sys.getswitchinterval()


def test_the_gil_lane_and_the_threads_tell_the_same() -> None:
    run = seen("gil-cpu")
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    rows = [(t, who) for t, lane, _s, who in run.json["states"] if lane == gil.id]
    for lane in counting_threads(run):
        held = [(t, end) for (t, who), (end, _next) in pairwise(rows) if who == lane.tid]
        # From its first take on: what a thread is before it ever asked for the GIL is not the GIL's to say.
        ran = [span for span in run.stays(lane, "running") if span[1] > held[0][0]]
        ran[0] = max(ran[0][0], held[0][0]), ran[0][1]
        # And until its end is told: on a busy machine it may be taken off its core before it lets go for the last time.
        held = [(begin, min(end, run.life(lane)[1])) for begin, end in held if begin < run.life(lane)[1]]
        assert common(held, ran) / max(length(held), length(ran)) > 0.98
        assert common(held, run.stays(lane, "gil-wait", "no-gil")) < 0.02 * length(held)


def test_processes_have_a_gil_each_and_live_at_once() -> None:
    run = seen("gil-cpu", variant="processes")
    main, *children = run.lanes(LaneKind.PROCESS)
    assert {lane.parent for lane in children} == {main.id}
    assert len({lane.pid for lane in children} | {main.pid}) == 8
    assert len(counting_threads(run)) == 0
    for lanes in rounds(run, children):
        ran = []
        for process in lanes:
            (thread,) = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
            if run.observer("gil"):
                assert [lane.pid for lane in run.lanes(LaneKind.GIL) if lane.parent == process.id] == [process.pid]
            assert length(run.stays(thread, "gil-wait")) < 0.01 * length([run.life(thread)])
            ran.append(run.stays(thread, "running"))
        # They hold their GILs at the same time, on however many cores: each while the next does, for as long as both are there.
        for one, other in pairwise(ran):
            both = [(max(one[0][0], other[0][0]), min(one[-1][1], other[-1][1]))]
            assert length(both) > 0
            assert common(one, other) > 0.6 * length(both)


def test_processes_use_the_cores_there_are() -> None:
    run = seen("gil-cpu", variant="processes")
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    pids = {lane.pid for lane in rounds(run, run.lanes(LaneKind.PROCESS)[1:])[2]}
    cpu = [lane for lane in run.lanes(LaneKind.CPU) if lane.pid in pids]
    on_cpu = [span for lane in cpu for span in run.stays(lane, "running")]
    cores = {detail["core"] for lane in cpu for _b, _e, detail in run.waits(lane.id, "running") if "core" in detail}
    # Never more at once than there are cores; more than one where there is more than one, unless others are busy on them.
    assert parallelism(on_cpu) <= len(cores) * 1.02
    assert len(cores) <= run.json["header"]["machine"]["cores"]


def test_fewer_rounds_when_fewer_are_asked_for() -> None:
    assert len(counting_threads(seen("gil-cpu", most=2, count=100_000))) == 3
