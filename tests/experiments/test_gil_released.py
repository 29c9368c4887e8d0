"""Threads that compute in C with the GIL released do so at the same time; those that compute in Python take turns."""

from __future__ import annotations

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, common, joined, length, needs_probe, parallelism, seen, without

pytestmark = needs_probe
IN_C = pytest.mark.parametrize("variant", ["hashlib", "zlib", "bz2"])


def workers(run: Seen) -> tuple[Lane, list[Lane]]:
    """The one of the first round, and those of the second."""
    alone, *together = run.named(LaneKind.THREAD, "(work)")
    return alone, together


def both_alive(run: Seen, together: list[Lane]) -> list[Span]:
    """The system may begin one much later than the other, and end it later."""
    lives = list(map(run.life, together))
    begin, end = max(begin for begin, _end in lives), min(end for _begin, end in lives)
    assert begin < end
    return [(begin, end)]


@IN_C
def test_without_the_gil_they_compute_at_the_same_time(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    _alone, together = workers(run)
    assert len(together) == 2
    first, second = (run.stays(lane, "no-gil") for lane in together)
    assert common(first, second) > 0.6 * length(both_alive(run, together))
    for lane in together:
        assert length(run.stays(lane, "no-gil")) > 0.8 * length([run.life(lane)])


@IN_C
def test_the_gil_is_nearly_idle_meanwhile(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    _alone, together = workers(run)
    both = both_alive(run, together)
    held = [span for span in run.stays(gil, "held") if common([span], both)]
    # Whoever loses its core while it holds the GIL holds it until it gets one back.
    preempted = joined(span for lane in run.lanes(LaneKind.THREAD) for span in run.on_core(lane, "preempted"))
    assert without(held, preempted) / length(both) < 0.2


@IN_C
def test_both_want_a_core_at_once_and_get_what_others_leave(variant: str) -> None:
    run = seen("gil-released", variant=variant)
    if not run.observer("kernel") or run.json["header"]["machine"]["cores"] < 2:
        pytest.skip("the kernel's switches are not observed here, or there is one core")
    _alone, together = workers(run)
    # Neither sleeps until the other has done: it is on a core, or other programs have its core. Were they to take turns with the
    # GIL, the one would be off the cores while the other is on one.
    first, second = (run.on_core(lane, "running", "preempted") for lane in together)
    both = both_alive(run, together)
    assert common(first, second) > 0.8 * length(both)
    # And whenever others had neither's core, both were on one at once.
    on_core = [run.on_core(lane, "running") for lane in together]
    taken = joined(span for lane in together for span in run.on_core(lane, "preempted"))
    assert common(*on_core) >= 0.8 * without(both, taken)


def test_in_python_they_take_turns() -> None:
    run = seen("gil-released", variant="python")
    _alone, together = workers(run)
    assert parallelism(span for lane in together for span in run.stays(lane, "running")) < 1.05
    for lane in together:
        # Between giving up the GIL and asking for it again it may lose its core to another program.
        idle = without(run.stays(lane, "no-gil"), run.on_core(lane, "preempted"))
        assert idle < (0.05 if run.observer("kernel") else 0.2) * length([run.life(lane)])


def test_as_many_threads_as_asked_for() -> None:
    assert len(workers(seen("gil-released", threads=3, rounds=1))[1]) == 3
