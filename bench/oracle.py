"""An independent witness of a run, for `make fidelity`: the kernel's tracepoints and uprobes on CPython's own GIL functions.

Root only. Everything goes through a tracefs instance of its own, with the monotonic clock (microseconds), limited to one
process and what it starts (set_event_pid with event-fork). See Documentation/trace/{ftrace,events,uprobetracer}.rst.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

TRACING = Path("/sys/kernel/tracing")
_INSTANCE = TRACING / "instances/schedscope"
_GROUP = "schedscope"
_LINE = re.compile(r"^\s*.+-(\d+)\s+\[(\d+)\]\s+\S+\s+([\d.]+): (\w+): (.*)$")
_SWITCH = re.compile(r"prev_pid=(\d+) prev_prio=\d+ prev_state=(\S+) ==> .* next_pid=(\d+)")

Spans = list[tuple[int, int]]


class UnavailableError(RuntimeError):
    """This machine gives no such witness; the message says what is missing."""


@dataclass
class Testimony:
    """What the kernel saw, per thread id, in nanoseconds of CLOCK_MONOTONIC (whole microseconds)."""

    held: dict[int, Spans] = field(default_factory=lambda: defaultdict(list))
    on_cpu: dict[int, Spans] = field(default_factory=lambda: defaultdict(list))
    off_cpu: dict[int, list[tuple[int, int, bool, int | None]]] = field(default_factory=lambda: defaultdict(list))
    """(begin, end, preempted, number of the system call it was in)."""
    lost: int = 0


def _write(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)


def _define(event: str) -> None:
    """Adds or removes one uprobe; the file takes no seek, so no buffered append."""
    fd = os.open(TRACING / "uprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, event.encode())
    finally:
        os.close(fd)


def _gil_functions() -> tuple[str, int, int]:
    """The file that holds take_gil and drop_gil, and their offsets in it."""
    library = Path(sysconfig.get_config_var("LIBDIR")) / str(sysconfig.get_config_var("INSTSONAME") or "")
    for path in (library, Path(os.path.realpath(sys.executable))):
        if not path.is_file():
            continue
        symbols = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=False).stdout
        found = dict(reversed(line.split()[::2]) for line in symbols.splitlines() if line.endswith((" take_gil", " drop_gil")))
        if len(found) == 2:
            shift = _code_shift(path)
            return str(path), int(found["take_gil"], 16) - shift, int(found["drop_gil"], 16) - shift
    raise UnavailableError("this interpreter has no symbols take_gil and drop_gil")


def _code_shift(path: Path) -> int:
    """Virtual address minus file offset of the segment with code."""
    shown = subprocess.run(["readelf", "-lW", str(path)], capture_output=True, text=True, check=True).stdout
    for line in shown.splitlines():
        words = line.split()
        if words[:1] == ["LOAD"] and "E" in line[line.index(words[5]) + len(words[5]) :]:
            return int(words[2], 16) - int(words[1], 16)
    return 0


class Oracle:
    """Watches one process from `begin(pid)` to `end()`. A context manager that leaves tracefs as it was."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise UnavailableError("needs root")
        if not (TRACING / "trace_clock").exists():
            subprocess.run(["mount", "-t", "tracefs", "tracefs", str(TRACING)], check=False, capture_output=True)
        if not (TRACING / "uprobe_events").exists():
            raise UnavailableError("tracefs with uprobes is not there")
        self._file, self._take, self._drop = _gil_functions()

    def __enter__(self) -> Oracle:
        self.__exit__()
        for kind, name, offset in (("r", "taken", self._take), ("p", "drop", self._drop)):
            _define(f"{kind}:{_GROUP}/{name} {self._file}:0x{offset:x}")
        _INSTANCE.mkdir()
        _write(_INSTANCE / "trace_clock", "mono")
        _write(_INSTANCE / "buffer_size_kb", "65536")
        _write(_INSTANCE / "options/event-fork", "1")
        return self

    def __exit__(self, *_: object) -> None:
        if _INSTANCE.exists():
            _write(_INSTANCE / "tracing_on", "0")
            for event in (f"{_GROUP}/taken", f"{_GROUP}/drop", "sched/sched_switch", "raw_syscalls/sys_enter"):
                enable = _INSTANCE / "events" / event / "enable"
                if enable.exists():
                    _write(enable, "0")
            _INSTANCE.rmdir()
        for name in ("taken", "drop"):
            if (TRACING / f"events/{_GROUP}/{name}").exists():
                _define(f"-:{_GROUP}/{name}")

    def begin(self, pid: int) -> None:
        """From now on this process and all it starts are watched."""
        _write(_INSTANCE / "set_event_pid", str(pid))
        for event in (f"{_GROUP}/taken", f"{_GROUP}/drop", "sched/sched_switch", "raw_syscalls/sys_enter"):
            _write(_INSTANCE / "events" / event / "enable", "1")

    def end(self) -> Testimony:
        """Stops watching; what was seen."""
        _write(_INSTANCE / "tracing_on", "0")
        lost = 0
        for core in (_INSTANCE / "per_cpu").iterdir():
            stats = dict(line.split(": ") for line in (core / "stats").read_text().splitlines() if ": " in line)
            lost += int(stats.get("overrun", 0)) + int(stats.get("dropped events", 0))
        with (_INSTANCE / "trace").open(errors="replace") as file:
            return _testimony(file, lost)


def _testimony(lines: object, lost: int) -> Testimony:
    out = Testimony(lost=lost)
    taken: dict[int, int] = {}
    came: dict[int, int] = {}
    left: dict[int, tuple[int, bool, int | None]] = {}
    call: dict[int, int] = {}
    for line in lines:  # type: ignore[attr-defined]
        found = _LINE.match(line)
        if not found:
            continue
        tid, t_ns, event, words = int(found[1]), round(float(found[3]) * 1e9), found[4], found[5]
        if event == "taken":
            taken[tid] = t_ns
        elif event == "drop" and (tid in taken or not out.held[tid]):
            # Who drops what it was not seen to take has had it all along: a process's first thread, the child of a fork.
            out.held[tid].append((taken.pop(tid, 0), t_ns))
        elif event == "sys_enter":
            call[tid] = int(words.split()[1])
        elif event == "sched_switch":
            switch = _SWITCH.search(words)
            if not switch:
                continue
            before, after = int(switch[1]), int(switch[3])
            if before in came:
                out.on_cpu[before].append((came.pop(before), t_ns))
            if before:
                left[before] = (t_ns, switch[2].startswith("R"), call.get(before))
            if after in left:
                begin, preempted, number = left.pop(after)
                out.off_cpu[after].append((begin, t_ns, preempted, number))
            if after:
                came[after] = t_ns
    for tid, t_ns in taken.items():  # never dropped: held until the thread was last on a core
        if out.on_cpu[tid]:
            out.held[tid].append((t_ns, max(t_ns, out.on_cpu[tid][-1][1])))
    return out
