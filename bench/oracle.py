"""An independent witness of a run, for `make fidelity`: the kernel's tracepoints and uprobes on CPython's own GIL functions.

Root only. Everything goes through a tracefs instance of its own, with the monotonic clock, and is about everything that runs:
limited to one process and its children (set_event_pid with event-fork, Linux 6.18) it was seen to leave out a thread's whole
stay on a core now and then. See Documentation/trace/{ftrace,events,uprobetracer}.rst.

What it costs the watched thread: the trap of drop_gil's probe lies inside the hold before it is stamped by us, that of
take_gil's return after, so that a hold is seen by us some microseconds longer at either end. `bench.comparison` measures both.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench import ringbuffer
from bench.ringbuffer import Event

TRACING = Path("/sys/kernel/tracing")
_INSTANCE = TRACING / "instances/schedscope"
_GROUP = "schedscope"
_TAKEN, _DROP = f"{_GROUP}/taken", f"{_GROUP}/drop"
_SWITCH, _ENTER, _EXIT = "sched/sched_switch", "raw_syscalls/sys_enter", "raw_syscalls/sys_exit"
_NEW = "task/task_newtask"
_EVENTS = (_TAKEN, _DROP, _SWITCH, _ENTER, _EXIT, _NEW)
_CLONE_VM = 0x100
"""linux/sched.h: a thread, or a child of vfork; without it a fork has made a copy of everything, a held GIL included."""
_NOT_RUNNABLE = 0xFF
"""Of prev_state (TASK_REPORT): none of these bits, and the thread could have gone on."""

Spans = list[tuple[int, int]]


class UnavailableError(RuntimeError):
    """This machine gives no such witness; the message says what is missing."""


@dataclass
class Testimony:
    """What the kernel saw, per thread id, in nanoseconds of CLOCK_MONOTONIC."""

    held: dict[int, Spans] = field(default_factory=lambda: defaultdict(list))
    on_cpu: dict[int, Spans] = field(default_factory=lambda: defaultdict(list))
    off_cpu: dict[int, list[tuple[int, int, bool, int | None]]] = field(default_factory=lambda: defaultdict(list))
    """(begin, end, preempted, number of the system call it was in, None in a page fault)."""
    doubt: Spans = field(default_factory=list)
    """Where a core's switches do not follow each other: one ran that the other did not say it gave way to, so one is missing."""
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
    """Watches from `begin()` to `end()`. A context manager that leaves tracefs as it was."""

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
        _write(_INSTANCE / "buffer_size_kb", "131072")
        return self

    def __exit__(self, *_: object) -> None:
        if _INSTANCE.exists():
            _write(_INSTANCE / "tracing_on", "0")
            for event in _EVENTS:
                enable = _INSTANCE / "events" / event / "enable"
                if enable.exists():
                    _write(enable, "0")
            _INSTANCE.rmdir()
        for name in ("taken", "drop"):
            if (TRACING / f"events/{_GROUP}/{name}").exists():
                _define(f"-:{_GROUP}/{name}")

    def begin(self) -> None:
        """From now on everything that runs on this machine is watched."""
        for event in _EVENTS:
            _write(_INSTANCE / "events" / event / "enable", "1")

    def end(self) -> Testimony:
        """Stops watching; what was seen."""
        _write(_INSTANCE / "tracing_on", "0")
        lost = 0
        for core in (_INSTANCE / "per_cpu").iterdir():
            stats = dict(line.split(": ") for line in (core / "stats").read_text().splitlines() if ": " in line)
            lost += int(stats.get("overrun", 0)) + int(stats.get("dropped events", 0))
        return _Reader().testimony(ringbuffer.read(_INSTANCE), lost)


class _Reader:
    """Turns events into spans."""

    def __init__(self) -> None:
        self._name_of = {ringbuffer.number(_INSTANCE, event): event for event in _EVENTS}
        self._switch = ringbuffer.offsets(_INSTANCE, _SWITCH, "prev_pid", "prev_state", "next_pid")
        (self._id,) = ringbuffer.offsets(_INSTANCE, _ENTER, "id")
        (self._tid,) = ringbuffer.offsets(_INSTANCE, _ENTER, "common_pid")
        self._taken: dict[int, int] = {}
        self._came: dict[int, int] = {}
        self._left: dict[int, tuple[int, bool, int | None]] = {}
        self._call: dict[int, int] = {}
        self._new = ringbuffer.offsets(_INSTANCE, _NEW, "pid", "clone_flags")
        self._runs: dict[int, tuple[int, int]] = {}

    def testimony(self, events: Iterable[Event], lost: int) -> Testimony:
        out = Testimony(lost=lost)
        for event in events:
            self._take(out, event, self._name_of.get(event.number, ""))
        for tid, t_ns in self._taken.items():  # never dropped: held until the thread was last on a core
            if out.on_cpu[tid]:
                out.held[tid].append((t_ns, max(t_ns, out.on_cpu[tid][-1][1])))
        return out

    def _take(self, out: Testimony, event: Event, name: str) -> None:
        (tid,) = struct.unpack_from("<i", event.data, self._tid)
        if name == _TAKEN:
            self._taken.setdefault(tid, event.t_ns)
        elif name == _DROP and (tid in self._taken or not out.held[tid]):
            # Who drops what it was not seen to take has had it all along: a process's first thread, the child of a fork.
            out.held[tid].append((self._taken.pop(tid, 0), event.t_ns))
        elif name == _ENTER:
            (self._call[tid],) = struct.unpack_from("<q", event.data, self._id)
        elif name == _EXIT:
            self._call.pop(tid, None)
        elif name == _NEW:
            self._take_new(event, tid)
        elif name == _SWITCH:
            self._take_switch(out, event)

    def _take_new(self, event: Event, parent: int) -> None:
        at_pid, at_flags = self._new
        (child,) = struct.unpack_from("<i", event.data, at_pid)
        (flags,) = struct.unpack_from("<Q", event.data, at_flags)
        if parent in self._taken and not flags & _CLONE_VM:
            self._taken[child] = event.t_ns

    def _take_switch(self, out: Testimony, event: Event) -> None:
        at_before, at_state, at_after = self._switch
        (before,) = struct.unpack_from("<i", event.data, at_before)
        (state,) = struct.unpack_from("<q", event.data, at_state)
        (after,) = struct.unpack_from("<i", event.data, at_after)
        ran, since_ns = self._runs.get(event.core, (before, event.t_ns))
        self._runs[event.core] = (after, event.t_ns)
        if ran != before:
            out.doubt.append((since_ns, event.t_ns))
            for tid in (ran, before):
                self._came.pop(tid, None)
                self._left.pop(tid, None)
        if before in self._came:
            out.on_cpu[before].append((self._came.pop(before), event.t_ns))
        if before:
            self._left[before] = (event.t_ns, not state & _NOT_RUNNABLE, self._call.get(before))
        if after in self._left:
            begin, preempted, call = self._left.pop(after)
            out.off_cpu[after].append((begin, event.t_ns, preempted, call))
        if after:
            self._came[after] = event.t_ns
