"""The folder in which a run's processes make their rings; those of recorders that were killed are removed at the next start.

Whoever uses a folder holds a lock on it (flock(2) of the directory), which ends with its process, however that ends. A folder
that can be locked is nobody's. A fresh one may be taken for that between its making and its locking: then another is made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "schedscope-rings-"


def parent() -> Path:
    """In memory where there is such a place that we may write."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def make() -> tuple[str, int]:
    """A folder of one's own and a descriptor of it, which holds its lock; first removes what others left behind."""
    remove_stale()
    while True:
        path = tempfile.mkdtemp(prefix=PREFIX, dir=parent())
        with suppress(FileNotFoundError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_at(path, fd):
                return path, fd
            os.close(fd)


def remove_stale() -> None:
    """Removes every folder that nobody holds. Another user's is not ours to open."""
    for path in parent().glob(f"{PREFIX}*"):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)


def _is_at(path: str, fd: int) -> bool:
    there, held = os.stat(path), os.fstat(fd)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)
