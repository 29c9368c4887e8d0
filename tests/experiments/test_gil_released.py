"""Threads that compute in C with the GIL released do so at the same time; those that compute in Python take turns."""

from __future__ import annotations

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, length, needs_probe, parallelism, seen

pytestmark = needs_probe
IN_C = pytest.mark.parametrize("variant", ["hashlib", "zlib", "bz2"])


def workers(run: Seen) -> tuple[Lane, list[Lane]]:
    """The one of the first round, and those of the second."""
    alone, *together = run.named(LaneKind.THREAD, "(work)")
    return alone, together


@IN_C
def test_without_the_gil_they_compute_at_the_same_time(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    _alone, together = workers(run)
    assert len(together) == 2
    assert parallelism(span for lane in together for span in run.stays(lane, "no-gil")) > 1.6
    for lane in together:
        assert length(run.stays(lane, "no-gil")) > 0.8 * length([run.life(lane)])


@IN_C
def test_the_gil_is_nearly_idle_meanwhile(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    _alone, together = workers(run)
    both = [(max(run.life(lane)[0] for lane in together), min(run.life(lane)[1] for lane in together))]
    assert common(run.stays(gil, "held"), both) / length(both) < 0.2


@IN_C
def test_both_are_on_a_core_at_once_where_there_are_two(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    if not run.observer("kernel") or run.json["header"]["machine"]["cores"] < 2:
        pytest.skip("the kernel's switches are not observed here, or there is one core")
    _alone, together = workers(run)
    first, second = (
        run.stays(strip, "running") for lane in together for strip in run.lanes(LaneKind.CPU) if strip.parent == lane.id
    )
    assert common(first, second) > 0


def test_in_python_they_take_turns() -> None:
    run = seen("gil-released", variant="python")
    _alone, together = workers(run)
    assert parallelism(span for lane in together for span in run.stays(lane, "running")) < 1.05
    for lane in together:
        assert length(run.stays(lane, "no-gil")) < 0.2 * length([run.life(lane)])


def test_as_many_threads_as_asked_for() -> None:
    assert len(workers(seen("gil-released", threads=3, rounds=1))[1]) == 3
