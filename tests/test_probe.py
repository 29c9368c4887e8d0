"""The probe in real processes: what it sees, and what it must leave alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import observe, observed_environment, rings_in, same_anywhere, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


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
    assert run.last_states(LaneKind.THREAD) == {
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
