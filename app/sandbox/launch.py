"""Starts a script in its sandbox and owns it until nothing of it is left.

The chain of processes: this one → bubblewrap (outside) → bubblewrap (first process of the PID namespace) → stage → script.
Bubblewrap dies with the thread that started it (--die-with-parent), so a run is launched from its worker's main thread and
ends with the worker, by whatever death. Killing the namespace's first process ends every process in it, whatever they did
with sessions, signals or parents.

As real root the uid is dropped before bubblewrap starts, because bubblewrap run by real root leaves the host's /proc/sys
writable. That uid may not be able to walk to the interpreter (a checkout or a home folder of mode 0700), so its paths are first
bound to a traversable place, in a mount namespace of the launching child's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from app.core.records import Outcome
from app.sandbox import command, seccomp
from app.sandbox.limits import Limits
from app.sandbox.outcome import outcome_of
from app.sandbox.runtime import PROBE, SYSTEM, Runtime
from app.sandbox.usage import RunUsage, usage_below

UNPRIVILEGED_UID = 64_000
STAGING = "/mnt"
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x00020000, 4096, 16384, 1 << 18
_ETC = {
    "/etc/hosts": b"127.0.0.1 localhost schedscope\n",
    "/etc/passwd": b"visitor:x:1000:1000::/sandbox:/bin/sh\n",
    "/etc/group": b"visitor:x:1000:\n",
}
"""What name look-ups ask for: `localhost` must be found without a network."""
_START_S = 10.0
_END_S = 2.0


class SandboxError(RuntimeError):
    """The sandbox itself could not be set up; the message says which part."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the main process ended; both None when the sandbox ended without a word from it."""

    code: int | None = None
    signal: int | None = None
    processes: int = 0
    """Processes and threads that were there when it ended."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run: a script's bytes under a file name, its arguments, and variables beside the standard ones."""

    source: bytes
    name: str
    argv: Sequence[str] = ()
    environment: Mapping[str, str] | None = None

    @property
    def path(self) -> str:
        """The script as it sees itself."""
        return f"{command.WORK}/{self.name}"


def bubblewrap() -> str | None:
    """Where bubblewrap is, None when this machine has none."""
    return shutil.which("bwrap")


