"""Kernel switches per hand-over, from the kernel's own records: one or two for processes and threads, none for coroutines."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, needs_probe, seen

pytestmark = needs_probe
KINDS = ("process", "thread", "task", "greenlet", "generator")
HAND_OVERS = 800


def printed(run: Seen) -> dict[str, tuple[float, float]]:
    """Kind → microseconds and kernel switches of one hand-over, as the script printed them."""
    rows = [line.split() for line in run.output.splitlines()[1:]]
    assert tuple(row[0] for row in rows) == KINDS
    return {row[0]: (float(row[1]), float(row[3])) for row in rows}


def stretch(run: Seen, kind: str) -> Span:
    """While the hand-overs of a kind went on: from the print of the kind before, and its rest, to its own print."""
    times = sorted(row[0] for row in run.json["marks"] if row[2] == "stdout")[1:]
    at = KINDS.index(kind)
    naps = run.stays(main(run), "sleep")
    return (naps[at - 1][1] if at else 0), times[at]


def main(run: Seen) -> Lane:
    return run.lanes(LaneKind.THREAD)[0]


def switches(run: Seen, kind: str) -> dict[str, float]:
    """What the kernel recorded in that stretch of all threads of the run, per hand-over."""
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    assert run.end["switches_lost"] == 0
    begin, end = stretch(run, kind)
    names = [name for strip in run.lanes(LaneKind.CPU) for t, name, _d in run.states(strip.id) if begin <= t < end]
    return {name: names.count(name) / HAND_OVERS for name in ("off-cpu", "preempted")}


@pytest.mark.parametrize("kind", ["process", "thread"])
def test_processes_and_threads_hand_over_through_the_kernel(kind: str) -> None:
    run = seen("switch-cost")
    found = sum(switches(run, kind).values())
    assert 0.9 < found < 3
    assert 0.9 < printed(run)[kind][1] < 3


@pytest.mark.parametrize("kind", ["task", "greenlet", "generator"])
def test_coroutines_hand_over_without_the_kernel(kind: str) -> None:
    run = seen("switch-cost")
    assert switches(run, kind)["off-cpu"] * HAND_OVERS <= 1  # the loop's own selector may be made anew
    assert printed(run)[kind][1] < 0.1


def test_each_kind_was_really_exchanged_as_often() -> None:
    run = seen("switch-cost")
    (child,) = run.lanes(LaneKind.PROCESS)[1:]
    (answering,) = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == child.id]
    reads = [detail for _b, _e, detail in run.waits(answering.id, "read")] + run.waits(answering.id, "pipe")
    assert len(reads) >= HAND_OVERS / 2
    players = run.named(LaneKind.TASK, "player")
    assert [len(run.stays(lane, "running")) for lane in players] == [HAND_OVERS / 2 + 1] * 2
    (other,) = run.lanes(LaneKind.GREENLET)
    assert len(run.stays(other, "running")) in (HAND_OVERS / 2, HAND_OVERS / 2 + 1)


def typical(spans: list[Span]) -> float:
    """Nanoseconds of one hand-over, of a round trip's two, by what begins once a round trip; the median, for a busy machine's sake."""
    return median(later - earlier for (earlier, _), (later, _) in pairwise(spans)) / 2


def test_the_kinds_are_in_the_order_of_their_costs() -> None:
    run = seen("switch-cost")
    (other,) = run.lanes(LaneKind.GREENLET)
    process = typical(run.stays(main(run), "write"))
    begin, end = stretch(run, "thread")
    answering = run.one(LaneKind.THREAD, "(play)")
    thread = typical([span for span in run.stays(answering, "running") if begin <= span[0] < end])
    task = typical(run.stays(run.named(LaneKind.TASK, "player")[0], "running"))
    greenlet = typical(run.stays(other, "running"))
    assert min(process, thread) > 4 * greenlet
    assert task > greenlet
    assert min(microseconds for microseconds, _switches in printed(run).values()) > 0


def test_more_round_trips_when_asked_for() -> None:
    run = seen("switch-cost", rounds=1000)
    assert [len(run.stays(lane, "running")) for lane in run.named(LaneKind.TASK, "player")] == [1001] * 2
