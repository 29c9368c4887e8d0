"""Threads share one process, its PID and its memory; processes have their own."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, needs_probe, parallelism, seen
from tests.observed import observe, script

__all__ = ["script"]
pytestmark = needs_probe


def threads_of(run: Seen, process: Lane) -> list[Lane]:
    return [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]


def test_threads_are_lanes_of_one_process_and_fill_one_list() -> None:
    run = seen("process-vs-thread", variant="threads")
    (process,) = run.lanes(LaneKind.PROCESS)
    main, *workers = run.lanes(LaneKind.THREAD)
    assert [lane.name for lane in workers] == [f"Thread-{n} (append)" for n in (1, 2, 3)]
    assert {(lane.parent, lane.pid) for lane in workers} == {(process.id, process.pid)}
    assert len({lane.tid for lane in workers}) == 3
    # They wake at once and share one buffer of standard output: whoever flushes first also writes what another had put there.
    said = [line for lane in workers for line in run.said(lane)]
    assert sorted(said) == [f"worker {number} in PID {process.pid}: [0, 1, 2]" for number in range(3)]
    assert run.said(main) == [f"Thread: 3 items in the main process, PID {process.pid}"]


def test_processes_have_pids_and_lists_of_their_own() -> None:
    run = seen("process-vs-thread", variant="processes")
    parent, *children = run.lanes(LaneKind.PROCESS)
    assert len(children) == 3
    assert {lane.parent for lane in children} == {parent.id}
    assert len({lane.pid for lane in run.lanes(LaneKind.PROCESS)}) == 4
    for child in children:
        (thread,) = threads_of(run, child)
        assert thread.tid == child.pid
        number = int(child.name.rpartition("-")[2]) - 1
        assert run.said(thread) == [f"worker {number} in PID {child.pid}: [{number}]"]
        assert run.states(child.id)[-1][1:] == ("finished", {"exit_code": 0})
    (main,) = threads_of(run, parent)
    assert run.said(main) == [f"Process: 0 items in the main process, PID {parent.pid}"]


def test_both_are_in_one_picture() -> None:
    run = seen("process-vs-thread")
    parent, *children = run.lanes(LaneKind.PROCESS)
    main, *workers = threads_of(run, parent)
    assert (len(workers), len(children)) == (3, 3)
    assert run.said(main) == [
        f"Thread: 3 items in the main process, PID {parent.pid}",
        f"Process: 0 items in the main process, PID {parent.pid}",
    ]
    started = {(main.id, lane.id) for lane in workers} | {(parent.id, lane.id) for lane in children}
    assert sorted(run.arrows("spawn")) == sorted(started)


@pytest.mark.parametrize("variant", ["threads", "processes"])
def test_their_waits_overlap(variant: str) -> None:
    run = seen("process-vs-thread", variant=variant)
    _main, *workers = run.lanes(LaneKind.THREAD)
    assert parallelism(span for lane in workers for span in run.stays(lane, "sleep")) > 2
    assert parallelism(map(run.life, workers)) > 2


@pytest.mark.parametrize("way", ["plain"], indirect=True)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_killed_child_keeps_what_it_did_until_then(script: Any, method: str) -> None:
    run = observe(
        script(f"""
import multiprocessing, os, signal, threading, time
def rest():
    time.sleep(60)
def child(ready):
    print("alive", flush=True)
    threading.Thread(target=rest, daemon=True).start()
    ready.set()
    while True: pass
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    ready = context.Event()
    p = context.Process(target=child, args=[ready], name="the child")
    p.start(); ready.wait()
    os.kill(p.pid, signal.SIGKILL); p.join()
    print(p.pid, p.exitcode)
""")
    )
    pid, code = run.output.splitlines()[-1].split()
    assert code == "-9"
    (process,) = [lane for lane in run.lanes(LaneKind.PROCESS) if lane.pid == int(pid)]
    main, other = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
    assert (main.id, "alive") in run.marks()
    assert "rest" in other.name
    for lane in (process, main, other):
        assert run.states(lane.id)[-1][1] == "killed"
    assert run.states(run.lanes(LaneKind.PROCESS)[0].id)[-1][1:] == ("finished", {"exit_code": 0})
