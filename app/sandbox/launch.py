"""Starts a script in its sandbox and owns it until nothing of it is left.

The chain of processes: this one → bubblewrap (outside) → stage (first process of the PID namespace) → script.
Bubblewrap dies with the thread that started it (--die-with-parent), so a run is launched from its worker's main thread and
ends with the worker, by whatever death. Killing the namespace's first process ends every process in it, whatever they did
with sessions, signals or parents.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.records import Outcome
from app.sandbox import cgroup, command, seccomp
from app.sandbox.enter import STAGING, Entrance, become_bubblewrap
from app.sandbox.limits import Limits, kernel_limits
from app.sandbox.outcome import Exit, outcome_of
from app.sandbox.runtime import PROBE, SYSTEM, Runtime
from app.sandbox.usage import Meter, RunUsage

UNPRIVILEGED_UID = 64_000
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

    def __init__(self, program: Program, limits: Limits, runtime: Runtime, slot: int = 0, *, ports: Sequence[int] = ()) -> None:
        """`ports` are listened on inside; `listeners` then maps each to its sockets, which are the caller's to close."""
        self._program, self._limits, self._runtime, self._ports = program, limits, runtime, ports
        self.listeners: dict[int, list[socket.socket]] = {}
        self._ended: Exit | None = None
        self._closed = False
        self._peak_processes = 0
        self._first_fd, self.proc_fd = -1, -1
        self._folder_fds: list[int] = []
        self._group: cgroup.Group | None = None
        self.ring_dir_fd, self.kernel = -1, "unavailable"
        self.switch_fds: list[int] = []
        self._start(UNPRIVILEGED_UID + slot)
        try:
            self._take_descriptors()
        except BaseException:
            self.close()
            raise

    # --- starting

    def _start(self, uid: int) -> None:
        """Fork the child that becomes bubblewrap. Either our ends are kept, or nothing is."""
        path = bubblewrap()
        if path is None:
            raise SandboxError("bubblewrap is not installed (package bubblewrap)")
        root = os.getuid() == 0
        with contextlib.ExitStack() as kept, contextlib.ExitStack() as lent:
            self._control, theirs = _socket_pair(kept, lent)
            self.stdout_fd, out_write = _pipe(kept, lent)
            self.stderr_fd, error_write = _pipe(kept, lent)
            self._info_fd, info_write = _pipe(kept, lent)
            data = {inside: _sealed(lent, content) for inside, content in self._files().items()}
            filter_fd = _sealed(lent, _filter())
            arguments = command.bubblewrap_arguments(
                self._limits,
                *_bound(self._runtime, staged=root),
                [(fd, inside) for inside, fd in data.items()],
                seccomp_fd=filter_fd,
                info_fd=info_write,
            )
            arguments_fd = _sealed(lent, b"".join(os.fsencode(word) + b"\0" for word in arguments))
            stage = [*_interpreter(self._runtime), command.STAGE, str(theirs), command.RINGS, *command.WRITABLE, "/proc"]
            stage += [f"tcp:{port}" for port in self._ports]
            words = [path, "--args", str(arguments_fd), "--", *stage]
            passed = [theirs, info_write, filter_fd, arguments_fd, *data.values()]
            self._group = _own_group(self._limits)
            group_fd = -1
            if self._group:
                kept.callback(self._group.close)
                group_fd = self._group.procs_fd
            entrance = Entrance(words, self._runtime, uid if root else None, passed, out_write, error_write, group_fd)
            self._pid = os.fork()
            if self._pid == 0:
                become_bubblewrap(entrance)
            self._pid_fd = os.pidfd_open(self._pid)
            kept.pop_all()
        self.exit_fd = self._control.fileno()
        self._control.settimeout(_START_S)

    def _files(self) -> dict[str, bytes]:
        """What is there inside by its content, not by a path of the host's."""
        stage, switches = Path(__file__).parent / "stage.py", PROBE / "switches.py"
        own = {command.STAGE: stage.read_bytes(), command.SWITCHES: switches.read_bytes()}
        return {**own, self._program.path: self._program.source, **_ETC}

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
        self.ring_dir_fd, *self._folder_fds, self.proc_fd = fds[: said["folders"]]
        rest = fds[said["folders"] :]
        for port, count in zip(self._ports, said["listeners"], strict=True):
            self.listeners[port], rest = [socket.socket(fileno=fd) for fd in rest[:count]], rest[count:]
        self.switch_fds, self.kernel = rest, said["kernel"]
        # The stage waits for its job, so the number is still its own.
        self._first_fd = os.pidfd_open(int(json.loads(info)["child-pid"]))
        self._meter = Meter(self.proc_fd, self._folder_fds, self.ring_dir_fd, self._limits.memory_bytes)
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
            "limits": kernel_limits(limits),
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
        found = self._meter.read()
        self._peak_processes = max(self._peak_processes, found.processes)
        return found

    def classify(self, ended: Any) -> tuple[Outcome, str]:
        """Outcome and words of an end that no limit of the session brought about."""
        events = self._group.events() if self._group else cgroup.Events()
        peak = max(self._peak_processes, ended.processes, self._limits.processes + 1 if events.processes_refused else 0)
        return outcome_of(ended, peak, self._limits, out_of_memory=events.out_of_memory > 0)

    def kill(self) -> None:
        """Ends every process of the run and waits until they are gone. Idempotent."""
        if self._closed:
            return
        if self._group:
            self._group.kill()
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
        if self._group:
            self._group.close()
        self._control.close()
        own = (self.stdout_fd, self.stderr_fd, self._info_fd, self._pid_fd, self._first_fd, self.proc_fd)
        for fd in (*own, self.ring_dir_fd, *self._folder_fds):
            if fd >= 0:
                os.close(fd)


