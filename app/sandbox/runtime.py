"""What of the host a sandboxed script sees: an interpreter, its libraries and the probe, all read-only."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs")
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")
PROBE = Path(__file__).resolve().parent.parent / "probe"


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter and the paths it needs; a path appears inside under the name it has outside.

    `stage_python` runs our first process inside, where it is not the script's interpreter that does.
    """

    python: str
    read_only_paths: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links (path, target) that lead to the interpreter from outside those paths: made anew, so their folders stay unseen."""
    stage_python: str = ""

    @classmethod
    def of_this_interpreter(cls) -> Runtime:
        """The interpreter that runs this, with its site-packages (where gevent and pika are)."""
        wanted = [sys.prefix, sys.base_prefix, *(sysconfig.get_paths()[name] for name in _LIBRARIES), str(PROBE)]
        return cls.of(sys.executable, wanted)

    @classmethod
    def of_another(cls, python: str, folders: Sequence[str]) -> Runtime:
        """Another interpreter for the script, which reads from these folders; what is ours inside stays with this one."""
        this, other = cls.of_this_interpreter(), cls.of(python, folders)
        paths = _outermost([*this.read_only_paths, *other.read_only_paths])
        return cls(python, paths, tuple(dict.fromkeys([*this.links, *other.links])), this.python)

    @classmethod
    def of(cls, python: str, wanted: Sequence[str]) -> Runtime:
        """An interpreter at this path, and the folders it wants to see."""
        links, last = _steps(os.path.abspath(python))
        paths = _outermost([*wanted, last, os.path.realpath(python)])
        return cls(python, paths, tuple((path, target) for path, target in links if not _below(path, (*SYSTEM, *paths))))


def _steps(path: str) -> tuple[list[tuple[str, str]], str]:
    """The links that a path is, one after the other, and the file that the last one names."""
    links: list[tuple[str, str]] = []
    while os.path.islink(path) and len(links) < 16:
        links.append((path, os.readlink(path)))
        path = os.path.normpath(os.path.join(os.path.dirname(path), links[-1][1]))
    return links, path


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == above or path.startswith(above + "/") for above in folders)


def _outermost(paths: list[str]) -> tuple[str, ...]:
    """The paths without those that lie below another one, or below what every run sees anyway."""
    there = sorted({os.path.abspath(path) for path in paths if os.path.exists(path)})
    kept: list[str] = []
    for path in there:
        if path != "/" and not _below(path, (*SYSTEM, *kept)):
            kept.append(path)
    return tuple(kept)
