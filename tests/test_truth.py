"""What must hold on every recording, whatever ran: nobody shares a GIL or a core, and the sums are the kernel's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.catalogue import read_experiment
from app.core.kernel import SWITCH, KernelLanes, What
from app.core.records import LaneKind, State
from app.core.tables import LaneTable, StringTable
from app.recorder import kernel, probe
from app.recorder.session import Bounds
from tests import truths
from tests.observed import observe, script

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
PING_PONG = """
import os, threading
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # each turn is a switch
there, back = os.pipe(), os.pipe()
def answers():
    for _ in range(20_000): os.write(back[1], os.read(there[0], 1))
thread = threading.Thread(target=answers); thread.start()
for _ in range(20_000): os.write(there[1], b"x"); os.read(back[0], 1)
thread.join()
"""
EXPERIMENTS = sorted((Path(__file__).resolve().parent.parent / "app/experiments").glob("*.py"))
QUICK = ("asyncio_tasks", "gevent_sleep", "gil_cpu", "process_vs_thread", "switch_cost")
"""Of them, those that `make test` runs here as well; it runs all of them in tests/experiments."""
# Says what the kernel has counted for all threads of the process, before the script and after it.
COUNTED = """
import runpy, sys, time
del sys.argv[0]
def say(): print("counted", time.process_time_ns(), flush=True)
if __name__ == "__main__":
    say()
    try: runpy.run_path(sys.argv[0], run_name="__main__")
    finally: say()
"""
SWITCH_NS = 30_000
"""What one switch may take, on a busy machine: the kernel counts it as the time of the thread it switches to, and the record of
its coming is written when it is over (a median of 1 to 7 µs, `make fidelity`)."""


def steal_ticks() -> int:
    """Since boot; what has begun of a tick is not counted (proc_stat(5))."""
    return int(Path("/proc/stat").read_text().split()[8])


@pytest.mark.parametrize("source", [MIXED, STORM], ids=["mixed", "storm"])
def test_what_is_always_true_is_true_of_a_mixed_load_and_of_a_storm(script: Any, source: str) -> None:
    run = observe(script(source))
    assert (run.end["exit_code"], run.end["dropped"]) == (0, 0)
    truths.everything(run)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 40))])
def test_what_is_always_true_is_true_of_programs_made_at_random(script: Any, seed: int) -> None:
    run = observe(script(truths.program(seed)))
    assert (run.end["exit_code"], run.end["dropped"]) == (0, 0), run.output
    truths.everything(run)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path.stem in QUICK else [pytest.mark.slow], id=path.stem) for path in EXPERIMENTS],
)
def test_what_is_always_true_is_true_of_every_experiment_and_its_time_on_cores_is_the_kernels_count(
    script: Any, path: Path
) -> None:
    experiment = read_experiment(path).header
    if "broker" in experiment.requires:
        pytest.skip("needs a broker")
    stolen_ticks = steal_ticks()
    run = observe(script(COUNTED), str(path), bounds=Bounds(wall_s=experiment.time_limit_s))
    # What a hypervisor took away while a thread had its core, a switch does not tell and the kernel's count leaves out.
    stolen_ns = (steal_ticks() - stolen_ticks + 1) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert run.end["dropped"] == 0
    truths.everything(run)
    if run.end["outcome"] != "finished":  # what never ends does not count itself
        return
    if run.recording.header["observers"]["kernel"] != "exact":
        pytest.skip("the kernel does not tell")
    main = run.lanes(LaneKind.THREAD)[0]
    (begin, before), (end, after) = [
        (t, int(text.split()[1])) for t, _lane, _kind, text in sorted(run.json["marks"]) if text.startswith("counted ")
    ]
    on_core_ns, times = 0, 0
    for strip in run.lanes(LaneKind.CPU):
        if strip.pid == main.pid:
            stays = [stay for stay in truths.spans_of(run, strip.id, "running") if stay[0] < end and stay[1] > begin]
            on_core_ns += sum(min(b, end) - max(a, begin) for a, b in stays)
            times += len(stays)
    counted_ns = after - before
    assert -0.02 * counted_ns - times * SWITCH_NS < on_core_ns - counted_ns < 0.02 * counted_ns + stolen_ns


def test_switches_that_were_lost_leave_a_gap_a_mark_and_nobody_on_a_shared_core(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "PAGES", (1,))  # 128 switches
    monkeypatch.setattr("app.recorder.session.DRAIN_S", 0.1)
    run = observe(script(PING_PONG))
    if run.recording.header["observers"]["kernel"] != "exact":
        pytest.skip("the kernel does not tell")
    lost = run.end["switches_lost"]
    assert lost > 0
    said = [text for _t, lane, kind, text in run.json["marks"] if kind == "dropped" and lane == 0]
    assert sum(int(text.split()[0]) for text in said if "switches" in text) == lost
    assert any(state == "unobserved" for lane in run.lanes(LaneKind.CORE) for _t, state, _d in run.states(lane.id)[1:])
    truths.nobody_shares_a_core(run)
    truths.lives_are_covered(run)


def test_a_thread_on_a_core_of_which_records_are_lost_is_unobserved_until_its_next_record() -> None:
    lanes = LaneTable()
    seen = KernelLanes(lanes, StringTable())
    lanes.open(0, 0, LaneKind.PROCESS, 0, 1, 0)
    strips = {tid: seen.open_strip(0, 1, 1, tid) for tid in (10, 11)}
    told = [(1, 10, 0, What.IN), (2, 11, 1, What.IN), (3, 0, 0, What.LOST), (5, 11, 0, What.IN), (6, 10, 1, What.IN)]
    rows = np.concatenate([seen.rows(np.array(part, SWITCH)) for part in (told[:2], told[2:])])
    of = {tid: [State(row["state"]) for row in rows if row["lane"] == strip] for tid, strip in strips.items()}
    assert of[10] == [State.ON_CPU, State.UNOBSERVED, State.ON_CPU]
    assert of[11] == [State.ON_CPU, State.ON_CPU]


def test_switches_of_a_thread_that_was_kept_from_saying_that_it_is_there_are_on_its_strip_later() -> None:
    lanes = LaneTable()
    seen = KernelLanes(lanes, StringTable())
    lanes.open(0, 0, LaneKind.PROCESS, 0, 1, 0)
    told = [
        (1, 10, 0, What.OUT),
        (3, 10, 0, What.IN),
        (5, 10, 0, What.PREEMPTED),
        (105, 10, 0, What.IN),
        (106, 10, 0, What.EXIT),
    ]
    early = seen.rows(np.array(told[:3], SWITCH))
    strip = seen.open_strip(2, 1, 1, 10)
    late = [*seen.rows(np.array(told[3:], SWITCH)), *seen.rows(np.empty(0, SWITCH))]
    assert not [row for row in early if row["lane"] == strip]
    assert [(int(row["t"]), State(row["state"])) for row in late if row["lane"] == strip] == [
        (3, State.ON_CPU),
        (5, State.PREEMPTED),
        (105, State.ON_CPU),
        (106, State.FINISHED),
    ]
