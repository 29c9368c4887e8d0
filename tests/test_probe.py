"""The probe in real processes: what it sees, and what it must leave alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from app.recorder.rings import Ring, RingError, RingFolder
from tests.observed import observe, rings_in, same_anywhere, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


def observed_environment(rings: Path) -> dict[str, str]:
    return {**os.environ, **probe.environment(str(rings), "", {})}


def test_threads_have_names_parents_and_an_end(script: Any) -> None:
    run = observe(
        script("""
import threading
def work(): pass
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(*(t.native_id for t in threads))
""")
    )
    threads = run.lanes(LaneKind.THREAD)
    assert [lane.name for lane in threads] == ["MainThread", "worker 0", "worker 1", "worker 2"]
    assert [lane.tid for lane in threads[1:]] == [int(word) for word in run.output.split()]
    assert {lane.parent for lane in threads} == {run.lanes(LaneKind.PROCESS)[0].id}
    assert all(run.states(lane.id)[-1][1] == "finished" for lane in threads)
    spawned = [flow[3] for flow in run.json["flows"] if flow[4] == "spawn" and flow[1] == threads[0].id]
    assert spawned == [lane.id for lane in threads[1:]]


def test_each_blocking_call_has_its_kind_its_number_and_its_line(script: Any) -> None:
    path = script("""import os, select, socket, subprocess, sys, threading, time
a, b = socket.socketpair()
lock = threading.Lock(); lock.acquire()
release_later = threading.Timer(0.05, lock.release)
time.sleep(0.05)
release_later.start(); lock.acquire()
threading.Timer(0.05, b.send, [b"x"]).start()
a.recv(1)
select.select([a], [], [], 0.05)
select.poll().poll(50)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.05)"])
child.wait()
r, w = os.pipe()
threading.Timer(0.05, os.write, [w, b"x"]).start()
os.read(r, 1)
thread = threading.Thread(target=time.sleep, args=[0.05])
thread.start()
thread.join()
""")
    run = observe(path)
    main = run.lanes(LaneKind.THREAD)[0]
    lasting = [
        (state, detail)
        for state in ("sleep", "lock", "read", "poll", "child", "pipe")
        for t, end, detail in run.waits(main.id, state)
        if end - t > 20_000_000
    ]
    at = {(state, detail["line"]): detail for state, detail in lasting if "line" in detail}
    assert {
        ("sleep", 5),
        ("lock", 6),
        ("read", 8),
        ("poll", 9),
        ("poll", 10),
        ("child", 12),
        ("pipe", 15),
        ("lock", 18),
    } <= set(at)
    assert 40_000_000 < at["sleep", 5]["delay_ns"] <= 50_000_000
    assert at["read", 8]["fd"] > 2
    assert at["lock", 18]["text"].startswith("Thread.")
    assert {detail["file"] for detail in at.values()} == {str(path)}


def test_a_child_killed_keeps_its_events_up_to_the_kill(script: Any) -> None:
    run = observe(
        script("""
import multiprocessing, os, signal, time
def child(ready):
    print("alive", flush=True)
    ready.set()
    time.sleep(60)
if __name__ == "__main__":
    ready = multiprocessing.get_context("fork").Event()
    p = multiprocessing.get_context("fork").Process(target=child, args=[ready], name="the child")
    p.start(); ready.wait()
    while "S" not in open(f"/proc/{p.pid}/stat").read().rpartition(")")[2].split()[0]: pass
    os.kill(p.pid, signal.SIGKILL); p.join()
""")
    )
    process = next(lane for lane in run.lanes(LaneKind.PROCESS) if lane.name == "the child")
    thread = next(lane for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id)
    assert process.parent == run.lanes(LaneKind.PROCESS)[0].id
    assert (thread.id, "alive") in run.marks()
    assert [state for _t, state, _d in run.states(thread.id)][-2:] == ["sleep", "killed"]
    assert run.states(process.id)[-1][1] == "killed"
    assert run.states(run.lanes(LaneKind.PROCESS)[0].id)[-1][1] == "finished"


def test_a_forked_child_numbers_its_own_lanes_and_strings(script: Any) -> None:
    run = observe(
        script("""
