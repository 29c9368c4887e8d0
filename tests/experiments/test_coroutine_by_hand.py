"""Two coroutines hand control to each other within one thread; the kernel knows nothing of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, in_order, needs_probe, parallelism, seen

pytestmark = needs_probe
variants = pytest.mark.parametrize("variant", ["greenlet", "generator"])
STEPS = 10


def between(run: Seen) -> Span:
    """From the first step's print to the last."""
    times = sorted(row[0] for row in run.json["marks"] if row[2] == "stdout")
    return times[0], times[-1]


@variants
def test_they_print_in_turn(variant: str) -> None:
    run = seen("coroutine-by-hand", variant=variant)
    words = [text.split()[:2] for _lane, text in run.marks()]
    assert words == [[name, str(step)] for step in range(STEPS) for name in ("ping", "pong")]


@variants
def test_one_thread_and_no_kernel_switch_at_a_hand_over(variant: str) -> None:
    run = seen("coroutine-by-hand", variant=variant)
    (_thread,) = run.lanes(LaneKind.THREAD)
    if not run.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    (strip,) = run.lanes(LaneKind.CPU)
    begin, end = between(run)
    names = {name for t, name, _detail in run.states(strip.id) if begin <= t < end}
    # Others may take the core from it on a busy machine; it gives it up itself not once.
    assert "off-cpu" not in names


def test_greenlets_alternate_and_never_overlap() -> None:
    run = seen("coroutine-by-hand")
    lanes = run.lanes(LaneKind.GREENLET)
    ping, pong = (lane for lane in lanes if lane.name.split()[-1] in ("greenlet_ping", "greenlet_pong"))
    ran = [(span, lane.id) for lane in (ping, pong) for span in run.stays(lane, "running")]
    order = [lane for _span, lane in sorted(ran)]
    assert all(before != after for before, after in pairwise(order))
    assert len(order) >= 2 * STEPS
    assert in_order(span for span, _lane in ran)
    assert parallelism(span for span, _lane in ran) <= 1
    (thread,) = run.lanes(LaneKind.THREAD)
    assert {ping.parent, pong.parent} == {thread.id}


def test_generators_have_no_lane_of_their_own() -> None:
    run = seen("coroutine-by-hand", variant="generator")
    assert run.lanes(LaneKind.GREENLET) == run.lanes(LaneKind.TASK) == []
    (thread,) = run.lanes(LaneKind.THREAD)
    assert len(run.said(thread)) == 2 * STEPS


@variants
def test_as_many_steps_as_asked_for(variant: str) -> None:
    assert len(seen("coroutine-by-hand", variant=variant, steps=3).marks()) == 6
