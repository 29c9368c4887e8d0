"""A trusted program as a target: your own script, your own environment, no sandbox."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from typing import NoReturn

from app.probe.switches import open_switches
from app.recorder import extension, folders, probe
from app.recorder.target import Exit, Usage


class PlainTarget:
    """Runs `command` observed. Standard input is inherited; output comes through pipes (`record`'s `echo` passes it on).

    Raises FileNotFoundError when there is no such command. `kernel` says whether context switches are observed, and why not.
    """

    def __init__(self, command: Sequence[str]) -> None:
        if shutil.which(command[0]) is None:
            raise FileNotFoundError(f"no such command: {command[0]}")
        self._command = list(command)
        self.switch_fds: list[int] = []
        self.kernel = "unavailable: not started"
        self._rings, self.ring_dir_fd = folders.make()
        self.proc_fd = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.stdout_fd, self._stdout_write_fd = os.pipe()
        self.stderr_fd, self._stderr_write_fd = os.pipe()
        for fd in (self.stdout_fd, self.stderr_fd):
            os.set_blocking(fd, False)
        self.exit_fd = -1
        self._exit: Exit | None = None
        self._closed = False
        self._gate_fd = self._start()

    def _start(self) -> int:
        """A child that becomes the program once it has read a byte: so the kernel can be asked about it beforehand."""
        environment = os.environ | probe.environment(self._rings, str(extension.folder()))
        gate_read_fd, gate_fd = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(gate_fd)  # or the child would wait for itself, were we to go without releasing it
            _become(self._command, environment, gate_read_fd, self._stdout_write_fd, self._stderr_write_fd)
        os.close(gate_read_fd)
        self.exit_fd = os.pidfd_open(self.pid)
        self._close_write_ends()
        try:
            self.switch_fds = open_switches(self.pid)
            self.kernel = "exact"
        except OSError as error:
            self.kernel = f"unavailable: {error.strerror or error}"
        return gate_fd

    def release(self) -> None:
        """The program starts only now."""
        os.write(self._gate_fd, b"\n")
        os.close(self._gate_fd)

    def poll(self) -> Exit | None:
        """How the program ended, None while it runs."""
        if self._exit is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self._exit = Exit(signal=-code) if code < 0 else Exit(code=code)
        return self._exit

    def usage(self) -> Usage:
        """A trusted program is not metered."""
        return Usage()

    def kill(self) -> None:
        """Ends the program itself; what it started on its own is its user's business."""
        if self.poll() is None:
            signal.pidfd_send_signal(self.exit_fd, signal.SIGKILL)
            _pid, status = os.waitpid(self.pid, 0)
            self._exit = Exit(signal=-os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """Gives back the ring folder and every descriptor."""
        if self._closed:
            return
        self._closed = True
        self._close_write_ends()
        for fd in (self.stdout_fd, self.stderr_fd, self.ring_dir_fd, self.proc_fd, self.exit_fd):
            if fd >= 0:
                os.close(fd)
        shutil.rmtree(self._rings, ignore_errors=True)

    def _close_write_ends(self) -> None:
        for fd in (self._stdout_write_fd, self._stderr_write_fd):
            if fd >= 0:
                os.close(fd)
        self._stdout_write_fd = self._stderr_write_fd = -1


def _become(command: Sequence[str], environment: Mapping[str, str], gate_fd: int, stdout_fd: int, stderr_fd: int) -> NoReturn:
    """In the child: wait at the gate, then be the program."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # this interpreter ignores it, the program shall decide itself
        os.dup2(stdout_fd, 1)
        os.dup2(stderr_fd, 2)
        if os.read(gate_fd, 1):
            os.execvpe(command[0], list(command), dict(environment))
    except OSError as error:
        os.write(2, f"schedscope: {command[0]}: {error.strerror}\n".encode())
    os._exit(127)
