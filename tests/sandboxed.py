"""Runs scripts in the real sandbox and holds each test to leaving nothing behind (`nothing_left` and `next_run`, imported for their effect)."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from app.core import recording
from app.core.records import Outcome
from app.recorder import probe
from app.recorder.session import Bounds, record
from app.sandbox.command import RINGS
from app.sandbox.launch import Program, SandboxedRun
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime

MIB = 1 << 20
NAME = f"script-{os.getpid()}.py"  # tells this test's processes from those of a server on the same machine


class Result:
    """How a sandboxed script ended, and what it printed."""

    def __init__(self, source: str, limits: Limits, observed: bool) -> None:
        environment = probe.environment(RINGS, "", {}) if observed else {}
        target = SandboxedRun(Program(source.encode(), NAME, (), environment), limits, Runtime.of_this_interpreter())
        out = io.BytesIO()
        bounds = Bounds(**{name: getattr(limits, name) for name in Bounds.__slots__})
        self.end = record(target, out, {}, bounds, classify=target.classify)
        self.recording = recording.read([out.getvalue()])
        self.outcome = Outcome(self.end["outcome"])
        self.output = b"".join(data for _t, _stream, data in self.recording.output).decode("utf-8", "replace")


def sandboxed(source: str, observed: bool = False, **limits: float) -> Result:
    return Result(dedent(source), Limits().with_(**{"wall_s": 10, **limits}), observed)


@contextmanager
def held(source: str, **limits: float) -> Iterator[SandboxedRun]:
    """A run whose script has printed a line and now waits: what it uses stays what it is."""
    run = SandboxedRun(Program(dedent(source).encode(), NAME), Limits().with_(**limits), Runtime.of_this_interpreter())
    try:
        run.release()
        assert select.select([run.stdout_fd, run.exit_fd], [], [], 30)[0] == [run.stdout_fd], os.read(run.stderr_fd, 4096)
        assert os.read(run.stdout_fd, 4096)
        yield run
    finally:
        run.close()
        for fd in run.switch_fds:
            os.close(fd)


def prints(source: str, **limits: float) -> list[str]:
    result = sandboxed(source, **limits)
    assert result.outcome is Outcome.FINISHED, result.output
    return result.output.split()


def host_state() -> tuple[set[str], set[str]]:
    """Our children and our descriptors."""
    me = os.getpid()
    children = set(Path(f"/proc/{me}/task/{me}/children").read_text().split())
    return children, set(os.listdir("/proc/self/fd"))


def sandbox_processes() -> set[int]:
    """Processes of the whole machine whose command line or working folder is a sandbox's."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if f"/sandbox/{NAME}" in Path(f"/proc/{name}/cmdline").read_bytes().decode(errors="replace"):
                found.add(int(name))
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = host_state()
    yield
    assert host_state() == before
    assert sandbox_processes() == set()


@pytest.fixture(scope="module", autouse=True)
def next_run() -> Iterator[None]:
    """After each test the next one has its run; after the last it is this."""
    yield
    assert prints("print('next run')") == ["next", "run"]
