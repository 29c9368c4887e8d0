"""Processes of one run: who waits for whom, by name, and what leads from one to the other, however they were started."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import EACH_PYTHON, LONG_NS, Run, observe, observe_with, script, threads

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))
EVERYTHING = """
import multiprocessing, sys, time
from multiprocessing import shared_memory
def square(n): time.sleep(0.02); return n * n
def meets(barrier, ready, changed, flag):
    barrier.wait()
    ready.wait()
    with changed:
        while not flag.value: changed.wait()
def consumes(jobs):
    while (n := jobs.get()) is not None: time.sleep(0.02); jobs.task_done()
    jobs.task_done()
def shares(numbers, words, lock):
    with lock: numbers["n"] = numbers.get("n", 0) + 1; words.append("word"); time.sleep(0.05)
def writes(name, done):
    block = shared_memory.SharedMemory(name=name); time.sleep(0.03); block.buf[0] = 42; block.close(); done.release()
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    def start(work, name, *arguments):
        process = context.Process(target=work, args=arguments, name=name); process.start(); return process
    barrier, ready, changed, flag = context.Barrier(3), context.Event(), context.Condition(), context.Value("i", 0)
    both = [start(meets, f"meets {n}", barrier, ready, changed, flag) for n in "ab"]
    barrier.wait(); time.sleep(0.1); ready.set(); time.sleep(0.1)
    with changed: flag.value = 1; changed.notify_all()
    for process in both: process.join()
    jobs = context.JoinableQueue()
    consumer = start(consumes, "consumer", jobs)
    for n in (1, 2, None): jobs.put(n)
    jobs.join(); consumer.join()
    block, done = shared_memory.SharedMemory(create=True, size=16), context.Semaphore(0)
    writer = start(writes, "writer", block.name, done)
    done.acquire(); print(block.buf[0]); writer.join(); block.close(); block.unlink()
    with context.Pool(2) as pool:
        print(pool.map(square, range(4)))
        result = pool.apply_async(square, [5]); print(result.get())
        pool.close(); pool.join()
    with context.Manager() as manager:
        numbers, words, lock = manager.dict(), manager.list(), manager.Lock()
        both = [start(shares, f"shares {n}", numbers, words, lock) for n in "ab"]
        for process in both: process.join()
        print(dict(numbers), list(words))
"""


def main_threads(run: Run) -> dict[str, int]:
    """The first thread of each process, by the process's name."""
    named = {lane.id: lane.name for lane in run.lanes(LaneKind.PROCESS)}
    return {
        named[lane.parent]: lane.id
        for lane in run.lanes(LaneKind.THREAD)
        if lane.name == "MainThread" and lane.parent is not None
    }


