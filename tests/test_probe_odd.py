"""Programs at the edges of what an operating system and an interpreter allow: observed, they do what they would unobserved."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe, rings
from app.recorder.rings import Ring, RingFolder
from tests.observed import Run, observe, same_anywhere, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))

SUBINTERPRETER = """
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
import asyncio
other = interpreters.create()
code = '''
import asyncio
async def f():
    await asyncio.sleep(0.01); return "other"
print(asyncio.run(f()), flush=True)
'''
interpreters.run_string(other, code)
async def f():
    await asyncio.sleep(0.01); return "own"
print(asyncio.run(f()))
interpreters.destroy(other)
"""
CONTEXT = """
import asyncio, contextvars
async def f(): pass
loop, context = asyncio.new_event_loop(), contextvars.copy_context()
def inside():
    task = loop.create_task(f(), context=context)
    loop.call_later(0.05, loop.stop); loop.run_forever(); print(task.done())
context.run(inside)
loop.close()
"""
CANCELLED = """
import ctypes, time
libc, thread, given = ctypes.CDLL(None), ctypes.c_ulong(), ctypes.c_void_p()
libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.sleep, ctypes.c_void_p), ctypes.c_void_p(30))
time.sleep(0.05)
print(libc.pthread_cancel(thread), libc.pthread_join(thread, ctypes.byref(given)), given.value)
"""
DAEMONS = """
import socket, threading, time
def reads():
    a, b = socket.socketpair(); a.settimeout(0.0001)
    while True:
        try: a.recv(1)
        except OSError: pass
for _ in range(8): threading.Thread(target=reads, daemon=True).start()
time.sleep(0.1); print("end")
"""
FILE_LIMIT = """
import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
print(subprocess.call([sys.executable, "-c", "pass"]))
pid = os.fork()
if not pid: os._exit(4)
print(os.waitpid(pid, 0)[1])
"""
FORKS_IN_THREAD = """
import os, threading
def work():
    pid = os.fork()
    if pid: print(os.waitpid(pid, 0)[1])
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
SEGFAULT = """
import faulthandler, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
faulthandler.enable(); faulthandler._sigsegv()
"""
PENDING = """
import asyncio, gc
async def never(): await asyncio.get_running_loop().create_future()
async def main():
    for n in range(3):
        task = asyncio.create_task(never(), name=f"never {n}"); await asyncio.sleep(0)
        del task; gc.collect(); print("collected", n, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("mode", [[], ["-X", "dev"]], ids=["plain", "dev"])
@pytest.mark.parametrize(
    "source",
    [SUBINTERPRETER, CONTEXT, CANCELLED, DAEMONS, FILE_LIMIT, FORKS_IN_THREAD, SEGFAULT, PENDING],
    ids=["subinterpreter", "context", "cancelled", "daemons", "file-limit", "fork-in-thread", "segfault", "pending"],
)
def test_odd_programs_say_and_end_as_they_would_unobserved(script: Any, source: str, mode: list[str]) -> None:
    path = script(source)
    bare = subprocess.run([sys.executable, *mode, "-u", str(path)], capture_output=True, check=False)
    if bare.returncode < 0 and source is not SEGFAULT:
        pytest.skip("this interpreter crashes by itself")  # CPython 3.12.1 in development mode, when a subinterpreter ends
    run = observe(path, python=[sys.executable, *mode, "-u"])
    assert (run.end["exit_code"], -(run.end["signal"] or 0)) in ((bare.returncode, 0), (None, bare.returncode))
    assert sorted(same_anywhere(run.output).splitlines()) == sorted(
        same_anywhere((bare.stdout + bare.stderr).decode()).splitlines()
    )
    assert run.end["dropped"] == 0


def states(run: Run, kind: LaneKind) -> list[list[str]]:
    return [[state for _t, state, _detail in run.states(lane.id)] for lane in run.lanes(kind)]


def test_a_child_that_could_not_be_started_leaves_nothing_on_its_parents_lane(script: Any) -> None:
    run = observe(
        script("""
import subprocess
for _ in range(3):
    try: subprocess.Popen(["/nonexistent"])
    except FileNotFoundError: pass
""")
    )
    assert states(run, LaneKind.PROCESS) == [["running", "finished"]]
    (main,) = run.lanes(LaneKind.THREAD)
    assert not [detail for _t, _end, detail in run.waits(main.id, "pipe") if detail.get("text") == "_fork_exec"]


def test_to_look_for_a_library_is_not_yet_to_import_it(script: Any) -> None:
    run = observe(
        script("""