import os, threading, time
def work(who):
    time.sleep(0.01); print("done", who, flush=True)
def family(who):
    t = threading.Thread(target=work, args=[who], name=f"of {who}"); t.start(); t.join()
pid = os.fork()
family("child" if pid == 0 else "parent")
if pid: os.waitpid(pid, 0)
""")
    )
    by_lane = {lane.id: lane for lane in run.recording.lanes}
    said = {text: by_lane[lane] for lane, text in run.marks()}
    assert said["done child"].name == "of child"
    assert said["done parent"].name == "of parent"
    assert said["done child"].parent != said["done parent"].parent


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("os._exit", "import os; os._exit(3)"),
        ("exec", "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(3)'])"),
        ("close all", "import os, time; os.closerange(0, 256); time.sleep(0.01); os._exit(3)"),
        ("fork in thread", "import os, threading\ndef f():\n  p = os.fork()\n  os._exit(0) if not p else os.waitpid(p, 0)\nt = threading.Thread(target=f); t.start(); t.join(); raise SystemExit(3)"),
        ("short threads", "import threading\nfor i in range(2000):\n  t = threading.Thread(target=int); t.start(); t.join()\nraise SystemExit(3)"),
        ("signals", "import signal, os, time\nn = 0\ndef h(*a):\n  global n; n += 1\nsignal.signal(signal.SIGALRM, h); signal.setitimer(signal.ITIMER_REAL, .0005, .0005)\nwhile n < 200: time.sleep(0.01)\nsignal.setitimer(signal.ITIMER_REAL, 0)\nraise SystemExit(3)"),
        ("unset", "import os, subprocess, sys\nos.environ.pop('LD_PRELOAD', None)\nraise SystemExit(subprocess.call([sys.executable, '-c', 'raise SystemExit(3)']))"),
        ("syntax error", "raise SystemExit(3) if True else 1 +"),
    ],
)  # fmt: skip
def test_odd_programs_end_as_they_would_unobserved(script: Any, what: str, code: str) -> None:
    path = script(code)
    bare = subprocess.run([sys.executable, str(path)], capture_output=True, check=False)
    run = observe(path)
    assert run.end["exit_code"] == bare.returncode
    assert run.end["signal"] is None
    if what != "close all":
        assert same_anywhere(run.output) == same_anywhere((bare.stdout + bare.stderr).decode())
    for lane in run.lanes(LaneKind.PROCESS):
        assert run.states(lane.id)[-1][1] in ("finished", "failed", "killed"), what


def test_a_script_sees_a_plain_interpreter(script: Any) -> None:
    path = script("import sys, traceback\nprint(sys.argv[1:], sys.path[1:], __name__)\ndef f(): raise ValueError('x')\nf()")
    bare = subprocess.run([sys.executable, str(path), "a", "b"], capture_output=True, check=False)
    run = observe(path, "a", "b")
    assert run.output == (bare.stdout + bare.stderr).decode()


def test_other_programs_are_left_alone(tmp_path: Path) -> None:
    for command in (["/bin/true"], ["/bin/sh", "-c", "echo $((1+1)); ls / > /dev/null"]):
        bare = subprocess.run(command, capture_output=True, check=False)
        seen = subprocess.run(command, capture_output=True, env=observed_environment(tmp_path), check=False)
        assert (seen.returncode, seen.stdout, seen.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    assert rings_in(tmp_path) == []


def test_a_ring_that_nobody_reads_counts_what_it_loses_and_holds_nobody_up(tmp_path: Path) -> None:
    code = "import os\nr, w = os.pipe()\nfor _ in range(160_000): os.write(w, b'x'); os.read(r, 1)"
    subprocess.run([sys.executable, "-c", code], env=observed_environment(tmp_path), check=True)
    (ring,) = open_rings(tmp_path)
    records = ring.drain()
    assert not ring.alive()
    assert len(records) == ring.slots
    assert len(records) + ring.dropped > 4 * 160_000
    assert len(ring.drain()) == 0
    ring.close()


def test_a_ring_without_room_leaves_the_program_unobserved(tmp_path: Path, script: Any) -> None:
    unwritable = tmp_path / "nowhere"
    seen = subprocess.run(
        [sys.executable, "-c", "print(1)"], capture_output=True, env=observed_environment(unwritable), check=True
    )
    assert seen.stdout == b"1\n"


def open_rings(folder: Path) -> list[Ring]:
    fd = os.open(folder, os.O_RDONLY)
    try:
        return RingFolder(fd).new_rings()
    finally:
        os.close(fd)


def make_ring(folder: Path) -> Path:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.001)"], env=observed_environment(folder), check=True)
    (name,) = rings_in(folder)
    return folder / name


def test_hostile_rings_are_bounded_or_refused(tmp_path: Path) -> None:
    path = make_ring(tmp_path)
    good = path.read_bytes()
    head_at, slots_at = 256, 12
    for at, value in ((head_at, 2**63), (head_at, 2**64 - 1), (slots_at, 2**31), (slots_at, 3), (0, 1)):
        data = bytearray(good)
        data[at : at + 8 if at != slots_at else at + 4] = value.to_bytes(8 if at != slots_at else 4, "little")
        path.write_bytes(data)
        try:
            ring = Ring.open(os.open(path, os.O_RDWR))
        except RingError:
            continue
        assert len(ring.drain()) <= ring.slots
        ring.close()
    for size in (0, 100, 5000):
        path.write_bytes(good)
        ring = Ring.open(os.open(path, os.O_RDWR))
        os.truncate(path, size)
        ring.drain()
        assert len(ring.drain()) == 0
        ring.close()


def test_only_regular_rings_are_opened(tmp_path: Path) -> None:
    path = make_ring(tmp_path)
    shutil.copy(path, tmp_path / "elsewhere")
    path.unlink()
    os.symlink(tmp_path / "elsewhere", tmp_path / "1-1.ring")
    os.mkfifo(tmp_path / "2-2.ring")
    os.mkdir(tmp_path / "3-3.ring")
    fd = os.open(tmp_path, os.O_RDONLY)
    folder = RingFolder(fd)
    assert folder.new_rings() == []
    assert folder.refused == 3
    os.close(fd)


def last_states(run: Any, kind: LaneKind) -> dict[str, str]:
    return {lane.name: run.states(lane.id)[-1][1] for lane in run.lanes(kind)}


def test_threads_end_as_they_really_did(script: Any) -> None:
    run = observe(
        script("""
