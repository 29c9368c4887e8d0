"""Each check on a recording whose answer is known beforehand: once where it holds, once where it does not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app import resources
from app.core import recording
from app.core.expectations import CHECKS, expectations, faults_of, meets
from app.core.records import FlowKind, LaneKind, MarkKind, State
from tests.samples import MS, Maker

READY, RUNNING, TIMER = State.READY, State.RUNNING, State.WAIT_TIMER
OBSERVERS = dict.fromkeys(("threads", "asyncio", "greenlets", "output", "gil", "kernel"), "exact")


def judge(
    make: Maker,
    check: str,
    *,
    end_ns: int = 100 * MS,
    outcome: str = "finished",
    unseen: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    switches_lost: int = 0,
    **arguments: Any,
) -> dict[str, Any]:
    """What the check says of what was made, as an experiment's only expectation; `unseen` observers were not permitted."""
    run = recording.read([make.blocks(end_ns, outcome)])
    run.header["observers"] = OBSERVERS | dict.fromkeys(unseen, "unavailable: not permitted here")
    assert run.end
    run.end["switches_lost"] = switches_lost
    words = ", ".join(f"{name} = {json.dumps(value)}" for name, value in arguments.items())
    run.header["script"]["source"] = (
        f'"""\n[[expected]]\ncheck = "{check}"\narguments = {{ {words} }}\nneeds = {list(needs)}\nsays = {{ zh = "甲", en = "so" }}\n"""\n'
    )
    run.header["parameters"] = {"workers": 2}
    (one,) = expectations(run)
    return one


def lanes(make: Maker, kind: LaneKind, *spans: tuple[int, int], state: State = RUNNING) -> None:
    """One lane for each (begin, end) in milliseconds, in the state from begin to end, waiting before and after."""
    process = make.lane(0, 0, LaneKind.PROCESS, "demo")
    for number, (begin, end) in enumerate(spans):
        lane = make.lane(0, process, kind, f"work {number}")
        make.state(0, lane, State.OFF_CPU if kind is LaneKind.CPU else TIMER)
        make.state(begin * MS, lane, state)
        make.state(end * MS, lane, State.OFF_CPU if kind is LaneKind.CPU else State.FINISHED)


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.mark.parametrize(
    ("second", "holds", "at_once"), [((10, 20), True, 1.0), ((20, 30), True, 1.0), ((5, 15), False, 20 / 15)]
)
def test_in_turn(make: Maker, second: tuple[int, int], holds: bool, at_once: float) -> None:
    lanes(make, LaneKind.THREAD, (0, 10), second)
    said = judge(make, "in_turn", kind="thread")
    assert said["verdict"] == ("holds" if holds else "fails")
    assert said["figures"] == {"at_once": pytest.approx(at_once), "lanes": 2}
    assert [span["duration_ns"] for span in said["spans"]] == [10 * MS, 10 * MS]


@pytest.mark.parametrize(("second", "verdict"), [((0, 10), "holds"), ((10, 20), "fails")])
def test_at_once(make: Maker, second: tuple[int, int], verdict: str) -> None:
    lanes(make, LaneKind.THREAD, (0, 10), second)
    assert judge(make, "at_once", kind="thread", least=1.9)["verdict"] == verdict
    assert judge(make, "at_once", kind="thread", share=0.95)["verdict"] == verdict


def test_share_of_life(make: Maker) -> None:
    lanes(make, LaneKind.TASK, (25, 100))
    said = judge(make, "share_of_life", kind="task", state="running", least=0.7)
    assert (said["verdict"], said["figures"]) == ("holds", {"state_share": 0.75, "state_ns": 75 * MS})
    assert judge(make, "share_of_life", kind="task", state=["running"], most=0.7)["verdict"] == "fails"


@pytest.mark.parametrize(("second", "verdict"), [((0, 10), "holds"), ((10, 20), "fails")])
def test_as_long_as_the_longest(make: Maker, second: tuple[int, int], verdict: str) -> None:
    lanes(make, LaneKind.THREAD, (0, 10), second, state=State.SLEEP)
    said = judge(make, "as_long_as_the_longest", kind="thread", state="sleep")
    whole = max(10, second[1]) * MS
    assert (said["verdict"], said["figures"]) == (verdict, {"whole_ns": whole, "longest_ns": 10 * MS, "sum_ns": 20 * MS})


