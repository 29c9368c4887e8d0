"""Programs that do what observers dread: observed they say and end as they would by themselves, and no lane says what was not so."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests import truths
from tests.observed import Run, observe, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))

_SPINS = """
import os, signal, sys, threading, time
def spins(n=200_000):
    while n: n -= 1
def runs(*works):
    threads = [threading.Thread(target=work) for work in works]
    for t in threads: t.start()
    for t in threads: t.join()
"""
HOSTILE = {
    "signal-storm": """
heard = []
signal.signal(signal.SIGALRM, lambda *_: heard.append(1)); signal.signal(signal.SIGUSR1, lambda *_: heard.append(2))
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
def sends():
    for _ in range(2000): os.kill(os.getpid(), signal.SIGUSR1)
runs(spins, spins, sends)
time.sleep(0.05); signal.setitimer(signal.ITIMER_REAL, 0)
print(1 in heard, 2 in heard)
""",
    "switch-interval": "sys.setswitchinterval(1e-6)\nruns(*[spins] * 4)\nprint('done')",
    "close-all": """
os.closerange(3, 4096)
runs(spins, spins)
pid = os.fork()
if not pid: os.closerange(3, 4096); runs(spins); os._exit(6)
print(os.waitpid(pid, 0)[1])
""",
    "no-preload": """
import subprocess
os.environ.pop("LD_PRELOAD", None)
print(subprocess.run([sys.executable, "-c", "print(5)"], capture_output=True).stdout)
runs(spins)
""",
    "exit-in-a-thread": """
threading.Thread(target=spins, daemon=True).start()
def leaves(): print("leaves", flush=True); os._exit(3)
runs(leaves, spins)
""",
    "exec-in-a-thread": """
def becomes(): os.execv(sys.executable, [sys.executable, "-c", "import sys; print('another'); sys.exit(7)"])
runs(spins, becomes)
""",
    "fork-in-threads": """
def forks():
    pid = os.fork()
    if not pid: spins(); os._exit(0)
    os.write(1, b"%d\\n" % os.waitpid(pid, 0)[1])  # in one piece
runs(*[forks] * 8, spins)
""",
}


def bare(path: Path) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-W", "ignore", path], capture_output=True, text=True, check=False)
    return done.returncode, sorted((done.stdout + done.stderr).splitlines())


@pytest.mark.parametrize("what", HOSTILE)
def test_what_observers_dread_goes_as_it_would_unobserved_and_every_truth_holds(script: Any, what: str) -> None:
    path = script(_SPINS + HOSTILE[what])
    run = observe(path, python=[sys.executable, "-W", "ignore"])
    assert (run.end["exit_code"], sorted(run.output.splitlines())) == bare(path)
    assert run.end["dropped"] == 0
    truths.everything(run)


def test_two_thousand_short_threads_have_each_a_lane_with_an_end(script: Any) -> None:
    run = observe(
        script("""
import threading
for _ in range(40):
    threads = [threading.Thread(target=int) for _ in range(50)]
    for t in threads: t.start()
    for t in threads: t.join()
""")
    )
    threads = run.lanes(LaneKind.THREAD)
    ends = {lane: state for _t, lane, state, _detail in run.json["states"]}
    assert len(threads) == 2001
    assert {ends[lane.id] for lane in threads} == {"finished"}
    assert (run.end["exit_code"], run.end["dropped"]) == (0, 0)
    truths.lives_are_covered(run)


def test_a_fork_bomb_within_limits_is_a_tree_of_processes(script: Any) -> None:
    run = observe(
        script("""
import os
for _ in range(6): os.fork()
while True:
    try: os.wait()
    except ChildProcessError: break
""")
    )
    assert run.end["exit_code"] == 0
    assert run.end["processes"] + run.end["unobserved_processes"] == 64
    assert run.end["unobserved_processes"] == run.end["dropped"] == 0
    parents = {lane.parent for lane in run.lanes(LaneKind.PROCESS)}
    assert len(parents) == 33  # the machine, and every process that forked: half of them
    truths.everything(run)


EXTENSION = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <time.h>
static void works(long ms)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += ms * 1000000; end.tv_sec += end.tv_nsec / 1000000000; end.tv_nsec %= 1000000000;
    do clock_gettime(CLOCK_MONOTONIC, &now); while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}
static void *foreign(void *callback)
{
    for (int n = 0; n < 5; n++) {
        works(4);
        PyGILState_STATE state = PyGILState_Ensure();
        Py_XDECREF(PyObject_CallNoArgs(callback));
        works(6);
        PyGILState_Release(state);
    }
    return NULL;
}
static PyObject *run(PyObject *module, PyObject *callback)
{
    pthread_t thread;
    pthread_create(&thread, NULL, foreign, callback);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    works(20);
    PyThreadState *save = PyEval_SaveThread();
    works(20);
    PyEval_RestoreThread(save);
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"run", run, METH_O, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "takes_itself", NULL, -1, methods};
PyMODINIT_FUNC PyInit_takes_itself(void) { return PyModule_Create(&module); }
"""


def test_an_extension_that_takes_and_releases_the_gil_itself_is_seen_to_do_so(script: Any, tmp_path: Path) -> None:
    source = tmp_path / "takes_itself.c"
    source.write_text(EXTENSION)
    include = sysconfig.get_paths()["include"]
    words = ["cc", "-O1", "-shared", "-fPIC", f"-I{include}", "-o", str(tmp_path / "takes_itself.so"), str(source), "-lpthread"]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no C compiler, or no headers of this interpreter")
    run = observe(
        script("import threading, takes_itself\ntakes_itself.run(lambda: print(threading.get_native_id(), flush=True))")
    )
    assert run.end["exit_code"] == 0, run.output
    truths.everything(run)
    main, foreign = run.lanes(LaneKind.THREAD)
    assert run.output.split() == [str(foreign.tid)] * 5
    takes = [spans for spans in _held(run, foreign.tid) if spans[1] - spans[0] > 5_000_000]
    assert len(takes) == 5, "each of its holds worked for 6 ms"
    free = [end - begin for begin, end in truths.spans_of(run, foreign.id, "no-gil") + _starts(run, foreign.id)]
    assert sum(ns > 3_000_000 for ns in free) >= 4, "it worked for 4 ms without the GIL before each"
    assert max(end - begin for begin, end in truths.spans_of(run, main.id, "no-gil")) > 15_000_000
    assert max(end - begin for begin, end in truths.spans_of(run, main.id, "running")) > 15_000_000


def _held(run: Run, tid: int) -> truths.Spans:
    (gil,) = run.lanes(LaneKind.GIL)
    holders = {t: holder for t, state, holder in run.states(gil.id) if state == "held"}
    return [span for span in truths.spans_of(run, gil.id, "held") if holders[span[0]] == tid]


def _starts(run: Run, lane: int) -> truths.Spans:
    """What it did before it took the GIL for the first time."""
    rows = run.states(lane)
    return [(rows[0][0], rows[1][0])]
