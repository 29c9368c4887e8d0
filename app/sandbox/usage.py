"""What a whole run uses, read through its own /proc and from the file systems it may write to.

Memory has no single number without a cgroup. Counted here, each once:

private     RssAnon of every process, its page tables, swap and huge pages. Pages that fork left shared are in it once for every
            process, so a sum over the limit is confirmed with the proportional sizes (smaps_rollup), which cost a page-table walk.
shared      Anonymous shared mappings, whose pages outlive MADV_DONTNEED and are then in nobody's RSS: by the size of the mapping,
            but never more than all shared memory of this machine, so that a large mapping little used does no harm.
files       What the writable tmpfs hold. The rings are ours; their tmpfs has a size of its own.

CPU time of a child that nobody waits for is in no living process: `CpuAccount` keeps what was last seen of it.
"""

from __future__ import annotations

import mmap
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STAGE_PID = 1
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PRIVATE = (b"RssAnon", b"VmSwap", b"VmPTE", b"HugetlbPages")
_STATUS = re.compile(rb"^(VmSize|VmData|VmStk|RssShmem|" + b"|".join(_PRIVATE) + rb"):\s+(\d+) kB$", re.MULTILINE)
_ROLLUP = re.compile(rb"^(?:Pss_Anon|SwapPss):\s+(\d+) kB$", re.MULTILINE)
_ROUND = 16
"""Mappings are read anew when their total has changed by a MiB, and in any case every so many readings."""
_EXACT_SHARE = 0.1
"""Of the time, at most, spent on walking page tables."""
_PF_FORKNOEXEC = 0x40
_YOUNG_S = 0.05
"""Between vfork and exec a child shows its parent's memory as its own. It soon is over: what has not called exec is left out of
the exact sum until it is so old, in which time it cannot have come by much of its own."""

Key = tuple[int, int]
"""Process id and start time (ticks): a number alone may be used again."""


