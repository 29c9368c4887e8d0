"""The HEADER document of a recording: this machine, the interpreter, the script, and which observers are on."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from app.core.records import FORMAT_VERSION
from app.recorder import probe


@cache
def machine() -> dict[str, Any]:
    """System, kernel, processor and the number of cores this process may use."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def observers(interpreter: Mapping[str, Any], hooks: str | None = None) -> dict[str, str]:
    """Which observer is exact and which is not there, and why, for a script on this interpreter.

    `hooks` says why there is no extension for it ("" when there is one, None: it is the interpreter that runs this). What the
    preloaded library sees needs none: threads, calls, output and the GIL; lines and names come with it.
    """
    free = "a free-threaded interpreter changes them on many threads at once" if interpreter["free_threaded"] else ""
    library = "" if probe.LIBRARY.exists() else f"{probe.LIBRARY.name} is not built (run: make build)"
    extension = library or "".join(probe.missing()[-1:] if hooks is None else [hooks])
    gil = "none: a free-threaded interpreter" if interpreter["free_threaded"] else _said(library)
    return {
        "threads": _said(library),
        "lines": _said(extension),
        "asyncio": _said(extension or free),
        "greenlets": _said(extension or free),
        "output": _said(library),
        "gil": gil,
    }


def _said(why_not: str) -> str:
    return f"unavailable: {why_not}" if why_not else "exact"


def document(
    *,
    script_path: str,
    source: str,
    interpreter: Mapping[str, Any],
    hooks: str | None = None,
    argv: Sequence[str] = (),
    experiment: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The HEADER document; `script_path` is the script as the observed process sees it, `hooks` as in `observers`. `t0_ns` is
    filled in by the session."""
    return {
        "format": "schedscope",
        "version": FORMAT_VERSION,
        "clock": "CLOCK_MONOTONIC",
        "created_s": time.time(),
        "machine": machine(),
        "interpreter": dict(interpreter),
        "script": {
            "path": script_path,
            "name": os.path.basename(script_path),
            "sha256": hashlib.sha256(source.encode("utf-8", "replace")).hexdigest(),
            "source": source,
        },
        "experiment": experiment,
        "parameters": dict(parameters or {}),
        "argv": list(argv),
        "observers": observers(interpreter, hooks),
        "limits": dict(limits or {}),
    }


@cache
def interpreter() -> dict[str, Any]:
    """The interpreter this process runs on."""
    return {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
        "free_threaded": not getattr(__import__("sys"), "_is_gil_enabled", lambda: True)(),
    }