import threading, time
def bad(): raise ValueError("on purpose")
t = threading.Thread(target=bad, name="bad"); t.start(); t.join()
threading.Thread(target=time.sleep, args=[60], name="daemon", daemon=True).start()
threading.Thread(target=int, name="good").start()
time.sleep(0.05)
raise SystemExit(3)
""")
    )
    assert last_states(run, LaneKind.THREAD) == {
        "MainThread": "failed",
        "bad": "failed",
        "daemon": "killed",
        "good": "finished",
    }
    bad = next(lane for lane in run.lanes(LaneKind.THREAD) if lane.name == "bad")
    assert [bad.id, "exception", "ValueError: on purpose (script.py:3)"] in [mark[1:] for mark in run.json["marks"]]


def test_a_process_that_becomes_another_program_has_not_been_killed(script: Any) -> None:
    run = observe(
        script("""
import os, sys
pid = os.fork()
if pid == 0: os.execv(sys.executable, [sys.executable, "-c", "print('other')"])
os.waitpid(pid, 0)
""")
    )
    parent, child, other = run.lanes(LaneKind.PROCESS)
    assert child.pid == other.pid
    assert {run.states(lane.id)[-1][1] for lane in (parent, child, other)} == {"finished"}


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
    assert last_states(run, LaneKind.GREENLET) == {
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