def _interpreter(runtime: Runtime) -> list[str]:
    return [runtime.stage_python or runtime.python, "-I", "-S"]


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": command.WORK, "LANG": "C.UTF-8", "TMPDIR": "/tmp", "TZ": "UTC"}


def _filter() -> bytes:
    try:
        return seccomp.sandbox_program()
    except seccomp.SeccompError as error:
        raise SandboxError(str(error)) from error


def _own_group(limits: Limits) -> cgroup.Group | None:
    """A control group for the run, where groups may be made; the limits hold without one too."""
    parent = cgroup.delegated()
    if parent is not None:
        with contextlib.suppress(OSError):
            return cgroup.Group.of_run(parent, limits)
    return None


# Descriptors are made in two lists: what is kept when all went well, and what is lent to the child and closed in any case.


def _sealed(lent: contextlib.ExitStack, data: bytes) -> int:
    """A descriptor to read these bytes from, at their beginning."""
    fd = os.memfd_create("schedscope")
    lent.callback(os.close, fd)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _pipe(kept: contextlib.ExitStack, lent: contextlib.ExitStack) -> tuple[int, int]:
    """Our end, which does not block, and the child's."""
    read, write = os.pipe()
    kept.callback(os.close, read)
    lent.callback(os.close, write)
    os.set_blocking(read, False)
    return read, write


def _socket_pair(kept: contextlib.ExitStack, lent: contextlib.ExitStack) -> tuple[socket.socket, int]:
    ours, theirs = socket.socketpair()
    kept.callback(ours.close)
    lent.callback(theirs.close)
    return ours, theirs.fileno()


def _bound(runtime: Runtime, *, staged: bool) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Binds and links of system folders and of the runtime; staged paths are bound from where the child has put them."""
    exists = {path: os.readlink(path) if os.path.islink(path) else None for path in SYSTEM if os.path.lexists(path)}
    bound, links = command.system_paths(exists)
    own = [(f"{STAGING}/{i}" if staged else path, path) for i, path in enumerate(runtime.read_only_paths)]
    return bound + own, {**links, **dict(runtime.links)}