import importlib.util
importlib.util.find_spec("asyncio")
import asyncio
asyncio.run(asyncio.sleep(0))
""")
    )
    assert run.lanes(LaneKind.TASK)


def test_a_task_that_is_collected_while_it_waits_ends_then_and_wakes_nobody(script: Any) -> None:
    run = observe(script(PENDING))
    collected = [t for t, _lane, _kind, text in run.json["marks"] if text.startswith("collected")]
    lanes = [lane for lane in run.lanes(LaneKind.TASK) if lane.name.startswith("never")]
    for lane, seen in zip(lanes, collected, strict=True):
        assert [state for _t, state, _detail in run.states(lane.id)] == ["ready", "running", "waiting", "killed"]
        assert run.states(lane.id)[-1][0] <= seen
    assert not [flow for flow in run.json["flows"] if flow[4] == "wake" and flow[3] in [lane.id for lane in lanes]]


def test_a_greenlet_that_is_never_started_ends_when_it_is_collected(script: Any) -> None:
    run = observe(
        script("""
import greenlet
for n in range(3):
    greenlet.greenlet(print); print(n, flush=True)
""")
    )
    seen = [t for t, _lane, _kind, _text in run.json["marks"]]
    lanes = run.lanes(LaneKind.GREENLET)
    assert states(run, LaneKind.GREENLET) == [["starting", "killed"]] * 3
    assert all(run.states(lane.id)[-1][0] <= t for lane, t in zip(lanes, seen, strict=True))


def test_each_loop_has_its_lane_and_it_ends_when_it_is_closed(script: Any) -> None:
    run = observe(
        script("""
import asyncio, time
for n in range(3): asyncio.run(asyncio.sleep(0)); print(n, flush=True)
""")
    )
    seen = [t for t, _lane, _kind, _text in run.json["marks"]]
    assert [run.states(lane.id)[-1][0] <= t for lane, t in zip(run.lanes(LaneKind.LOOP), seen, strict=True)] == [True] * 3


def test_main_greenlets_of_later_threads_are_those_threads(script: Any) -> None:
    run = observe(
        script("""
import greenlet, threading
def work(n):
    greenlet.greenlet(int).switch(); print(f"of {n}", flush=True)
for n in range(20):
    thread = threading.Thread(target=work, args=[n], name=f"thread {n}"); thread.start(); thread.join()
""")
    )
    named = {lane.id: lane.name for lane in run.lanes(LaneKind.THREAD)}
    assert [named[lane] for lane, _text in run.marks()] == [f"thread {n}" for n in range(20)]


def test_a_fork_is_called_as_its_parent_is(script: Any) -> None:
    run = observe(
        script("import os\nfor _ in range(20):\n  pid = os.fork()\n  if not pid: os._exit(0)\n  os.waitpid(pid, 0)"),
    )
    assert {lane.name for lane in run.lanes(LaneKind.PROCESS)} == {"script.py"}


def test_processes_beyond_what_is_read_are_counted(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "MAX_RINGS", 5)
    run = observe(script("import os\nfor _ in range(10):\n  p = os.fork()\n  if not p: os._exit(0)\n  os.waitpid(p, 0)"))
    assert (run.end["processes"], run.end["unobserved_processes"]) == (5, 6)


def test_a_run_does_not_wait_for_children_that_live_on(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = RingFolder.new_rings

    def counted(folder: RingFolder) -> list[Ring]:
        looks.append(1)
        return look(folder)

    monkeypatch.setattr(RingFolder, "new_rings", counted)
    run = observe(
        script("""
import subprocess, sys, time
code = "import time; print(1, flush=True); time.sleep(2)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
child.stdout.readline()
""")
    )
    assert run.end["exit_code"] == 0
    assert len(looks) < 5_000


@pytest.mark.parametrize("library", ["greenlet", "asyncio", "threading"])
def test_no_code_of_the_script_is_run_to_find_out_what_it_does(script: Any, library: str) -> None:
    path = script("""
import asyncio, sys, threading
asked = []
class Meets(Exception):
    def __str__(self): asked.append("str"); return "met"
class Callable:
    def __getattr__(self, name): asked.append(name); raise AttributeError(name)
    def __call__(self): raise Meets
