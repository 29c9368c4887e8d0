"""Thousands of sleepers: in one thread, or in as many threads."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.core.expectations.seen import numbers_of
from app.core.recording import Lane
from app.core.records import LaneKind
from app.core.spans import spans_of, steps
from tests.experiments.observe import Seen, length, needs_probe, seen

pytestmark = needs_probe
KINDS = {"asyncio": LaneKind.TASK, "gevent": LaneKind.GREENLET, "threads": LaneKind.THREAD}
COUNT = {"asyncio": 10_000, "gevent": 10_000, "threads": 500}
variants = pytest.mark.parametrize("variant", ["asyncio", "gevent", pytest.param("threads", marks=pytest.mark.slow)])
coroutines = pytest.mark.parametrize("variant", ["asyncio", "gevent"])


def run_of(variant: str) -> Seen:
    return seen("ten-thousand", variant=variant, count=COUNT[variant])


def sleepers(run: Seen, variant: str) -> list[Lane]:
    return run.named(KINDS[variant], "sleeper")


def most_at_once(run: Seen, variant: str, *states: str) -> int:
    """In how many sleepers at most was one of these the state at the same moment?"""
    ids = [lane.id for lane in sleepers(run, variant)]
    spans = spans_of(run.recording)
    spans = spans.where(np.isin(spans.lane, ids))
    stays = spans.in_state(*numbers_of(states))
    return int(steps(stays.begin, stays.end)[1].max(initial=0))


@variants
def test_there_is_a_lane_for_every_sleeper_and_each_finished(variant: str) -> None:
    run = run_of(variant)
    lanes = sleepers(run, variant)
    assert len(lanes) == COUNT[variant]
    last = {lane: state for _t, lane, state, _detail in run.json["states"]}
    assert {last[lane.id] for lane in lanes} == {"finished"}
    assert len(run.lanes(LaneKind.THREAD)) == (1 if variant != "threads" else COUNT[variant] + 1)


@variants
def test_all_of_them_sleep_at_the_same_time(variant: str) -> None:
    run = run_of(variant)
    state = "sleep" if variant == "threads" else "waiting:timer"
    assert most_at_once(run, variant, state) > 0.5 * COUNT[variant]


@coroutines
def test_one_thread_runs_them_one_at_a_time_and_the_others_queue(variant: str) -> None:
    run = run_of(variant)
    assert most_at_once(run, variant, "running") == 1
    assert most_at_once(run, variant, "ready") > 0.05 * COUNT[variant]


@coroutines
def test_the_waits_overlap_instead_of_adding_up(variant: str) -> None:
    run = run_of(variant)
    lives = [lane.t_ns for lane in sleepers(run, variant)]
    (thread,) = run.lanes(LaneKind.THREAD)
    whole = length([run.life(thread)])
    assert whole < 0.01 * COUNT[variant] * 1_000_000_000  # each sleeps for 1 s
    assert max(lives) - min(lives) < whole


@variants
def test_each_waits_at_the_line_that_sleeps(variant: str) -> None:
    run = run_of(variant)
    code = {"asyncio": "await asyncio.sleep(1)", "gevent": "gevent.sleep(1)", "threads": "time.sleep(1)"}[variant]
    lane = sleepers(run, variant)[0]
    told = [d["line"] for _t, s, d in run.states(lane.id) if s == ("sleep" if variant == "threads" else "waiting")]
    assert told == [run.line(f"    {code}")]


@variants
def test_resident_memory_is_a_sampled_counter_of_the_process(variant: str) -> None:
    run = run_of(variant)
    (process,) = run.lanes(LaneKind.PROCESS)
    (memory,) = run.lanes(LaneKind.MEMORY)
    assert memory.parent == process.id
    rows = [(t, value) for t, lane, value in run.json["counters"] if lane == memory.id]
    assert [t for t, _value in rows] == sorted(t for t, _value in rows)  # the last may be taken when the process has just ended
    grown = max(value for _t, value in rows) - rows[0][1]
    (each,) = re.findall(r"all have begun: ([\d.]+) kB each", run.output)
    assert grown >= 0.8 * float(each) * 1000 * COUNT[variant]
    assert run.json["header"]["observers"]["memory"].startswith("sampled")


@pytest.mark.parametrize("count", [10_001, 100_000])
def test_more_threads_than_it_may_have_are_refused_in_plain_words(count: int) -> None:
    run = seen("ten-thousand", variant="threads", count=count, ends="program error")
    assert "count: at most 10000 with threads" in run.output
    assert len(run.lanes(LaneKind.THREAD)) == 1


@pytest.mark.slow
def test_a_hundred_thousand_tasks_are_recorded_without_loss() -> None:
    run = seen("ten-thousand", count=100_000)
    assert len([lane for lane in run.recording.lanes if lane.kind is LaneKind.TASK and "sleeper" in lane.name]) == 100_000
    assert run.end["records"] < run.json["header"].get("limits", {}).get("records", 2_000_000)
