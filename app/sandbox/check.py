"""Does this machine hold what the sandbox promises? Found out by trying: a probe script attacks each layer from inside."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.sandbox.launch import Program, SandboxedRun, SandboxError
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime

_PATIENCE_S = 15.0
_LIMITS = Limits().with_(wall_s=10, processes=32, tmp_bytes=4 << 20)

_PROBE = """
import ctypes, errno, json, os, resource, socket
libc = ctypes.CDLL(None, use_errno=True)

def refused(action):
    try:
        action()
    except OSError:
        return True
    return False

def syscall(number, *arguments):
    return libc.syscall(number, *arguments) < 0

def fill():
    with open("/dev/shm/x", "wb") as file:
        for _ in range(64): file.write(bytes(1 << 20))

def forks():
    children = []
    try:
        for _ in range(64):
            child = os.fork()
            if child == 0: os.read(hold[0], 1); os._exit(0)
            children.append(child)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(hold[1])

hold = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
print(json.dumps({
    "user namespace": os.getuid() == 1000 and refused(lambda: os.setuid(0)),
    "process namespace": os.getpid() < 10,
    "network namespace": [line.split(":")[0].strip() for line in list(open("/proc/net/dev"))[2:]] == ["lo"],
    "loopback": not refused(lambda: socket.create_connection(("localhost", server.getsockname()[1]))),
    "read-only root": all(refused(lambda: open(f + "/x", "w")) for f in ("/", "/usr", "/dev", "/etc", "/run")),
    "kernel settings": refused(lambda: open("/proc/sys/kernel/core_pattern", "w")),
    "stage closed": all(refused(lambda: open(f"/proc/{os.getppid()}/{f}").read()) for f in ("environ", "mem", "maps")),
    "clean environment": set(os.environ) <= {"PATH", "HOME", "LANG", "TMPDIR", "TZ"},
    "system-call filter": syscall(272, 0x10000000) and syscall(321, 0, 0, 0) and syscall(425, 1, 0) and refused(lambda: socket.socket(40, 1)),
    "file size": refused(fill),
    "memory files": refused(lambda: os.memfd_create("x")),
    "process count": forks(),
    "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 1024,
}))
"""

REMEDIES = {
    "bubblewrap": "apt-get install bubblewrap libseccomp2; allow unprivileged user namespaces (in a container: see docker-compose.yml)",
    "context switches": "sysctl kernel.perf_event_paranoid=2; in a container: allow perf_event_open in the seccomp profile",
}
OPTIONAL = frozenset({"context switches"})
"""Layers that are not the sandbox's own but are looked at on the way: the only ones that may be missing."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the sandbox: whether it holds here, and what to do when it does not."""

    name: str
    holds: bool
    text: str
    remedy: str = ""


def layers() -> Iterator[Layer]:
    """Every layer, tried for real; one row that does not hold when the sandbox cannot be set up at all.

    Must be called in a thread that lives as long as the iteration.
    """
    begun = time.monotonic()
    try:
        run = SandboxedRun(Program(_PROBE.encode(), "check.py"), _LIMITS, Runtime.of_this_interpreter())
    except (SandboxError, OSError) as error:
        yield Layer("bubblewrap", False, str(error), REMEDIES["bubblewrap"])
        return
    try:
        started_s = time.monotonic() - begun
        yield Layer("bubblewrap", True, f"starts in {started_s * 1000:.0f} ms")
        yield from _kernel(run)
        run.release()
        yield from _answers(_output(run))
    finally:
        run.close()
        for fd in run.switch_fds:
            os.close(fd)


def holds() -> tuple[bool, str]:
    """Whether every layer holds, and what does not: the server refuses visitors' own code otherwise."""
    broken = [f"{layer.name}: {layer.text}" for layer in layers() if not layer.holds and layer.name not in OPTIONAL]
    return not broken, "; ".join(broken)


def _kernel(run: SandboxedRun) -> Iterator[Layer]:
    there = bool(run.switch_fds)
    yield Layer("context switches", there, run.kernel, "" if there else REMEDIES["context switches"])


def _output(run: SandboxedRun) -> bytes:
    data, until = b"", time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        ready, _, _ = select.select([run.stdout_fd, run.stderr_fd], [], [], 0.5)
        for fd in ready:
            piece = os.read(fd, 65536)
            data += piece
        if data.endswith(b"}\n") or (ready and not piece and run.poll() is not None):
            break
    return data


def _answers(data: bytes) -> Iterator[Layer]:
    try:
        said = dict(json.loads(data))
    except ValueError:
        yield Layer("probe script", False, data.decode("utf-8", "replace")[-300:] or "it said nothing")
        return
    for name, held in said.items():
        yield Layer(name, bool(held), "holds" if held else "does NOT hold")
