"""Other interpreters of this machine: what each says of itself, and which of them an experiment asks for.

Asking starts the interpreter once (some 30 ms); what is found is kept for the life of this process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

CHOSEN = "SCHEDSCOPE_FREE_THREADED"
"""The environment variable that names a free-threaded interpreter by its path."""
_NAME = re.compile(r"python3\.(\d+)(?:t|-nogil)$")
"""As CPython installs it (`python3.14t`) and as Ubuntu packages it (`python3.14-nogil`)."""
_ASK = """
import json, platform, sys, sysconfig
paths = sysconfig.get_paths()
print(json.dumps({
    "implementation": platform.python_implementation(), "version": platform.python_version(),
    "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)(),
    "executable": sys.executable, "include": paths["include"],
    "suffix": sysconfig.get_config_var("EXT_SUFFIX") if sys.implementation.name == "cpython" else "",
    "folders": [sys.prefix, sys.base_prefix, *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))],
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter: its path, what the HEADER says of it, the folders it reads from, and what an extension for it needs:
    the end of its file's name ("" where there can be none) and the folder of the headers."""

    python: str
    says: Mapping[str, Any] = field(hash=False)
    folders: tuple[str, ...]
    suffix: str = ""
    include: str = ""

    @property
    def free_threaded(self) -> bool:
        """Whether it has no GIL."""
        return bool(self.says["free_threaded"])


@cache
def ask(python: str) -> Interpreter:
    """What an interpreter says of itself. Raises OSError, or ValueError where it is no Python."""
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "PYTHON_GIL")}
    try:
        answer = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, check=True, timeout=30, env=environment)
        said = dict(json.loads(answer.stdout))
        folders = tuple(map(str, said.pop("folders")))
        suffix, include = str(said.pop("suffix", "") or ""), str(said.pop("include", "") or "")
        return Interpreter(said.pop("executable") or python, said, folders, suffix, include)
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        raise ValueError(f"{python} is not a Python interpreter") from error


@cache
def free_threaded() -> Interpreter | None:
    """The newest free-threaded interpreter of this machine, None where there is none."""
    for python in _candidates():
        try:
            found = ask(python)
        except (OSError, ValueError):
            continue
        if found.free_threaded:
            return found
    return None


def missing(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Which of an experiment's requirements this module knows of and this machine lacks."""
    return tuple(one for one in requires if one == "free-threaded" and free_threaded() is None)


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get(CHOSEN):
        yield chosen
        return
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"]
    found: dict[str, int] = {}
    for folder in map(Path, dict.fromkeys(filter(None, folders))):
        for path in sorted(folder.glob("python3.*")):
            if (name := _NAME.fullmatch(path.name)) and os.access(path, os.X_OK):
                found.setdefault(str(path), int(name[1]))
    yield from sorted(found, key=lambda path: -found[path])
    if (python := shutil.which("python3t")) is not None:
        yield python
