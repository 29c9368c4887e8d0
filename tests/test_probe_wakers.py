"""Who let whom go on: tasks, greenlets and threads that wake each other, and what the woken waited for."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import observe, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


def test_who_woke_whom_is_known_through_gather_and_from_threads(script: Any) -> None:
    run = observe(
        script("""
import asyncio, threading
async def quick(): await asyncio.sleep(0.01)
async def slow(): await asyncio.sleep(0.05)
async def waits(event): await event.wait()
async def main():
    await asyncio.gather(asyncio.create_task(quick(), name="quick"), asyncio.create_task(slow(), name="slow"))
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    task = asyncio.create_task(waits(event), name="waits")
    await asyncio.sleep(0)
    threading.Timer(0.02, loop.call_soon_threadsafe, [event.set]).start()
    await task
asyncio.run(main())
""")
    )
    named = {lane.name.partition(" ")[0]: lane.id for lane in run.recording.lanes if lane.kind is LaneKind.TASK}
    by_id = {lane.id: lane for lane in run.recording.lanes}
    wakes = [(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "wake"]
    assert (named["slow"], named["Task-1"]) in wakes
    assert (named["waits"], named["Task-1"]) in wakes
    (waker,) = [by_id[source] for source, target in wakes if target == named["waits"]]
    assert (waker.kind, waker.name) == (LaneKind.THREAD, "Thread-1")


def test_plain_greenlets_hand_over_and_end_as_they_did(script: Any) -> None:
    run = observe(
        script("""
from greenlet import greenlet
def first():
    second_.switch(); print("one")
def second():
    first_.switch()
def bad(): raise ValueError("x")
first_, second_ = greenlet(first), greenlet(second)
first_.switch()
try: greenlet(bad).switch()
except ValueError: pass
""")
    )
    assert run.last_states(LaneKind.GREENLET) == {
        "greenlet-0 first": "finished",
        "greenlet-1 second": "killed",
        "greenlet-2 bad": "failed",
    }
    first, second, _bad = (lane.id for lane in run.lanes(LaneKind.GREENLET))
    handed = [(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "handover"]
    assert [pair for pair in handed if set(pair) == {first, second}] == [(first, second), (second, first)]
    assert (first, "one") in run.marks()


def test_who_let_a_waiting_thread_go_on_is_known(script: Any) -> None:
    run = observe(
        script("""
import queue, threading, time
event, lock, jobs = threading.Event(), threading.Lock(), queue.SimpleQueue()
def waits(): event.wait()
def gets(): jobs.get()
def locks():
    with lock: pass
def holds():
    with lock: time.sleep(0.05)
def sets():
    time.sleep(0.05); event.set(); jobs.put(1); time.sleep(0.05)
threads = [threading.Thread(target=work, name=work.__name__) for work in (waits, gets, holds, locks, sets)]
for thread in threads: thread.start()
for thread in reversed(threads): thread.join()
""")
    )
    named = {lane.id: lane.name for lane in run.lanes(LaneKind.THREAD)}
    arrows = {(named[flow[1]], named[flow[3]], flow[4]) for flow in run.json["flows"] if flow[3] in named and flow[1] in named}
    assert {("sets", "waits", "wake"), ("sets", "gets", "wake"), ("holds", "locks", "wake")} <= arrows
    assert ("sets", "MainThread", "join") in arrows
    joined = next(flow for flow in run.json["flows"] if flow[4] == "join" and named[flow[1]] == "sets")
    assert run.states(joined[1])[-1][0] <= joined[0]


def test_a_task_waits_for_a_thread_of_an_executor(script: Any) -> None:
    run = observe(
        script("""import asyncio, concurrent.futures, time
async def by_default(): await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)
async def by_pool(pool): await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.01)
async def by_call(): await asyncio.to_thread(time.sleep, 0.01)
async def plain(): await asyncio.get_running_loop().create_future()
async def main():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for n in range(3): await asyncio.gather(by_default(), by_pool(pool), by_call())
    task = asyncio.create_task(plain()); await asyncio.sleep(0.01); task.cancel()
asyncio.run(main())
""")
    )
    reasons: dict[str, set[str]] = {}
    for lane in run.lanes(LaneKind.TASK):
        for _t, _state, detail in run.states(lane.id):
            if "reason" in detail:
                reasons.setdefault(lane.name.partition(" ")[2], set()).add(detail["reason"])
    assert {name: reasons[name] for name in ("by_default", "by_pool", "by_call", "plain")} == {
        "by_default": {"thread"},
        "by_pool": {"thread"},
        "by_call": {"thread"},
        "plain": {"future"},
    }
