"""Beside a thread that computes, one that does I/O waits for the GIL, up to a switch interval at each wake-up."""

from __future__ import annotations

from statistics import median

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, length, needs_probe, seen

pytestmark = needs_probe
INTERVAL_NS = 5_000_000


def echoes(run: Seen) -> tuple[Lane, Lane]:
    """The echo thread alone, and the one beside computing threads."""
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    alone, beside = run.named(LaneKind.THREAD, "(echo)")
    return alone, beside


def waited(run: Seen, lane: Lane) -> list[int]:
    """Each wait for the GIL, in nanoseconds."""
    return [end - begin for begin, end in run.stays(lane, "gil-wait")]


def test_alone_it_hardly_waits_and_beside_a_computing_thread_it_does_little_else() -> None:
    run = seen("gil-convoy")
    alone, beside = echoes(run)
    shares = [sum(waited(run, lane)) / length([run.life(lane)]) for lane in (alone, beside)]
    assert shares[1] > 0.3
    assert shares[1] > 3 * shares[0]
    assert length([run.life(beside)]) > length([run.life(alone)])


def test_each_wait_is_about_a_switch_interval() -> None:
    run = seen("gil-convoy")
    _alone, beside = echoes(run)
    # It asks for the GIL after an interval in which nobody took it; a busy machine then may take its time.
    assert median(waited(run, beside)) > 0.5 * INTERVAL_NS


def test_with_a_shorter_interval_it_waits_less() -> None:
    run = seen("gil-convoy", interval=0.05)
    _alone, beside = echoes(run)
    assert min(waited(run, beside)) < INTERVAL_NS
    default = seen("gil-convoy")
    assert min(waited(run, beside)) < median(waited(default, echoes(default)[1]))


def test_the_client_is_a_process_of_its_own_and_prints_both_rates() -> None:
    run = seen("gil-convoy")
    main, *clients = run.lanes(LaneKind.PROCESS)
    assert len(clients) == 2
    assert {lane.parent for lane in clients} == {main.id}
    first, second = (line.partition(":")[0] for line in run.output.splitlines())
    assert (first, second) == ("echo alone", "echo beside 1 computing")
    for lane in echoes(run):
        assert len(run.waits(lane.id, "read")) >= 300


@pytest.mark.slow
def test_as_many_computing_threads_as_asked_for() -> None:
    assert len(seen("gil-convoy", spinners=3, requests=20).named(LaneKind.THREAD, "(spin)")) == 3