def cores(make: Maker, *, alone: bool) -> None:
    """Two threads that want a core from 10 to 30 ms: one after the other, or both at once."""
    thread = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo"), LaneKind.THREAD, "work")
    for number in range(2):
        lane = make.lane(0, thread, LaneKind.CPU, "cpu")
        first, then = (State.ON_CPU, State.PREEMPTED) if number == 0 else (State.PREEMPTED, State.ON_CPU)
        make.state(0, lane, State.OFF_CPU)
        make.state(10 * MS, lane, first if alone else State.ON_CPU)
        if alone:
            make.state(20 * MS, lane, then)
        make.state(30 * MS, lane, State.OFF_CPU)


@pytest.mark.parametrize("alone", [True, False])
def test_uses_cores(make: Maker, alone: bool) -> None:
    cores(make, alone=alone)
    said = judge(make, "uses_cores", named="work")
    assert said["verdict"] == ("fails" if alone else "holds")
    assert said["figures"] == {"cores_used": 1.0 if alone else 2.0, "cores_reported": 2}
    assert said["why"] == ("taken" if alone else "")
    assert judge(make, "cores_in_turn")["verdict"] == ("holds" if alone else "fails")


def test_lane_count(make: Maker) -> None:
    lanes(make, LaneKind.THREAD, (0, 10), (0, 10))
    assert judge(make, "lane_count", kind="thread", least="$workers", most=2)["figures"] == {"lanes": 2}
    assert judge(make, "lane_count", kind="thread", least="$workers", most=2)["verdict"] == "holds"
    assert judge(make, "lane_count", kind="thread", named="work 1", least=2)["verdict"] == "fails"


def test_ends_as(make: Maker) -> None:
    lanes(make, LaneKind.TASK, (0, 10), (0, 10))
    said = judge(make, "ends_as", kind="task", state="finished", least=2)
    assert (said["verdict"], said["figures"]) == ("holds", {"lanes": 2, "ended": 2})
    assert judge(make, "ends_as", kind="task", state="finished", least=3)["verdict"] == "fails"
    assert judge(make, "ends_as", kind="task", state="cancelled")["verdict"] == "fails"


def test_flow_count(make: Maker) -> None:
    lanes(make, LaneKind.TASK, (0, 10), (0, 10))
    make.flow(MS, 2, 2 * MS, 3, FlowKind.WAKE)
    assert judge(make, "flow_count", flow="wake")["verdict"] == "holds"
    assert judge(make, "flow_count", flow="handover")["verdict"] == "fails"


def test_stall(make: Maker) -> None:
    lanes(make, LaneKind.GREENLET, (20, 50), state=READY)
    assert judge(make, "stall", least_s=0.03)["figures"] == {"stall_ns": 30 * MS}
    assert judge(make, "stall", most_s=0.029)["verdict"] == "fails"


@pytest.mark.parametrize(("second", "verdict"), [((5, 15), "holds"), ((10, 20), "fails")])
def test_ready_together(make: Maker, second: tuple[int, int], verdict: str) -> None:
    lanes(make, LaneKind.TASK, (0, 10), second, state=READY)
    assert judge(make, "ready_together", named="work", least=2)["verdict"] == verdict


def test_printed_in_order(make: Maker) -> None:
    make.output(0, "函数1\n2 items\n".encode())
    assert judge(make, "printed_in_order", lines=["函数1", "$workers items"])["verdict"] == "holds"
    said = judge(make, "printed_in_order", lines=["items", "函数1"])
    assert (said["verdict"], said["figures"]) == ("fails", {"found": 1, "wanted": 2})


def test_ended(make: Maker) -> None:
    assert judge(make, "ended", wanted="time limit", outcome="time limit")["verdict"] == "holds"
    assert judge(make, "ended", wanted="time limit")["verdict"] == "fails"