class SandboxedRun:
    """One run: ready when made, started by `release`, over after `close`. Shaped as the recorder's Target.

    Must be made and killed by the same thread, which must live as long as the run. Raises SandboxError.
    """

    def __init__(self, program: Program, limits: Limits, runtime: Runtime, slot: int = 0) -> None:
        self._program, self._limits, self._runtime = program, limits, runtime
        self._ended: Exit | None = None
        self._closed = False
        self._peak_processes = 0
        self._first_pid, self._first_fd = 0, -1
        self._folder_fds: list[int] = []
        self.ring_dir_fd, self.kernel = -1, "unavailable"
        self.switch_fds: list[int] = []
        with contextlib.ExitStack() as undo:
            self._control, self.stdout_fd, self.stderr_fd = self._start(undo, UNPRIVILEGED_UID + slot)
            self.exit_fd = self._control.fileno()
            undo.callback(self.close)
            self._take_descriptors()
            undo.pop_all()

    # --- starting

    def _start(self, undo: contextlib.ExitStack, uid: int) -> tuple[socket.socket, int, int]:
        """Fork the child that becomes bubblewrap; returns our ends of control, output and errors."""
        if bubblewrap() is None:
            raise SandboxError("bubblewrap is not installed (package bubblewrap)")
        ours, theirs = socket.socketpair()
        out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        self._info_fd, info_write = os.pipe()
        given = [theirs.fileno(), info_write]
        data = {
            command.STAGE: _sealed((Path(__file__).parent / "stage.py").read_bytes()),
            command.SWITCHES: _sealed((PROBE / "switches.py").read_bytes()),
            self._program.path: _sealed(self._program.source),
            **{path: _sealed(text) for path, text in _ETC.items()},
        }
        try:
            filter_fd = _sealed(seccomp.sandbox_program())
        except seccomp.SeccompError as error:
            raise SandboxError(str(error)) from error
        passed = [*given, filter_fd, *data.values()]
        stage = [*_interpreter(self._runtime), command.STAGE, str(theirs.fileno()), command.RINGS, *command.WRITABLE]
        root = os.getuid() == 0
        arguments = command.bubblewrap_arguments(
            self._limits,
            *_bound(self._runtime, staged=root),
            [(fd, inside) for inside, fd in data.items()],
            seccomp_fd=filter_fd,
            info_fd=info_write,
            command=stage,
        )
        arguments_fd = _sealed(b"".join(os.fsencode(word) + b"\0" for word in arguments[: arguments.index("--")]))
        words = ["bwrap", "--args", str(arguments_fd), *arguments[arguments.index("--") :]]
        self._pid = os.fork()
        if self._pid == 0:
            _become_bubblewrap(words, self._runtime, uid if root else None, [*passed, arguments_fd], out_write, error_write)
        theirs.close()
        for fd in (out_write, error_write, info_write, filter_fd, arguments_fd, *data.values()):
            os.close(fd)
        for fd in (out_read, error_read):
            os.set_blocking(fd, False)
        self._pid_fd = os.pidfd_open(self._pid)
        ours.settimeout(_START_S)
        return ours, out_read, error_read

    def _take_descriptors(self) -> None:
        """What the stage hands out once it is inside."""
        try:
            data, fds, _flags, _address = socket.recv_fds(self._control, 4096, 64)
            info = os.read(self._info_fd, 4096)
        except TimeoutError as error:
            raise SandboxError(f"the sandbox did not start within {_START_S:g} s") from error
        if not data:
            raise SandboxError(f"bubblewrap refused: {self._words()}")
        said = json.loads(data)
        self.ring_dir_fd, self._folder_fds = fds[0], fds[1 : said["folders"]]
        self.switch_fds, self.kernel = fds[said["folders"] :], said["kernel"]
        self._first_pid = int(json.loads(info)["child-pid"])
        self._first_fd = os.pidfd_open(self._first_pid)  # the stage waits for its job, so the number is still its own
        self._control.setblocking(False)

    def _words(self) -> str:
        with contextlib.suppress(OSError):
            os.waitid(os.P_PIDFD, self._pid_fd, os.WEXITED | os.WNOWAIT)
            return os.read(self.stderr_fd, 4096).decode("utf-8", "replace").strip()
        return "it said nothing"

    # --- the Target

    def release(self) -> None:
        """The script starts only now."""
        limits = self._limits
        job = {
            "command": [self._runtime.python, self._program.path, *self._program.argv],
            "environment": {**_environment(), **(self._program.environment or {})},
            "limits": {
                "RLIMIT_NPROC": limits.processes,
                "RLIMIT_FSIZE": limits.file_bytes,
                "RLIMIT_NOFILE": limits.descriptors,
                "RLIMIT_CORE": 0,
                "RLIMIT_CPU": int(limits.cpu_s) + 1,
                "RLIMIT_MEMLOCK": 1 << 20,
            },
            "filter": seccomp.script_program().hex(),
        }
        self._control.setblocking(True)
        self._control.sendall(json.dumps(job).encode() + b"\n")
        self._control.setblocking(False)

    def poll(self) -> Exit | None:
        """How the script ended, None while it runs."""
        if self._ended is None:
            try:
                data = self._control.recv(4096)
            except BlockingIOError:
                return None
            except OSError:
                data = b""
            self._ended = Exit(**json.loads(data)) if data.endswith(b"\n") else self._end_without_word()
        return self._ended

    def _end_without_word(self) -> Exit:
        """The stage is gone before the script, as after `kill(-1)`: bubblewrap's own status tells what ended it."""
        if not select.select([self._pid_fd], [], [], _END_S)[0]:
            return Exit()
        try:
            status = os.waitid(os.P_PIDFD, self._pid_fd, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # we killed it ourselves
            return Exit()
        code = status.si_status if status and status.si_code == os.CLD_EXITED else 0
        return Exit(signal=code - 128) if code > 128 else Exit()

    def usage(self) -> RunUsage:
        """What the whole run uses now."""
        found = usage_below(self._first_pid, self._folder_fds)
        self._peak_processes = max(self._peak_processes, found.processes)
        return found

    def classify(self, ended: Any) -> tuple[Outcome, str]:
        """Outcome and words of an end that no limit of the session brought about."""
        peak = max(self._peak_processes, ended.processes)
        return outcome_of(ended.code, ended.signal, peak, self._limits)

    def kill(self) -> None:
        """Ends every process of the run and waits until they are gone. Idempotent."""
        if self._closed:
            return
        if self._first_fd >= 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._first_fd, signal.SIGKILL)
            # Readable only once the kernel has reaped every other process of the namespace.
            select.select([self._first_fd], [], [], _START_S)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pid_fd, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def close(self) -> None:
        """Gives back every descriptor; mounts and folders went with the namespaces."""
        if self._closed:
            return
        self.kill()
        self._closed = True
        self._control.close()
        for fd in (self.stdout_fd, self.stderr_fd, self._info_fd, self._pid_fd, self._first_fd, self.ring_dir_fd, *self._folder_fds):
            if fd >= 0:
                os.close(fd)


def _interpreter(runtime: Runtime) -> list[str]:
    return [runtime.python, "-I", "-S"]


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": command.WORK, "LANG": "C.UTF-8", "TMPDIR": "/tmp", "TZ": "UTC"}


def _sealed(data: bytes) -> int:
    """A descriptor to read these bytes from, at their beginning."""
    fd = os.memfd_create("schedscope")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _bound(runtime: Runtime, *, staged: bool) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Binds and links of system folders and of the runtime; staged paths are bound from where the child has put them."""
    exists = {path: os.readlink(path) if os.path.islink(path) else None for path in SYSTEM if os.path.lexists(path)}
    bound, links = command.system_paths(exists)
    own = [(f"{STAGING}/{i}" if staged else path, path) for i, path in enumerate(runtime.read_only_paths)]
    return bound + own, links


# --- the child that becomes bubblewrap


def _become_bubblewrap(
    words: Sequence[str], runtime: Runtime, uid: int | None, passed: Sequence[int], stdout_fd: int, stderr_fd: int
) -> NoReturn:
    """Only the descriptors named survive, nothing of our environment does, and root is given up first."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stdout_fd, 1)
        os.dup2(stderr_fd, 2)
        for fd in passed:
            os.set_inheritable(fd, True)
        _close_all_but({0, 1, 2, *passed})
        if uid is not None:
            _stage_paths(runtime)
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        os.execve(bubblewrap() or "bwrap", list(words), {})
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
