"""A control group (cgroup v2) of a run's own, where this machine delegates a subtree to us; elsewhere there is none.

The limits are the kernel's backstop between two looks of `usage.py`, and its events are evidence that nothing else gives: that
memory ran out, that a process was refused (Documentation/admin-guide/cgroup-v2.rst). A subtree is ours to divide when the
controllers are enabled for its children and it is writable; as root everything is writable, so there it must also bear systemd's
mark of delegation (Delegate=yes with DelegateSubgroup=, which leaves the server in a leaf and its parent free of processes).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.sandbox.command import RINGS_BYTES
from app.sandbox.limits import MIB, Limits

ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
NEEDED = {"memory", "pids"}
OVERHEAD_BYTES = RINGS_BYTES + 64 * MIB
"""Charged to the group but not to the run: its rings, the stage, page tables and socket buffers."""
OVERHEAD_PROCESSES = 2
"""Bubblewrap and the stage."""
_PREFIX = "schedscope"
_END_S = 2.0
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Events:
    """How often the kernel ended the group for want of memory, and refused it a process."""

    out_of_memory: int = 0
    processes_refused: int = 0


@cache
def delegated() -> Path | None:
    """The group of this machine below which runs may have their own; None where none is delegated."""
    try:
        own = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    return next((found for root in ROOTS if (found := subtree(own, root, os.getuid())) is not None), None)


def subtree(own: str, root: Path, uid: int) -> Path | None:
    """The group delegated to `uid` among ours (`own` is /proc/self/cgroup) and the one above it, in the hierarchy mounted at `root`."""
    path = next((line[3:] for line in own.splitlines() if line.startswith("0::/")), None)
    if path is None or ".." in path:
        return None
    group = root / path.lstrip("/")
    return next(
        (folder for folder in (group, group.parent) if folder.is_relative_to(root) and _ours_to_divide(folder, uid)), None
    )


def _ours_to_divide(folder: Path, uid: int) -> bool:
    try:
        enabled = set((folder / "cgroup.subtree_control").read_text().split())
    except OSError:
        return False
    writable = os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)
    return enabled >= NEEDED and writable and (uid != 0 or _marked(folder))


def _marked(folder: Path) -> bool:
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


class Group:
    """The group of one run. Its first process enters by writing `0` to `procs_fd`; `close` takes the group away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.procs_fd = os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    @classmethod
    def of_run(cls, parent: Path, limits: Limits) -> Group:
        """A new group with these limits. Raises OSError, and then there is none."""
        _remove_forgotten(parent)
        path = parent / f"{_PREFIX}-{os.getpid()}-{next(_numbers)}"
        path.mkdir()
        try:
            for name, value in settings(limits).items():
                (path / name).write_text(str(value))
            with contextlib.suppress(OSError):  # not there where swap is not accounted
                (path / "memory.swap.max").write_text("0")
            return cls(path)
        except OSError:
            path.rmdir()
            raise

    def events(self) -> Events:
        """What the kernel has counted so far."""
        memory, pids = (_counters(self.path / name) for name in ("memory.events", "pids.events"))
        return Events(memory.get("oom_kill", 0), pids.get("max", 0))

    def kill(self) -> None:
        """Ends every process in the group at once, where the kernel can (5.14); the caller has other means too."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")

    def close(self) -> None:
        """Waits until nobody is in the group and removes it; the next run removes one that could not be."""
        os.close(self.procs_fd)
        with contextlib.suppress(OSError):
            self._await_empty()
            self.path.rmdir()

    def _await_empty(self) -> None:
        with (self.path / "cgroup.events").open() as events:
            waiter = select.poll()
            waiter.register(events, select.POLLPRI)  # as soon as the file says something else than what was read
            while "populated 1" in events.read() and waiter.poll(_END_S * 1000):
                events.seek(0)


def settings(limits: Limits) -> dict[str, int]:
    """The group's files and what is written to them. Memory that runs out ends the whole group, not whom the kernel picks."""
    return {
        "memory.max": limits.memory_bytes + OVERHEAD_BYTES,
        "memory.oom.group": 1,
        "pids.max": limits.processes + OVERHEAD_PROCESSES,
    }


def _counters(path: Path) -> dict[str, int]:
    try:
        return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}
    except OSError:
        return {}


def _remove_forgotten(parent: Path) -> None:
    """Groups of workers that were killed: empty by now, because a sandbox dies with its worker."""
    for path in parent.glob(f"{_PREFIX}-*-*"):
        if not Path("/proc", path.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                path.rmdir()
