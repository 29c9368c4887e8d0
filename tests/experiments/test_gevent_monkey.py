"""time.sleep in two greenlets: the thread's own sleep, or gevent's."""

from __future__ import annotations

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, in_order, length, needs_probe, seen

pytestmark = needs_probe
variants = pytest.mark.parametrize("variant", ["unpatched", "patched"])


def steps(run: Seen) -> list[str]:
    """What the two functions printed, in order of time, without colours."""
    greenlets = {lane.id for lane in run.lanes(LaneKind.GREENLET)}
    return [text.split("函数")[1][:5] for lane, text in run.marks() if lane in greenlets]


def test_unpatched_each_function_is_finished_before_the_other_begins() -> None:
    run = seen("gevent-monkey", variant="unpatched")
    one, two = run.lanes(LaneKind.GREENLET)
    assert steps(run) == ["1 第一步", "1 第二步", "2 第一步", "2 第二步"]
    assert in_order([run.stays(lane, "running")[0] for lane in (one, two)])
    assert not run.stays(one, "waiting")
    assert not run.stays(two, "waiting")


def test_unpatched_the_thread_sleeps_and_with_it_the_loop() -> None:
    run = seen("gevent-monkey", variant="unpatched")
    one, two = run.lanes(LaneKind.GREENLET)
    (thread,) = run.lanes(LaneKind.THREAD)
    sleeps = run.waits(thread.id, "sleep")
    assert [d["line"] for _b, _e, d in sleeps] == [run.line("    time.sleep(2)"), run.line("    time.sleep(1)")]
    for lane, (begin, end, _detail) in zip((one, two), sleeps, strict=True):
        assert common(run.stays(lane, "running"), [(begin, end)]) / (end - begin) > 0.99
    # Function 2 could have run throughout the first sleep.
    begin, end, _detail = sleeps[0]
    assert common(run.stays(two, "ready"), [(begin, end)]) / (end - begin) > 0.95


def test_patched_the_waits_overlap_and_the_thread_polls() -> None:
    run = seen("gevent-monkey", variant="patched")
    one, two = run.lanes(LaneKind.GREENLET)
    assert steps(run) == ["1 第一步", "2 第一步", "2 第二步", "1 第二步"]
    waits = [run.waits(lane.id, "waiting") for lane in (one, two)]
    assert [(d["reason"], d["delay_ns"]) for ((_b, _e, d),) in waits] == [("timer", 2_000_000_000), ("timer", 1_000_000_000)]
    assert common(run.stays(one, "waiting"), run.stays(two, "waiting")) / length(run.stays(two, "waiting")) > 0.9
    for thread in run.lanes(LaneKind.THREAD):
        assert not run.stays(thread, "sleep")
    (hub,) = run.lanes(LaneKind.LOOP)
    assert common(run.stays(hub, "poll"), run.stays(one, "waiting")) / length(run.stays(one, "waiting")) > 0.8


@variants
def test_the_wait_is_at_the_line_that_says_time_sleep(variant: str) -> None:
    run = seen("gevent-monkey", variant=variant)
    lines = [run.line("    time.sleep(2)"), run.line("    time.sleep(1)")]
    if variant == "patched":
        told = [run.waits(lane.id, "waiting")[0][2]["line"] for lane in run.lanes(LaneKind.GREENLET)]
    else:
        told = [
            next(d["line"] for _t, _s, d in run.states(lane.id) if d.get("text") == "sleep")
            for lane in run.lanes(LaneKind.GREENLET)
        ]
    assert told == lines


def test_the_patch_saves_the_shorter_wait() -> None:
    def whole(run: Seen) -> int:
        lives = [run.life(lane) for lane in run.lanes(LaneKind.GREENLET)]
        return max(end for _begin, end in lives) - min(begin for begin, _end in lives)

    unpatched, patched = (seen("gevent-monkey", variant=variant) for variant in ("unpatched", "patched"))
    one, two = (length(patched.stays(lane, "waiting")) for lane in patched.lanes(LaneKind.GREENLET))
    assert abs(whole(patched) - one) < abs(whole(patched) - (one + two))
    (thread,) = unpatched.lanes(LaneKind.THREAD)
    assert whole(unpatched) >= length(unpatched.stays(thread, "sleep"))