if sys.argv[1] == "greenlet":
    import greenlet
    class Own(greenlet.greenlet):
        def __getattribute__(self, name): asked.append(name); return super().__getattribute__(name)
        @property
        def value(self): asked.append("value")
        @property
        def exception(self): asked.append("exception")
        def run(self): pass
    Own().switch()
    try: greenlet.greenlet(Callable()).switch()
    except Meets: pass
elif sys.argv[1] == "asyncio":
    async def fails(): raise Meets
    class Own(asyncio.Task):
        def get_name(self): asked.append("name"); return super().get_name()
        def get_loop(self): asked.append("loop"); return super().get_loop()
        def get_coro(self): asked.append("coro"); return super().get_coro()
    async def main():
        asyncio.get_running_loop().set_task_factory(lambda loop, coro, **kw: Own(coro, loop=loop, **kw))
        await asyncio.gather(fails(), return_exceptions=True)
    asyncio.run(main())
else:
    threading.excepthook = lambda args: None
    thread = threading.Thread(target=Callable(), name="x"); thread.start(); thread.join()
print(asked)
""")
    bare = subprocess.run([sys.executable, str(path), library], capture_output=True, check=True)
    run = observe(path, library)
    assert run.output == bare.stdout.decode()
    if library != "greenlet":
        assert [mark[3].partition(" (")[0] for mark in run.json["marks"] if mark[2] == "exception"] == ["Meets"]


def test_children_begin_when_they_were_forked(script: Any) -> None:
    run = observe(
        script("""
import os, time
forked = []
for _ in range(6):
    before = time.monotonic_ns(); pid = os.fork()
    if not pid: time.sleep(0.01); os._exit(0)
    forked.append((pid, before, time.monotonic_ns()))
for pid, *_ in forked: os.waitpid(pid, 0)
for row in forked: print(*row)
""")
    )
    forked = [tuple(map(int, line.split())) for line in run.output.splitlines()]
    begun = {lane.pid: lane.t_ns for lane in run.lanes(LaneKind.PROCESS)[1:]}
    assert sorted(begun, key=lambda pid: begun[pid]) == [pid for pid, _before, _after in forked]
    assert all(before <= begun[pid] <= after for pid, before, after in forked)


@pytest.mark.parametrize("own", ["", "sys.excepthook = lambda *seen: None"])
def test_an_exception_that_nobody_caught_ends_the_main_thread_with_a_tick(script: Any, own: str) -> None:
    run = observe(script(f"import sys\n{own}\ndef inner():\n    raise ValueError('deep')\ninner()"))
    main = run.lanes(LaneKind.THREAD)[0].id
    assert [mark[1:] for mark in run.json["marks"] if mark[2] == "exception"] == [
        [main, "exception", "ValueError: deep (script.py:4)"]
    ]
    assert run.end["exit_code"] == 1


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the interpreter keeps its options to itself")
@pytest.mark.parametrize("option", ["-I", "-S", "-E"])
def test_a_python_that_finds_no_hooks_is_observed_without_them_and_says_so(script: Any, option: str) -> None:
    child = (
        "import threading, time; t = threading.Thread(target=time.sleep, args=[0.05]); t.start(); t.join(); time.sleep(0.02)"
    )
    run = observe(script(f"import subprocess, sys\nsubprocess.run([sys.executable, {option!r}, '-c', {child!r}], check=True)"))
    process = run.lanes(LaneKind.PROCESS)[1]
    main, other = [lane.id for lane in run.lanes(LaneKind.THREAD) if lane.parent == process.id]
    assert [text.partition(":")[0] for _t, lane, kind, text in run.json["marks"] if (lane, kind) == (main, "hook")] == [
        f"started with {option}"
    ]
    assert [state for _t, state, _d in run.states(other)][-3:] == ["sleep", "running", "finished"]
    assert {"lock", "sleep"} <= {state for _t, state, _d in run.states(main)}


def test_a_subinterpreter_says_what_is_not_observed_of_it(script: Any) -> None:
    run = observe(script(SUBINTERPRETER))
    main = run.lanes(LaneKind.THREAD)[0].id
    said = [text for _t, lane, kind, text in run.json["marks"] if (lane, kind) == (main, "hook")]
    assert [text.partition(":")[0] for text in said] == ["a subinterpreter"]
