"""What must hold on every recording, whatever ran, each as one function that asserts it; and programs made at random to try it."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise
from typing import Any

from app.core.records import LaneKind
from tests.observed import Run

Spans = list[tuple[int, int]]
ENDS = ("finished", "failed", "cancelled", "killed")


def overlap_ns(spans: Spans) -> int:
    """How long two of them hold at once."""
    ordered = sorted(spans)
    return sum(max(0, before[1] - after[0]) for before, after in pairwise(ordered))


def common_ns(one: Spans, other: Spans) -> int:
    """How long one of each holds at once; neither overlaps itself."""
    return overlap_ns(one + other)


def spans_of(run: Run, lane: int, state: str) -> Spans:
    """Every stay of a lane in a state."""
    return [(begin, end) for begin, end, _detail in run.waits(lane, state)]


def lives_are_covered(run: Run) -> None:
    """States of each thread, strip and process begin with its lane, follow each other without a step back and end once, last."""
    by_lane: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for t, lane, state, _detail in run.json["states"]:
        by_lane[lane].append((t, state))
    for lane in run.recording.lanes:
        times = [t for t, _state in by_lane[lane.id]]
        assert times == sorted(times), lane
        if lane.kind not in (LaneKind.THREAD, LaneKind.PROCESS, LaneKind.CPU):
            continue
        assert times[0] == lane.t_ns, f"{lane} begins in no state"
        states = [state for _t, state in by_lane[lane.id]]
        # To become another program is a process's end, taken back where it did not succeed (a search along PATH).
        ended = [
            state in ENDS and not (lane.kind is LaneKind.PROCESS and after == "running")
            for state, after in zip(states, [*states[1:], ""], strict=True)
        ]
        assert ended == [False] * (len(ended) - 1) + [True], lane
        stays = sum(after - before for before, after in pairwise(times))
        assert stays == times[-1] - lane.t_ns, lane


def nobody_shares_a_gil(run: Run) -> None:
    """Threads of a process never run Python at once, and its GIL is let go by whoever held it before another has it."""
    for process in run.lanes(LaneKind.PROCESS):
        threads = [lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
        gils = [lane for lane in run.lanes(LaneKind.GIL) if lane.parent == process.id]
        if gils:
            assert overlap_ns([span for lane in threads for span in spans_of(run, lane.id, "running")]) == 0, process
        for gil in gils:
            rows = [(state, tid) for _t, state, tid in run.states(gil.id)]
            for before, after in pairwise(rows):
                assert before[0] != "held" or after[0] != "held" or before[1] == after[1], f"{before} then {after}"


def threads_and_their_gil_agree(run: Run) -> None:
    """Who runs Python holds the GIL meanwhile."""
    tids = {(lane.parent, lane.tid): lane for lane in run.lanes(LaneKind.THREAD)}  # exec keeps the numbers
    for gil in run.lanes(LaneKind.GIL):
        holders = {t: tid for t, state, tid in run.states(gil.id) if state == "held"}
        held: dict[Any, Spans] = defaultdict(list)
        for begin, end in spans_of(run, gil.id, "held"):
            held[holders[begin]].append((begin, end))
        for tid, spans in held.items():
            running = [span for span in spans_of(run, tids[gil.parent, tid].id, "running") if span[0] >= gil.t_ns]
            ran_ns = sum(end - begin for begin, end in running)
            assert common_ns(spans, running) >= ran_ns * 0.98, f"{tid} ran Python without the GIL"


def nobody_shares_a_core(run: Run) -> None:
    """Two threads are never on one core at once, and the core's own lane says the same of whom it had."""
    by_core: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
    for strip in run.lanes(LaneKind.CPU):
        for begin, end, detail in run.waits(strip.id, "running"):
            if "core" in detail:
                by_core[detail["core"]].append((begin, end, strip.tid))
    named = {int(lane.name.removeprefix("core ")): lane for lane in run.lanes(LaneKind.CORE)}
    for core, stays in by_core.items():
        assert overlap_ns([(begin, end) for begin, end, _tid in stays]) == 0, f"core {core}"
        holders = {t: tid for t, state, tid in run.states(named[int(core)].id) if state == "running"}
        assert all(holders.get(begin, tid) == tid for begin, _end, tid in stays), f"core {core}"


def everything(run: Run) -> None:
    """All of it."""
    for truth in (lives_are_covered, nobody_shares_a_gil, threads_and_their_gil_agree, nobody_shares_a_core):
        truth(run)


# --- programs made at random

_HEAD = """
import hashlib, multiprocessing, os, queue, socket, subprocess, sys, threading, time
locks, todo, here, there = [threading.Lock() for _ in range(3)], queue.Queue(), *socket.socketpair()
def spins(n):
    while n: n -= 1
def takes(i, n):
    with locks[i]: spins(n)
def forks(work):
    child = multiprocessing.get_context("fork").Process(target=work); child.start(); child.join()
def runs(*threads):
    threads = [threading.Thread(target=work) for work in threads]
    for t in threads: t.start()
    for t in threads: t.join()
"""
_STEPS = (
    "spins({n})",
    "time.sleep({s})",
    "takes({i}, {n})",
    "[hashlib.sha256(bytes(1 << 18)).digest() for _ in range({i} + 1)]",
    "(todo.put({n}), todo.get())",
    "(here.send(b'x'), there.recv(1))",
    "os.stat('.')",
    "locks[{i}].acquire(timeout={s}) and locks[{i}].release()",
)
_RARE = ("subprocess.run([sys.executable, '-c', 'pass'])", "os.waitpid(os.spawnlp(os.P_NOWAIT, 'true', 'true'), 0)")


def program(seed: int) -> str:
    """A program of some threads and children that spin, sleep, wait for each other and talk; the same for the same seed."""
    made = random.Random(seed)

    def work(name: str, calls: tuple[str, ...] = ()) -> str:
        steps = [
            made.choice(_STEPS).format(n=made.randrange(1, 60_000), s=made.randrange(1, 20) / 1000, i=made.randrange(3))
            for _ in range(made.randrange(2, 9))
        ]
        steps += [made.choice(_RARE)] * (made.random() < 0.2) + list(calls)
        made.shuffle(steps)
        return f"def {name}():\n" + "".join(f"    {step}\n" for step in steps)

    names = [f"work{n}" for n in range(made.randrange(1, 7))]
    body = "".join(work(name) for name in names)
    body += work("child", (f"runs({', '.join(made.sample(names, made.randrange(len(names)) + 1))})",))
    main = [
        f"runs({', '.join(names)})",
        *["forks(child)"] * made.randrange(3),
        f"sys.setswitchinterval({made.choice([1e-6, 5e-3])})",
    ]
    made.shuffle(main)
    return _HEAD + body + "if __name__ == '__main__':\n" + "".join(f"    {step}\n" for step in main)
