"""The launching child: between fork and bubblewrap it closes what is not for it, gives up root and joins the run's cgroup.

As real root the uid is dropped before bubblewrap starts, because bubblewrap run by real root leaves the host's /proc/sys
writable. That uid may not be able to walk to the interpreter (a checkout or a home folder of mode 0700), so its paths are first
bound to a traversable place, in a mount namespace of the launching child's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from app.sandbox.runtime import Runtime

STAGING = "/mnt"
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x00020000, 4096, 16384, 1 << 18


@dataclass(frozen=True, slots=True)
class Entrance:
    """What the child takes along: bubblewrap's command line, the runtime, the uid to become (None: the one we have), the
    descriptors that pass through, its output and errors, and the `cgroup.procs` to enter (-1: none)."""

    words: Sequence[str]
    runtime: Runtime
    uid: int | None
    passed: Sequence[int]
    stdout_fd: int
    stderr_fd: int
    group_fd: int = -1


def become_bubblewrap(entrance: Entrance) -> NoReturn:
    """Only the descriptors named survive, nothing of our environment does, and root is given up first."""
    try:
        if entrance.group_fd >= 0:
            with contextlib.suppress(OSError):  # the limits hold without the group
                os.write(entrance.group_fd, b"0")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(entrance.stdout_fd, 1)
        os.dup2(entrance.stderr_fd, 2)
        for fd in entrance.passed:
            os.set_inheritable(fd, True)
        _close_all_but({0, 1, 2, *entrance.passed})
        # Memory is looked at every few milliseconds: should the machine run out of it in between, the run goes first.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        if entrance.uid is not None:
            _stage_paths(entrance.runtime)
            os.setgroups([])
            os.setresgid(entrance.uid, entrance.uid, entrance.uid)
            os.setresuid(entrance.uid, entrance.uid, entrance.uid)
        os.execve(entrance.words[0], list(entrance.words), {})
    except BaseException as error:
        os.write(2, f"before bubblewrap: {error}".encode())
    os._exit(125)


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                fcntl.fcntl(int(name), fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def _stage_paths(runtime: Runtime) -> None:
    """In a mount namespace of our own: a traversable folder through which the runtime's paths can be reached."""
    libc = ctypes.CDLL(None, use_errno=True)

    def must(result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")

    must(libc.unshare(_CLONE_NEWNS), "unshare")
    must(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
    must(libc.mount(b"tmpfs", STAGING.encode(), b"tmpfs", 0, b"size=1m,mode=0755"), f"mount {STAGING}")
    for i, path in enumerate(runtime.read_only_paths):
        target = f"{STAGING}/{i}"
        if os.path.isdir(path):
            os.mkdir(target, 0o755)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        must(libc.mount(os.fsencode(path), target.encode(), None, _MS_BIND | _MS_REC, None), f"bind {path}")