def said(run: Run, lane: int, state: str) -> set[tuple[Any, Any]]:
    """(object, library call) of all stays of a lane in a state."""
    return {(detail.get("object"), detail.get("text")) for _t, _end, detail in run.waits(lane, state)}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_whatever_multiprocessing_offers_is_seen(script: Any, method: str) -> None:
    run = observe(script(EVERYTHING), method)
    assert run.end["outcome"] == "finished"
    assert run.output.splitlines() == ["42", "[0, 1, 4, 9]", "25", "{'n': 2} ['word', 'word']"]
    mains = main_threads(run)
    main = mains["script.py"]
    starter = next(lane for name, lane in mains.items() if "forkserver" in name) if method == "forkserver" else main
    workers = [lane for name, lane in mains.items() if "PoolWorker" in name]
    manager = next(name for name in mains if name.startswith("SyncManager"))
    assert len(workers) == 2

    meeting = ("meets a", "meets b")
    assert any(("Barrier barrier", "Barrier.wait") in said(run, mains[name], "lock") for name in ("script.py", *meeting))
    for name in meeting:
        assert {("Event ready", "Event.wait"), ("Condition changed", "Condition.wait")} <= said(run, mains[name], "lock")
    assert {
        ("JoinableQueue jobs", "JoinableQueue.join"),
        ("Semaphore done", None),
        ("Pool pool", "Pool.map"),
        ("ApplyResult result", "ApplyResult.get"),
    } <= said(run, main, "lock")
    paths = [{name for name, _text in said(run, mains[f"shares {n}"], "connect")} for n in "ab"]
    assert all("/listener-" in path for path in paths[0] | paths[1])
    assert paths[0] == paths[1] != set()

    processes = {lane.id: lane.name for lane in run.lanes(LaneKind.PROCESS)}
    spawned = {
        processes[flow[3]]: processes[flow[1]] for flow in run.json["flows"] if flow[4] == "spawn" and flow[3] in processes
    }
    joins = {(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "join"}
    named = {lane: name for name, lane in mains.items()}
    for name in ("meets a", "meets b", "consumer", "writer", "shares a", "shares b", manager):
        assert spawned[name] == named[starter], name
        assert (mains[name], starter) in joins, name
    wakes = {(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "wake"}
    assert {(mains["writer"], main), (mains["consumer"], main)} <= wakes
    messages = {(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "message"}
    own = threads(run)
    feeder, tasks, results = (next(own[name] for name in own if word in name) for word in ("Feeder", "_tasks", "_results"))
    assert {to for lane, to in messages if lane == feeder} == {mains["consumer"]}
    takers = {to for lane, to in messages if lane == tasks} - {results}
    givers = {lane for lane, to in messages if to == results} - {tasks}
    assert set() < givers <= takers <= set(workers)

    mine = {"BaseContext.Pool", "BaseContext.Manager", "BaseProcess.start"}  # the starter's doing, wherever a fork was made
    for lane in (*workers, *(mains[name] for name in (*meeting, "shares a", "shares b", manager))):
        assert not mine & {detail.get("text") for _t, _state, detail in run.states(lane)}


def test_short_lived_children_lead_to_who_waited_for_them(script: Any) -> None:
    run = observe(
        script("""
import os, time
for n in range(40):
    pid = os.fork()
    if not pid: time.sleep(0.001 * (n % 4)); os._exit(0)
    os.waitpid(pid, 0)
""")
    )
    (main, *children) = [lane.id for lane in run.lanes(LaneKind.THREAD)]
    assert len(children) == 40
    assert sorted(flow[1] for flow in run.json["flows"] if flow[4] == "join" and flow[3] == main) == children


@EACH_PYTHON
def test_processes_know_who_has_their_lock_and_who_let_it_go(script: Any, python: str) -> None:
    run = observe_with(
        python,
        script("""
import multiprocessing, sys, time
def holds(lock, ready):
    with lock: ready.set(); time.sleep(0.1)
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        lock, ready = context.Lock(), context.Event()
        child = context.Process(target=holds, args=[lock, ready], name=method); child.start()
        ready.wait()
        with lock: pass
        child.join()
"""),
    )
    mains = main_threads(run)
    parent = next(lane.id for lane in run.lanes(LaneKind.THREAD))
    waits = [(t, end, d) for t, end, d in run.waits(parent, "lock") if d.get("object") == "Lock lock" and end - t > LONG_NS]
    assert [detail["holder"] for _t, _end, detail in waits] == [mains["fork"], mains["spawn"]]
    wakes = {(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "wake"}
    joins = [(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "join"]
    for method in ("fork", "spawn"):
        assert (mains[method], parent) in wakes
        assert (mains[method], parent) in joins


def test_a_childs_end_leads_to_who_waited_for_it(script: Any) -> None:
    run = observe(
        script("""
import subprocess, sys, threading
def waits(): subprocess.run([sys.executable, "-c", "import time; time.sleep(0.05)"])
thread = threading.Thread(target=waits, name="waits"); thread.start(); thread.join()
""")
    )
    child = next(lane for lane in run.lanes(LaneKind.THREAD) if lane.pid != run.lanes(LaneKind.PROCESS)[0].pid)
    waiter = threads(run)["waits"]
    (arrow,) = [flow for flow in run.json["flows"] if flow[4] == "join" and flow[3] == waiter]
    assert arrow[1] == child.id
    wait = next(wait for wait in run.waits(waiter, "child") if wait[1] - wait[0] > LONG_NS)
    assert wait[0] < arrow[0] <= wait[1]
    assert wait[2]["pid"] == child.pid


def test_what_one_process_writes_leads_to_who_read_it(script: Any) -> None:
    run = observe(
        script("""
import multiprocessing, time
def child(jobs, results, one_way):
    for _ in range(5): results.send_bytes(jobs.get())
    one_way.send_bytes(b"last")
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    jobs, (ours, theirs), (reads, writes) = context.Queue(), context.Pipe(), context.Pipe(duplex=False)
    process = context.Process(target=child, args=[jobs, theirs, writes], name="child"); process.start()
    for n in range(5):
        time.sleep(0.01); jobs.put(b"x" * n); ours.recv_bytes()
    reads.recv_bytes()
    process.join()
""")
    )
    mains = main_threads(run)
    named = {lane: name for name, lane in mains.items()} | {threads(run)["QueueFeederThread"]: "feeder"}
    messages = [flow for flow in run.json["flows"] if flow[4] == "message"]
    pairs = [(named[flow[1]], named[flow[3]]) for flow in messages]
    # a queue's and a connection's message is a length and the bytes, read one after the other
    assert pairs.count(("feeder", "child")) == 10
    assert pairs.count(("child", "script.py")) == 12 - 1  # an empty one has no bytes to read
    assert set(pairs) == {("feeder", "child"), ("child", "script.py")}
    assert all(flow[0] <= flow[2] for flow in messages)
    child_reads = [end for _t, end, d in run.waits(mains["child"], "copy") if d.get("text") == "Queue.get"]
    assert {flow[2] for flow in messages if named[flow[1]] == "feeder"} <= set(child_reads)
