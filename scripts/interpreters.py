#!/usr/bin/env python3
"""Is the GIL seen truly on other interpreters? Records three spinning threads on each, and threads that go into subinterpreters
with a GIL of their own where there are such, and checks what must hold.

    python -m scripts.interpreters PYTHON …              interpreters that are there
    python -m scripts.interpreters --debian 3.14 3.15    those of Debian's unstable suite, unpacked into --folder

The latter needs apt (not root): packages are downloaded and unpacked, nothing is installed; each interpreter runs on its own C library.
With FOLDER/python3.14/usr/bin on the PATH, tests/test_other_interpreters.py and test_probe_objects.py take it, too.
"""

from __future__ import annotations

import argparse
import io
import os
import stat
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from app.core import recording
from app.core.facts import facts
from app.core.records import LaneKind, State
from app.core.spans import spans_of
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record

SCRIPT = """
import sys, threading, time
def spins(n=2_000_000):
    while n: n -= 1
threads = [threading.Thread(target=spins) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
time.sleep(0.05)
print(sys.version.split()[0], getattr(sys, "_is_gil_enabled", lambda: True)())
"""
OWN = """
import sys, threading, time
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
CODE = "n = 1_500_000\\nwhile n: n -= 1\\nimport time; time.sleep(0.02)"
def works():
    other = interpreters.create()
    interpreters.run_string(other, CODE)
    interpreters.destroy(other)
threads = [threading.Thread(target=works, name="works") for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
print(sys.version.split()[0])
"""
LIBRARIES = "libc6 libexpat1 zlib1g libffi8 libssl3t64 libzstd1 liblzma5 libbz2-1.0"
_WRAPPER = """#!/bin/sh
root={root}
lib=$root/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" --argv0 "$root/usr/bin/python{version}" "$root/usr/bin/real-python{version}" "$@"
"""


def unpack(version: str, suite: str, folder: Path) -> Path:
    """Debian's interpreter of that version, unpacked; a command that runs it."""
    root, lists = folder / f"python{version}", folder / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    root.mkdir(exist_ok=True)
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=True
    ).stdout
    mirror = next(line for line in shown.split() if line.rstrip("/").endswith("/debian"))
    (folder / "sources.list").write_text(f"deb [trusted=yes] {mirror} {suite} main\n")
    options = [f"-oDir::Etc::sourcelist={folder}/sources.list", "-oDir::Etc::sourceparts=-", f"-oDir::State::lists={lists}"]
    options += [f"-oDir::Cache={folder}", "-oAPT::Sandbox::User=root"]
    subprocess.run(["apt-get", *options, "update", "-qq"], check=True)
    parts = [f"libpython{version}{part}" for part in ("-minimal", "-stdlib", "-dev")]
    wanted = [f"python{version}-minimal", *parts, *LIBRARIES.split()]
    subprocess.run(["apt-get", *options, "download", "-qq", *wanted], cwd=root, check=True)
    for package in root.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        package.unlink()
    headers = root / "usr/include" / f"python{version}"
    (root / f"usr/include/x86_64-linux-gnu/python{version}/pyconfig.h").replace(headers / "pyconfig.h")  # it points to this one
    command = root / "usr/bin" / f"python{version}"  # where it finds its library by itself, as under -I
    command.rename(command.with_name(f"real-{command.name}"))
    command.write_text(_WRAPPER.format(root=root, version=version))
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def observed(python: str, source: str, folder: Path) -> tuple[recording.Recording, str]:
    """A run of the source on that interpreter, and what it printed."""
    script = folder / "script.py"
    script.write_text(source)
    out = io.BytesIO()
    document = header.document(script_path=str(script), source=source, interpreter=header.interpreter())
    record(PlainTarget([python, str(script)]), out, document, Bounds())
    run = recording.read([out.getvalue()])
    return run, b"".join(data for _t, _stream, data in run.output).decode().strip()


