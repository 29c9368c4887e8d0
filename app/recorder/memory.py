"""Resident memory of the observed processes, looked up from outside while they run: a sample, not an observation of each change.

`statm` of /proc counts pages in memory, shared ones too (proc_pid_statm(5)). The probe's own ring is among them and is taken off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from app.core import observations as obs
from app.recorder.rings import Ring

EVERY_S = 0.02
MOST_SHARE = 0.05
"""Of the recorder's time, at most, is spent on looking: many processes are looked at less often."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class MemorySampler:
    """Looks at the processes of one run in the /proc in which their rings' process ids count; -1 is none."""

    def __init__(self, proc_fd: int) -> None:
        self._proc_fd = proc_fd
        self._due_s = 0.0
        self._last: dict[Ring, int] = {}
        self.observer = f"sampled: every {EVERY_S * 1000:g} ms" if proc_fd >= 0 else "unavailable: no /proc of the run"

    def due(self, now_s: float) -> bool:
        """Whether it is time to look again."""
        return self._proc_fd >= 0 and now_s >= self._due_s

    def looked(self, begun_s: float, ended_s: float) -> None:
        """A round of looks took that long."""
        self._due_s = begun_s + max(EVERY_S, (ended_s - begun_s) / MOST_SHARE)

    def changed(self, rings: Iterable[Ring]) -> list[tuple[Ring, int]]:
        """(ring, bytes) of those whose process has not the resident memory that it had."""
        found = []
        for ring in rings:
            size_bytes = self._resident(ring)
            if size_bytes is not None and size_bytes != self._last.get(ring):
                self._last[ring] = size_bytes
                found.append((ring, size_bytes))
        return found

    def _resident(self, ring: Ring) -> int | None:
        try:
            fd = os.open(f"{ring.pid}/statm", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc_fd)
        except OSError:
            return None
        try:
            pages = int(os.read(fd, 256).split()[1])
        except (OSError, IndexError):  # gone meanwhile
            return None
        finally:
            os.close(fd)
        return max(0, pages * _PAGE_BYTES - obs.SLOTS_OFFSET_BYTES - ring.slots * obs.RECORD.itemsize) or None
