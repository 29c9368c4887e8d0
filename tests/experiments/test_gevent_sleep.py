"""Two greenlets, two waits that overlap."""

from __future__ import annotations

from app.core.records import LaneKind
from tests.experiments.observe import common, length, needs_probe, seen

pytestmark = needs_probe
RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


def test_each_line_is_printed_in_the_course_order_on_its_own_greenlet() -> None:
    run = seen("gevent-sleep")
    one, two = run.lanes(LaneKind.GREENLET)
    assert run.marks() == [
        (one.id, f"{RED}函数1 第一步{PLAIN}"),
        (two.id, f"{GREEN}函数2 第一步{PLAIN}"),
        (two.id, f"{GREEN}函数2 第二步{PLAIN}"),
        (one.id, f"{RED}函数1 第二步{PLAIN}"),
    ]
    assert run.output.splitlines() == [text for _lane, text in run.marks()]
    assert ("func1" in one.name, "func2" in two.name) == (True, True)


def test_the_greenlets_lie_under_the_hub_of_the_only_thread() -> None:
    run = seen("gevent-sleep")
    (thread,) = run.lanes(LaneKind.THREAD)
    (hub,) = run.lanes(LaneKind.LOOP)
    assert hub.parent == thread.id
    assert [lane.parent for lane in run.lanes(LaneKind.GREENLET)] == [hub.id, hub.id]
    assert run.arrows("spawn") == [(thread.id, lane.id) for lane in run.lanes(LaneKind.GREENLET)]


def test_each_waits_once_for_its_timer_at_its_line() -> None:
    run = seen("gevent-sleep")
    waits = [run.waits(lane.id, "waiting") for lane in run.lanes(LaneKind.GREENLET)]
    details = [detail for ((_begin, _end, detail),) in waits]
    assert [(d["reason"], d["delay_ns"], d["line"]) for d in details] == [
        ("timer", 2_000_000_000, run.line("gevent.sleep(2)")),
        ("timer", 1_000_000_000, run.line("gevent.sleep(1)")),
    ]
    assert {d["file"] for d in details} == {run.json["header"]["script"]["path"]}


def test_the_whole_takes_as_long_as_the_longer_wait() -> None:
    run = seen("gevent-sleep")
    one, two = run.lanes(LaneKind.GREENLET)
    waits = [run.stays(lane, "waiting") for lane in (one, two)]
    whole = max(run.life(lane)[1] for lane in (one, two)) - min(run.life(lane)[0] for lane in (one, two))
    longest, total = max(map(length, waits)), sum(map(length, waits))
    assert abs(whole - longest) < abs(whole - total)
    assert common(*waits) / length(waits[1]) > 0.9


def test_both_run_in_turn_and_finish() -> None:
    run = seen("gevent-sleep")
    for lane in run.lanes(LaneKind.GREENLET):
        assert [name for name in run.names(lane) if name != "ready"] == ["running", "waiting", "running", "finished"]
    one, two = (run.stays(lane, "running") for lane in run.lanes(LaneKind.GREENLET))
    assert common(one, two) == 0
