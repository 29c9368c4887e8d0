#!/usr/bin/env python3
"""Other people's tests, bare and observed: greenlet's, gevent's and CPython's own must not see that they are observed.

    python scripts/behaviour.py [suite …]      one line a suite; every test whose result differs; exit status 1 if there is one

Nothing is downloaded: greenlet and gevent bring their tests along, CPython's `test` package is there where the interpreter was
built from source. What is missing is said and passed over. A test that differs is run twice more each way: one that is shaky
without us as well is named, and does not count. A suite has `LONGEST_S` each way and as long again for what is run again, each
of these `AGAIN_S`; a test that differs after that counts as it is.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record

LONGEST_S, AGAIN_S = 300.0, 60.0
Run = Callable[[list[str], float], int | None]
RUNNER = """
import json, os, sys, unittest
class Result(unittest.TextTestResult):
    seen = {}
    def note(self, test, what): Result.seen.setdefault(test.id(), what)
    def addError(self, test, error): self.note(test, "error"); super().addError(test, error)
    def addFailure(self, test, error): self.note(test, "failure"); super().addFailure(test, error)
    def addSkip(self, test, why): self.note(test, "skipped"); super().addSkip(test, why)
    def addSubTest(self, test, sub, error):
        if error: self.note(test, "failure")
        super().addSubTest(test, sub, error)
    def addSuccess(self, test): self.note(test, "ok"); super().addSuccess(test)
    def stopTest(self, test):
        super().stopTest(test)
        with open(told, "w") as f: json.dump(Result.seen, f)
if __name__ == "__main__":
    told = sys.argv[1]
    suite = unittest.TestSuite()
    for name in sys.argv[2:]:
        suite.addTests(unittest.defaultTestLoader.loadTestsFromName(name))
    unittest.TextTestRunner(resultclass=Result, verbosity=0).run(suite)
"""
# CPython's own modules of these tests are not installed everywhere; what they are made of is.
MODULES = {
    f"observed_{method}.py": "import test._test_multiprocessing\n"
    f"test._test_multiprocessing.install_tests_in_module_dict(globals(), {method!r})\n"
    for method in ("fork", "spawn")
}
_MULTIPROCESSING = [
    f"WithProcessesTest{name}" for name in "Lock Semaphore Condition Event Queue Process Barrier Connection Pool".split()
]
_GREENLET = """contextvars cpp extension_interface gc generator generator_nested greenlet greenlet_trash interpreter_shutdown leaks
stack_saved throw tracing weakref"""
_GEVENT = "greenlet event queue hub threadpool semaphore lock pool timeout core_async core_callback local greenletset socket"
SUITES = {
    "threading": ["test.test_threading", "test.test_thread", "test.test_queue"],
    "signals": ["test.test_signal", "test.test_threadsignals"],
    "processes": ["test.test_subprocess", "test.test_fork1"],
    "asyncio": [
        f"test.test_asyncio.test_{name}" for name in "tasks futures locks queues taskgroups runners base_events".split()
    ],
    "contextvars": ["test.test_context"],
    "selectors": ["test.test_selectors", "test.test_select", "test.test_poll", "test.test_epoll", "test.test_socket"],
    "fork": [f"observed_fork.{name}" for name in _MULTIPROCESSING],
    "spawn": [f"observed_spawn.{name}" for name in _MULTIPROCESSING[:4]],
    "greenlet": [f"greenlet.tests.test_{name}" for name in _GREENLET.split()],
    "gevent": [f"gevent.tests.test__{name}" for name in _GEVENT.split()],
}


def is_here(name: str) -> bool:
    """Whether a test can be loaded at all; said when it cannot."""
    if name.partition(".")[0] + ".py" in MODULES:
        name = "test._test_multiprocessing"
    code = "import sys, unittest; s = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]); sys.exit('_FailedTest' in repr(s))"
    there = subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=False).returncode == 0
    if not there:
        print(f"  not here: {name}")
    return there


def bare(command: list[str], longest_s: float) -> int | None:
    """Runs it as it is; the exit status, None when it took too long."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            process.communicate(timeout=longest_s)
        except subprocess.TimeoutExpired:
            process.kill()  # and its pipe is not read to the end, which a child of its own may hold open
            return None
    return process.returncode


def observed(command: list[str], longest_s: float) -> int | None:
    """Runs it recorded."""
    document = header.document(script_path=command[1], source="", interpreter=header.interpreter())
    end = record(PlainTarget(command), io.BytesIO(), document, Bounds(wall_s=longest_s))
    return None if end["limit"] else -end["signal"] if end["signal"] else end["exit_code"]


def results(run: Run, names: list[str], longest_s: float = LONGEST_S) -> tuple[dict[str, str], int | None]:
    """Each test's result, and how the whole ended."""
    with tempfile.TemporaryDirectory() as folder:
        runner, told = Path(folder) / "runner.py", Path(folder) / "told.json"
        runner.write_text(RUNNER)
        for name, source in MODULES.items():
            (Path(folder) / name).write_text(source)
        status = run([sys.executable, str(runner), str(told), *names], longest_s)
        return (json.loads(told.read_text()) if told.exists() else {}), status


def differing(names: list[str]) -> tuple[int, list[str]]:
    """How many tests ran, and those that differ each time they are run."""
    (plain, plain_end), (seen, seen_end) = results(bare, names), results(observed, names)
    lines = [] if plain_end == seen_end else [f"the suite ended with {plain_end} bare, with {seen_end} observed"]
    until_s = time.monotonic() + LONGEST_S
    for test in sorted(plain.keys() | seen.keys()):
        if plain.get(test) == seen.get(test):
            continue
        if plain_end is not None and seen_end is not None and time.monotonic() < until_s:
            again = [tuple(results(run, [test], AGAIN_S)[0].get(test) for run in (bare, observed)) for _ in range(2)]
            if any(a == b for a, b in again):
                print(f"  shaky: {test}: {plain.get(test)} bare, {seen.get(test)} observed, then {again}")
                continue
        lines.append(f"{test}: {plain.get(test)} bare, {seen.get(test)} observed")
    return len(plain), lines


def main(chosen: list[str]) -> int:
    """Compares the chosen suites, or all."""
    os.environ.pop("PYTHONUNBUFFERED", None)
    wrong = 0
    for suite in chosen or SUITES:
        names = [name for name in SUITES[suite] if is_here(name)]
        count, lines = differing(names)
        print(f"{suite}: {count} tests, {len(lines)} differ", flush=True)
        for line in lines:
            print(f"  {line}", flush=True)
        wrong += len(lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
