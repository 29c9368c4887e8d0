"""What a session observes: a program about to be started, in a sandbox or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from app.core.entries import Entries


@dataclass(frozen=True, slots=True)
class Exit:
    """How the main process ended: a code, or the signal that ended it."""

    code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the whole run has used so far; None where this machine does not tell."""

    cpu_s: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    inodes: int | None = None


class Target(Protocol):
    """A program about to be observed. `release` starts it; the descriptors belong to the target until `close`."""

    stdout_fd: int
    stderr_fd: int
    ring_dir_fd: int
    exit_fd: int
    switch_fds: list[int]
    """Descriptors of the kernel's context-switch records, one a core; empty where it does not permit them. Taken over."""
    proc_fd: int
    """The /proc in which the run's process ids count, -1 where there is none."""
    kernel: str
    """`exact`, or `unavailable: ` and why there are none."""

    def release(self) -> None:
        """The script starts only now."""

    def poll(self) -> Any:
        """An Exit-shaped object once the main process has ended, else None. Never blocks."""

    def usage(self) -> Any:
        """A Usage-shaped object."""

    def kill(self) -> None:
        """Ends every process of the run, for sure. Idempotent."""

    def close(self) -> None:
        """Gives everything back; nothing is left behind."""


class Beside(Protocol):
    """Something else that is observed with the run, such as its message broker. It has begun when the session gets it."""

    def drain(self, entries: Entries) -> int:
        """Write what has come since the last call; how many things that were. Never blocks."""

    def finish(self, entries: Entries) -> None:
        """The program is dead: write what is still to be said. May wait a moment."""

    def close(self) -> None:
        """Give everything back. Idempotent."""