def check(python: str, folder: Path) -> str:
    """One line: what was seen, or an AssertionError that says what was not."""
    run, said = observed(python, SCRIPT, folder)
    spans = spans_of(run)
    gils = [lane for lane in run.lanes if lane.kind is LaneKind.GIL]
    if said.endswith("False"):
        assert not gils, "a GIL where there is none"
        return f"{said}: free-threaded, no GIL lane"
    assert len(gils) == 1, f"{said}: {len(gils)} GIL lanes"
    running = spans.where(spans.kind == LaneKind.THREAD).in_state(State.RUNNING)
    ordered = sorted(zip(running.begin.tolist(), running.end.tolist(), strict=True))
    assert all(before[1] <= after[0] for before, after in pairwise(ordered)), f"{said}: two threads ran Python at once"
    (gil,) = facts(run)["gils"]
    assert gil["handovers"] > 10, f"{said}: only {gil['handovers']} hand-overs"
    assert gil["utilisation"] > 0.5, f"{said}: held {gil['utilisation']:.0%} of the time"
    return f"{said}: {gil['takes']} takes, {gil['handovers']} hand-overs, held {gil['utilisation']:.0%}, no two at once"


def check_own(python: str, folder: Path) -> str:
    """The same of subinterpreters that have a GIL of their own (CPython 3.12 and newer)."""
    run, said = observed(python, OWN, folder)
    spans = spans_of(run)
    assert said[:2] == "3.", f"the script ended with {run.end and run.end['outcome']}: {said[-200:]}"
    gils = [lane for lane in run.lanes if lane.kind is LaneKind.GIL]
    names = [lane.name for lane in gils]
    assert names in (["GIL"], ["GIL", "GIL 1", "GIL 2"]), f"{said}: GIL lanes {names}"
    without = 0.0
    for worker in [lane for lane in run.lanes if lane.name == "works"]:
        mine = spans.of(worker.id)
        shares = [
            int(mine.in_state(state).length.sum()) / int(mine.length.sum()) for state in (State.RUNNING, State.GIL_RELEASED)
        ]
        assert shares[0] > 3 * shares[1], f"{said}: shown without a GIL for {shares[1]:.0%} of its life, though it held its own"
        without = max(without, shares[1])
    if len(gils) == 1:
        return f"{said}: subinterpreters' own GILs are not observed (no extension), shown without one {without:.1%}"
    held = [int(spans.of(lane.id).in_state(State.GIL_HELD).length.sum()) for lane in gils[1:]]
    assert all(held), f"{said}: a GIL that nobody held"
    ends = [State(int(spans.of(lane.id).state[-1])) for lane in gils[1:]]
    assert ends == [State.FINISHED] * 2, f"{said}: their GILs ended as {ends}"
    return f"{said}: two subinterpreters with a lane each, held {held[0] / 1e6:.0f} and {held[1] / 1e6:.0f} ms, shown without one {without:.1%}"


def has_own(python: str) -> bool:
    """Whether its subinterpreters have a GIL of their own."""
    ask = "import sys; sys.exit(sys.version_info < (3, 12) or not getattr(sys, '_is_gil_enabled', lambda: True)())"
    return subprocess.run([python, "-c", ask], check=False).returncode == 0


def main() -> int:
    """Prints a line an interpreter; 1 when one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--debian", nargs="+", default=[], metavar="VERSION")
    parser.add_argument("--suite", default="unstable")
    parser.add_argument("--folder", type=Path, help="where to unpack (default: a temporary folder)")
    options = parser.parse_args()
    os.environ.pop("PYTHONUNBUFFERED", None)
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = (options.folder or Path(name)).resolve()
        folder.mkdir(exist_ok=True)
        unpacked = [str(unpack(version, options.suite, folder)) for version in options.debian]
        for python in [*options.pythons, *unpacked] or [sys.executable]:
            for looks in (check, check_own) if has_own(python) else (check,):
                try:
                    print(f"yes  {looks(python, Path(name))}", flush=True)
                except AssertionError as error:
                    failed = 1
                    print(f"no   {python}: {error}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
