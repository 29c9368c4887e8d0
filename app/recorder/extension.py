"""The extension for other interpreters than the one that runs this: built when one is first asked for, kept in the user's cache.

An observed process looks for it beside the probe first, then in `folder()`, by the suffix its interpreter gives extensions. Without
it the preloaded library still sees threads, calls, output and the GIL.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from app.recorder import probe
from app.recorder.interpreters import Interpreter

_FLAGS = "-std=c11 -D_GNU_SOURCE -fvisibility=hidden -O2 -fPIC -shared -pthread -w".split()
_LONGEST_S = 120


@cache
def folder() -> Path:
    """Where extensions built from the sources as they are now lie, whether there is one yet or not."""
    sources = sorted([*probe.FOLDER.glob("hooks/*.[ch]"), probe.FOLDER / "probe.h"])
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources if path.exists()))
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "schedscope" / f"hooks-{digest.hexdigest()[:16]}"


@cache
def missing(interpreter: Interpreter) -> str:
    """Why there is no extension for this interpreter, "" once there is one: builds it, in some seconds, where it can be built."""
    name = f"_hooks{interpreter.suffix}"
    if not interpreter.suffix:
        return "not a CPython"
    if any((place / name).exists() for place in (probe.FOLDER, folder())):
        return ""
    if not Path(interpreter.include, "Python.h").exists():
        return f"{name} is not built: the headers of {interpreter.python} are not installed"
    try:
        return _build(interpreter, folder() / name)
    except OSError as error:
        return f"{name} is not built: {error.strerror or error}"


def _build(interpreter: Interpreter, target: Path) -> str:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[:1]
    sources = sorted(map(str, probe.FOLDER.glob("hooks/*.c")))
    if not sources:
        return f"{target.name} is not built: its sources are not installed"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as beside:
        fresh = Path(beside) / target.name
        command = [*compiler, *_FLAGS, "-isystem", interpreter.include, "-o", str(fresh), *sources]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
        except FileNotFoundError:
            return f"{target.name} is not built: there is no C compiler ({compiler[0]})"
        except subprocess.TimeoutExpired:
            return f"{target.name} is not built: the compiler took more than {_LONGEST_S} s"
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
            return f"{target.name} could not be built: {first.strip()[:200]}"
        os.replace(fresh, target)  # whole or not at all: another run may want it at this moment
    return ""