@pytest.mark.parametrize(
    ("observer", "check", "arguments"), [("kernel", "uses_cores", {}), ("gil", "in_turn", {"kind": "gil"})]
)
def test_what_an_observer_did_not_see_is_not_judged(make: Maker, observer: str, check: str, arguments: dict[str, Any]) -> None:
    lanes(make, LaneKind.CPU, (0, 10), (0, 10), state=State.ON_CPU)
    said = judge(make, check, unseen=(observer,), **arguments)
    assert (said["verdict"], said["why"]) == ("unobservable", "not permitted here")


def test_what_the_header_needs_besides_is_needed(make: Maker) -> None:
    lanes(make, LaneKind.THREAD, (0, 10))
    assert judge(make, "lane_count", kind="thread", needs=("kernel",))["verdict"] == "holds"
    said = judge(make, "lane_count", kind="thread", needs=("gil", "kernel"), unseen=("kernel",))
    assert (said["verdict"], said["why"]) == ("unobservable", "not permitted here")


def test_tasks_are_judged_where_greenlets_are_not_seen(make: Maker) -> None:
    lanes(make, LaneKind.TASK, (0, 10), (0, 10), state=READY)
    for check, arguments in (("stall", {"least_s": 0.01}), ("ready_together", {"least": 2})):
        assert judge(make, check, unseen=("greenlets",), **arguments)["verdict"] == "holds"
        assert judge(make, check, unseen=("greenlets", "asyncio"), **arguments)["verdict"] == "unobservable"


@pytest.mark.parametrize("outcome", ["cancelled", "interrupted", "sandbox fault"])
def test_a_run_that_was_cut_short_is_not_judged(make: Maker, outcome: str) -> None:
    said = judge(make, "lane_count", kind="thread", outcome=outcome)
    assert (said["verdict"], said["why"]) == ("unobservable", "cut-short")


def test_for_which_parameters_it_is_meant() -> None:
    given = {"variant": "threads", "workers": 4}
    assert meets(given, {})
    assert meets(given, {"variant": ["threads", "both"], "workers": {"minimum": 2, "maximum": 4}})
    assert not meets(given, {"workers": {"maximum": 3}})
    assert not meets(given, {"variant": "processes"})
    assert not meets(given, {"another": 1})


@pytest.mark.parametrize("source", ["", "x = (", '"""not TOML"""', "(" * 5000, '"""\n[[expected]]\ncheck = "none"\n"""'])
def test_a_script_of_ones_own_has_no_expectations(make: Maker, source: str) -> None:
    run = recording.read([make.blocks(MS)])
    run.header["script"]["source"] = source
    assert expectations(run) == []


def test_wrong_names_and_arguments_are_named() -> None:
    assert "there is no check 'overlap'" in faults_of("overlap", {})
    assert "unexpected keyword argument 'knid'" in faults_of("in_turn", {"kind": "task", "knid": "thread"})
    assert "missing" in faults_of("in_turn", {})


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_check_is_said_in_both_languages_with_figures_it_has(lang: str) -> None:
    texts = json.loads((resources.static_dir() / f"i18n/{lang}.json").read_text("utf-8"))["expected"]["seen"]
    assert set(texts) == set(CHECKS)
    for name, text in texts.items():
        figures = set(re.findall(r"\{(\w+)\}", text))
        assert [figure for figure in figures if f"`{figure}`" not in (CHECKS[name].__doc__ or "")] == []


def test_typical_stay_and_stay_count(make: Maker) -> None:
    lanes(make, LaneKind.THREAD, (0, 10), (0, 20), (0, 90), state=State.GIL_WAIT)
    said = judge(make, "typical_stay", kind="thread", state="gil-wait", least_s=0.015, most_s=0.025, count=3)
    assert (said["verdict"], said["figures"]) == ("holds", {"stays": 3, "typical_ns": 20 * MS})
    assert judge(make, "typical_stay", kind="thread", state="gil-wait", least_s=0.03)["verdict"] == "fails"
    assert judge(make, "typical_stay", kind="thread", state="gil-wait", count=4)["verdict"] == "fails"
    assert judge(make, "stay_count", kind="thread", state="gil-wait", least=3, most=3)["figures"] == {"stays": 3}
    assert judge(make, "stay_count", kind="thread", state="gil-wait", most=2)["verdict"] == "fails"