@dataclass(frozen=True, slots=True)
class RunUsage:
    """Of all processes of a run but the stage. `processes` counts threads too; `inodes` is the most that one folder holds."""

    cpu_s: float
    memory_bytes: int
    processes: int
    inodes: int


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of one process itself, and of the children it has waited for."""

    own_s: float
    waited_s: float


class CpuAccount:
    """CPU seconds of all processes that ever were, from looks at those that are. Never more than was really used."""

    def __init__(self) -> None:
        self._last: Mapping[Key, Cpu] = {}
        self._gone_s = self._credit_s = self._lost_s = self._total_s = 0.0

    def add(self, now: Mapping[Key, Cpu]) -> float:
        """The total after a further look. A process that is gone was waited for, and is then in its parent's `waited_s`, or is lost.

        Which of them is decided one look later: the parent may have been read before it waited.
        """
        nothing = Cpu(0, 0)
        credit_s = sum(cpu.waited_s - self._last.get(key, nothing).waited_s for key, cpu in now.items())
        self._lost_s += max(0.0, self._gone_s - self._credit_s - credit_s)
        self._gone_s = sum(cpu.own_s + cpu.waited_s for key, cpu in self._last.items() if key not in now)
        self._credit_s, self._last = credit_s, now
        self._total_s = max(self._total_s, self._lost_s + sum(cpu.own_s + cpu.waited_s for cpu in now.values()))
        return self._total_s


@dataclass(frozen=True, slots=True)
class _Process:
    key: Key
    cpu: Cpu
    threads: int
    forked: bool
    """Still runs the program of its parent."""
    private_bytes: int
    anonymous_bytes: int
    shmem_bytes: int
    mapped_bytes: int
    """Address space that is not private and writable: where shared mappings are."""

    @property
    def pid(self) -> int:
        return self.key[0]


@dataclass(slots=True)
class _Mappings:
    mapped_bytes: int
    at: int
    sizes: dict[int, int]


class Meter:
    """Measures one run, look by look. The descriptors (the run's /proc, its writable folders, its rings) stay their owner's."""

    def __init__(self, proc_fd: int, folder_fds: Sequence[int], ring_dir_fd: int, memory_limit_bytes: int) -> None:
        self._proc_fd, self._folder_fds, self._ring_dir_fd = proc_fd, folder_fds, ring_dir_fd
        self._limit_bytes = memory_limit_bytes
        self._cpu = CpuAccount()
        self._mappings: dict[Key, _Mappings] = {}
        self._looks = 0
        self._exact, self._exact_of, self._next_exact_s, self._over = 0, 0, 0.0, False

    def read(self) -> RunUsage:
        """The usage now."""
        self._looks += 1
        found = list(self._processes())
        cpu_s = self._cpu.add({process.key: process.cpu for process in found})
        script = [process for process in found if process.pid != STAGE_PID]
        threads = sum(process.threads for process in script)
        in_files, inodes = self._files(threads)
        others = in_files + self._shared(script)
        return RunUsage(cpu_s, others + self._private(script, self._limit_bytes - others), threads, inodes)

    def _processes(self) -> Iterator[_Process]:
        for name in os.listdir(self._proc_fd):
            if name.isdigit():
                try:
                    yield _parsed(int(name), self._text(name, "stat"), self._text(name, "status"))
                except (FileNotFoundError, ProcessLookupError):
                    continue

    def _text(self, pid: int | str, name: str) -> bytes:
        fd = os.open(f"{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc_fd)
        try:
            text = os.read(fd, 1 << 16)
            while len(text) >> 12 and (more := os.read(fd, 1 << 16)):  # the kernel hands long files out page by page
                text += more
            return text
        finally:
            os.close(fd)

    def _files(self, threads: int) -> tuple[int, int]:
        """Bytes in the writable folders, and the most inodes of one. Each process may have its ring; what is beyond is the script's."""
        used, inodes = 0, 0
        for fd in self._folder_fds:
            found = os.fstatvfs(fd)
            used += (found.f_blocks - found.f_bfree) * found.f_frsize
            inodes = max(inodes, found.f_files - found.f_ffree)
        rings = os.fstatvfs(self._ring_dir_fd)
        return used, max(inodes, rings.f_files - rings.f_ffree - threads)

    # --- memory

    def _private(self, script: Sequence[_Process], room_bytes: int) -> int:
        """Private memory; a sum beyond the room is looked at exactly, in so far as time allows."""
        total = sum(process.private_bytes for process in script)
        if total <= room_bytes or len(script) == 1:
            self._over = False
            return total
        begun_s = time.monotonic()
        if begun_s >= self._next_exact_s:
            self._exact, self._exact_of = (
                sum(self._proportional(process) for process in script if not _may_be_vfork(process)),
                total,
            )
            ended_s = time.monotonic()
            self._next_exact_s = 0.0 if self._exact > room_bytes else ended_s + (ended_s - begun_s) / _EXACT_SHARE
        known = min(total, self._exact + max(0, total - self._exact_of))
        # One look is not enough: on a busy machine even a vfork may grow old.
        over_before, self._over = self._over, known > room_bytes
        return known if over_before else min(known, max(0, room_bytes))

    def _proportional(self, process: _Process) -> int:
        try:
            rollup = self._text(process.pid, "smaps_rollup")
        except OSError:  # gone, or not ours to look into
            return process.private_bytes
        return process.private_bytes - process.anonymous_bytes + 1024 * sum(map(int, _ROLLUP.findall(rollup)))

    def _shared(self, script: Sequence[_Process]) -> int:
        sizes: dict[int, int] = {}
        unknown = 0
        known: dict[Key, _Mappings] = {}
        for process in script:
            try:
                known[process.key] = mappings = self._mappings_of(process)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                unknown += process.shmem_bytes
                continue
            for inode, size in mappings.sizes.items():
                sizes[inode] = max(size, sizes.get(inode, 0))
        self._mappings = known
        mapped = sum(sizes.values())
        return unknown + (min(mapped, _shared_memory_of_the_machine()) if mapped else 0)

    def _mappings_of(self, process: _Process) -> _Mappings:
        last = self._mappings.get(process.key)
        if last and self._looks - last.at < _ROUND and abs(process.mapped_bytes - last.mapped_bytes) < 1 << 20:
            return last
        # The first reading's age is spread by the process id, so that not all of a crowd are read again at one look.
        at = self._looks if last else self._looks - process.pid % _ROUND
        return _Mappings(process.mapped_bytes, at, shared_anonymous(self._text(process.pid, "maps"), _anonymous_device()))


def _may_be_vfork(process: _Process) -> bool:
    return process.forked and time.clock_gettime(time.CLOCK_BOOTTIME) - process.key[1] * _TICK_S < _YOUNG_S


def _parsed(pid: int, stat: bytes, status: bytes) -> _Process:
    fields = stat.rpartition(b")")[2].split()
    own, waited = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    sizes = {name: int(size) * 1024 for name, size in _STATUS.findall(status)}
    return _Process(
        (pid, int(fields[19])),
        Cpu(0 if pid == STAGE_PID else own * _TICK_S, waited * _TICK_S),
        int(fields[17]),
        bool(int(fields[6]) & _PF_FORKNOEXEC),
        sum(sizes.get(name, 0) for name in _PRIVATE),
        sizes.get(b"RssAnon", 0) + sizes.get(b"VmSwap", 0),
        sizes.get(b"RssShmem", 0),
        sizes.get(b"VmSize", 0) - sizes.get(b"VmData", 0) - sizes.get(b"VmStk", 0),
    )


def shared_anonymous(maps: bytes, device: bytes) -> dict[int, int]:
    """Inode → bytes, up to the last one mapped, of the anonymous shared mappings in a /proc/PID/maps.

    Known by the device of the kernel's own tmpfs: the name that the line ends in is the script's to choose (PR_SET_VMA_ANON_NAME).
    """
    sizes: dict[int, int] = {}
    pattern = rb"^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) " + device + rb" (\d+)"
    for start, end, offset, inode in re.findall(pattern, maps, re.MULTILINE):
        size = int(offset, 16) + int(end, 16) - int(start, 16)
        sizes[int(inode)] = max(size, sizes.get(int(inode), 0))
    return sizes


@cache
def _anonymous_device() -> bytes:
    """The device (`00:01`) of anonymous shared memory, seen in a mapping of our own."""
    with mmap.mmap(-1, mmap.PAGESIZE):
        found = re.search(
            rb"^\S+ \S+s \S+ (\S+) \d+ +/dev/zero \(deleted\)$", Path("/proc/self/maps").read_bytes(), re.MULTILINE
        )
    return found[1] if found else b"00:01"


def _shared_memory_of_the_machine() -> int:
    found = re.search(r"^Shmem:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 1 << 62
