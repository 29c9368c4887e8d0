"""What must hold on every recording, whatever ran: nobody shares a GIL or a core, and the sums are the kernel's own."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import Run, observe, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))

MIXED = """
import hashlib, multiprocessing, queue, socket, threading, time
def spins(n=400_000):
    while n: n -= 1
def sleeps():
    for _ in range(20): time.sleep(0.005)
def hashes():
    for _ in range(20): hashlib.sha256(bytes(1 << 20)).digest()
def talks(pair):
    a, b = pair
    for _ in range(200): a.send(b"x"); b.recv(1)
def works():
    threads = [threading.Thread(target=f) for f in (spins, spins, sleeps, hashes)]
    threads.append(threading.Thread(target=talks, args=[socket.socketpair()]))
    for t in threads: t.start()
    for t in threads: t.join()
if __name__ == "__main__":
    print("main", time.thread_time_ns(), flush=True)
    child = multiprocessing.get_context("fork").Process(target=works)
    child.start(); works(); spins(20_000_000); child.join()
    print("main", time.thread_time_ns(), flush=True)
"""
STORM = """
import sys, threading
sys.setswitchinterval(1e-6)
def spins(n=100_000):
    while n: n -= 1
threads = [threading.Thread(target=spins) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
"""
Spans = list[tuple[int, int]]


class Observed(Run):
    """A run, and how long at most a hypervisor kept the cores, all together, from this machine meanwhile."""

    stolen_ns = 0


def steal_ticks() -> int:
    """Since boot; what has begun of a tick is not counted (proc_stat(5))."""
    return int(Path("/proc/stat").read_text().split()[8])


@pytest.fixture(scope="module", params=[MIXED, STORM], ids=["mixed", "storm"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    path = tmp_path_factory.mktemp("truth") / "script.py"
    path.write_text(request.param)
    stolen = steal_ticks()
    recorded = Observed(observe(path).data)
    recorded.stolen_ns = (steal_ticks() - stolen + 1) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert recorded.end["exit_code"] == 0
    assert recorded.end["dropped"] == recorded.end["switches_lost"] == 0
    return recorded


def overlap_ns(spans: Spans) -> int:
    ordered = sorted(spans)
    return sum(max(0, before[1] - after[0]) for before, after in pairwise(ordered))


def spans_of(run: Run, lane: int, state: str) -> Spans:
    return [(begin, end) for begin, end, _detail in run.waits(lane, state)]


def test_states_follow_each_other_without_a_step_back_and_end_once(run: Run) -> None:
    by_lane: dict[int, list[int]] = defaultdict(list)
    for t, lane, _state, _detail in run.json["states"]:
        by_lane[lane].append(t)
    opened = {lane.id: lane.t_ns for lane in run.recording.lanes}
    for lane, times in by_lane.items():
        assert times == sorted(times)
        assert times[0] >= opened[lane]
    for lane in run.lanes(LaneKind.THREAD) + run.lanes(LaneKind.PROCESS):
        ends = [state for _t, state, _d in run.states(lane.id) if state in ("finished", "failed", "killed")]
        assert len(ends) == 1, lane


def test_two_threads_never_run_python_at_once_in_one_process(run: Run) -> None:
    for process in run.lanes(LaneKind.PROCESS):
        threads = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
        running = [span for lane in threads for span in spans_of(run, lane.id, "running")]
        assert overlap_ns(running) == 0


def test_the_gil_lane_and_the_threads_tell_one_story(run: Run) -> None:
    tids = {(lane.pid, lane.tid): lane for lane in run.lanes(LaneKind.THREAD)}
    for gil in run.lanes(LaneKind.GIL):
        held: dict[int, int] = defaultdict(int)
        for begin, end, _detail in run.waits(gil.id, "held"):
            held[next(d for t, s, d in run.states(gil.id) if t == begin and s == "held")] += end - begin
        for tid, held_ns in held.items():
            ran_ns = sum(end - begin for begin, end in spans_of(run, tids[gil.pid, tid].id, "running"))
            assert held_ns >= ran_ns * 0.98, "a thread ran Python for longer than it held the GIL"


def test_two_threads_are_never_on_one_core_at_once(run: Run) -> None:
    by_core: dict[Any, Spans] = defaultdict(list)
    for strip in run.lanes(LaneKind.CPU):
        for begin, end, detail in run.waits(strip.id, "running"):
            if "core" in detail:
                by_core[detail["core"]].append((begin, end))
    for core, spans in by_core.items():
        assert overlap_ns(spans) == 0, f"core {core}"
    if not by_core:
        pytest.skip("the kernel does not tell")


def test_the_time_on_cores_is_the_kernels_own_count(run: Observed) -> None:
    main = run.lanes(LaneKind.THREAD)[0]
    said = [(t, int(text.split()[1])) for t, lane, _kind, text in run.json["marks"] if lane == main.id and text[:4] == "main"]
    if not said or run.recording.header["observers"]["kernel"] != "exact":
        pytest.skip("nothing to compare with")
    (begin, before_ns), (end, after_ns) = said
    on_core_ns = 0
    for core in run.lanes(LaneKind.CORE):
        holders = {t: tid for t, state, tid in run.states(core.id) if state == "running"}
        for t, until in spans_of(run, core.id, "running"):
            if holders[t] == main.tid:
                on_core_ns += max(0, min(until, end) - max(t, begin))
    # What a hypervisor took away while the thread had its core, a switch does not tell and the kernel's count leaves out.
    counted_ns = after_ns - before_ns
    assert -0.02 * counted_ns < on_core_ns - counted_ns < 0.02 * counted_ns + run.stolen_ns