def test_never_printed(make: Maker) -> None:
    make.output(0, b"lost 7\n")
    assert judge(make, "never_printed", words="lost 0")["verdict"] == "holds"
    assert judge(make, "never_printed", words="lost 7")["verdict"] == "fails"


def test_what_was_never_printed_is_not_told_of_silence(make: Maker) -> None:
    assert judge(make, "never_printed", words="lost 0")["verdict"] == "fails"


def switched(make: Maker) -> None:
    """A task that lives from 20 to 50 ms on a thread that is switched out at 10, 30, 40 (preempted) and 60 ms."""
    process = make.lane(0, 0, LaneKind.PROCESS, "demo")
    thread = make.lane(0, process, LaneKind.THREAD, "work")
    task = make.lane(0, thread, LaneKind.TASK, "play")
    strip = make.lane(0, thread, LaneKind.CPU, "cpu")
    make.state(0, strip, State.ON_CPU)
    make.state(20 * MS, task, RUNNING)
    make.state(35 * MS, task, TIMER)
    make.state(50 * MS, task, State.FINISHED)
    for at_ms, state in ((10, State.OFF_CPU), (30, State.OFF_CPU), (40, State.PREEMPTED), (60, State.OFF_CPU)):
        make.state(at_ms * MS, strip, state)
        make.state((at_ms + 2) * MS, strip, State.ON_CPU)


def test_kernel_switches_are_those_within_the_lanes_life(make: Maker) -> None:
    switched(make)
    said = judge(make, "kernel_switches", kind="task", each="$workers", least=1, most=1)
    assert (said["verdict"], said["figures"]) == ("holds", {"switches": 2, "switches_each": 1.0})
    assert judge(make, "kernel_switches", kind="task", most=1)["verdict"] == "fails"
    assert judge(make, "kernel_switches", kind="task", least=3)["verdict"] == "fails"
    assert judge(make, "kernel_switches", kind="task", least=3, switches_lost=1)["why"] == "switches-lost"
    assert judge(make, "kernel_switches", kind="task", least=2, switches_lost=1)["verdict"] == "holds"
    assert judge(make, "kernel_switches", kind="thread", named="nobody")["verdict"] == "fails"


def test_keeps_its_core_looks_between_the_first_print_and_the_last(make: Maker) -> None:
    switched(make)
    make.mark(35 * MS, 2, MarkKind.STDOUT, "a")
    make.mark(55 * MS, 2, MarkKind.STDOUT, "b")
    said = judge(make, "keeps_its_core")
    assert (said["verdict"], said["figures"]) == ("holds", {"waits": 0, "preemptions": 1})
    make.mark(25 * MS, 2, MarkKind.STDOUT, "before")
    assert judge(make, "keeps_its_core")["figures"] == {"waits": 1, "preemptions": 1}


def test_lanes_are_picked_by_their_own_name_and_that_of_the_lane_above(make: Maker) -> None:
    for name in ("reader", "writer"):
        make.lane(0, make.lane(0, 0, LaneKind.PROCESS, name), LaneKind.THREAD, "MainThread")
    assert judge(make, "lane_count", kind="thread", named="writer/")["figures"] == {"lanes": 1}
    assert judge(make, "lane_count", kind="thread", named="er/Main")["figures"] == {"lanes": 2}
    assert judge(make, "lane_count", kind="thread", named="reader/Other")["figures"] == {"lanes": 0}
    assert judge(make, "lane_count", kind="thread", named="reader")["figures"] == {"lanes": 0}


def test_counter_within(make: Maker) -> None:
    lane = make.lane(0, 0, LaneKind.SEMAPHORE, "semaphore of 3")
    for at_ms, taken in ((1, 1), (2, 3), (3, 0)):
        make.count(at_ms * MS, lane, taken)
    said = judge(make, "counter_within", kind="semaphore", most=3)
    assert (said["verdict"], said["figures"]) == ("holds", {"peak": 3, "changes": 3})
    assert judge(make, "counter_within", kind="semaphore", most=2)["verdict"] == "fails"
    assert judge(make, "counter_within", kind="semaphore", most=9, least_peak=4)["verdict"] == "fails"
    assert judge(make, "counter_within", kind="memory", most=9)["verdict"] == "fails"
