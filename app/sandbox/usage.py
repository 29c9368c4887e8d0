"""What a whole run uses, read from /proc below its first process, and from the file systems it may write to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_RING_BYTES = (1 << 18) * 32 + 4096
"""Every observed process maps one ring of at most this size, which is ours and is not charged to it."""


@dataclass(frozen=True, slots=True)
class RunUsage:
    """Of all processes of a run. `processes` counts threads too; `inodes` is the most that one writable folder holds."""

    cpu_s: float
    memory_bytes: int
    processes: int
    inodes: int


def _below(pid: int) -> Iterator[int]:
    """The process and all its descendants, as they are now."""
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        yield current
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                waiting += map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split())
        except OSError:
            continue


def _of_process(pid: int) -> tuple[float, int, int]:
    """CPU seconds (its own and of children that were waited for), bytes of memory, threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = sum(map(int, fields[11:15])) * _TICK_S
    status = Path(f"/proc/{pid}/status").read_text()
    sizes = {line.partition(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Rss")}
    shared = max(0, int(sizes.get("RssShmem", 0)) * 1024 - _RING_BYTES)
    return cpu_s, int(sizes.get("RssAnon", 0)) * 1024 + shared, int(fields[17])


def usage_below(pid: int, folder_fds: Sequence[int]) -> RunUsage:
    """The usage of the run whose first process is `pid`, and of the tmpfs it writes to."""
    cpu_s, memory, threads = 0.0, 0, 0
    for process in _below(pid):
        try:
            used = _of_process(process)
        except (OSError, IndexError, ValueError):
            continue
        cpu_s, memory, threads = cpu_s + used[0], memory + used[1], threads + used[2]
    inodes = 0
    for fd in folder_fds:
        found = os.fstatvfs(fd)
        memory += (found.f_blocks - found.f_bfree) * found.f_frsize
        inodes = max(inodes, found.f_files - found.f_ffree)
    return RunUsage(cpu_s, memory, threads, inodes)
