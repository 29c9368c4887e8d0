"""A trusted program as a target: your own script, your own environment, no sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from app.recorder import probe
from app.recorder.session import Exit, Usage


class PlainTarget:
    """Runs `command` observed. Standard input is inherited; output comes through pipes (`record`'s `echo` passes it on).

    Raises FileNotFoundError or PermissionError from `release` when the command cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        shared = Path("/dev/shm")
        self._rings = tempfile.mkdtemp(prefix="schedscope-", dir=shared if os.access(shared, os.W_OK) else None)
        self.ring_dir_fd = os.open(self._rings, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.stdout_fd, self._stdout_write_fd = os.pipe()
        self.stderr_fd, self._stderr_write_fd = os.pipe()
        for fd in (self.stdout_fd, self.stderr_fd):
            os.set_blocking(fd, False)
        self.exit_fd = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def release(self) -> None:
        """Starts the program."""
        environment = os.environ | probe.environment(self._rings)
        self._process = subprocess.Popen(
            self._command, env=environment, stdout=self._stdout_write_fd, stderr=self._stderr_write_fd
        )
        self.exit_fd = os.pidfd_open(self._process.pid)
        self._close_write_ends()

    def poll(self) -> Exit | None:
        """How the program ended, None while it runs."""
        status = self._process.poll() if self._process else None
        if status is None:
            return None
        return Exit(signal=-status) if status < 0 else Exit(code=status)

    def usage(self) -> Usage:
        """A trusted program is not metered."""
        return Usage()

    def kill(self) -> None:
        """Ends the program itself; what it started on its own is its user's business."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Gives back the ring folder and every descriptor."""
        if self._closed:
            return
        self._closed = True
        self._close_write_ends()
        for fd in (self.stdout_fd, self.stderr_fd, self.ring_dir_fd, self.exit_fd):
            if fd >= 0:
                os.close(fd)
        shutil.rmtree(self._rings, ignore_errors=True)

    def _close_write_ends(self) -> None:
        for fd in (self._stdout_write_fd, self._stderr_write_fd):
            if fd >= 0:
                os.close(fd)
        self._stdout_write_fd = self._stderr_write_fd = -1
