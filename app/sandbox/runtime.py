"""What of the host a sandboxed script sees: an interpreter, its libraries and the probe, all read-only."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs")
PROBE = Path(__file__).resolve().parent.parent / "probe"


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter and the paths it needs; a path appears inside under the name it has outside."""

    python: str
    read_only_paths: tuple[str, ...]

    @classmethod
    def of_this_interpreter(cls) -> Runtime:
        """The interpreter that runs this, with its site-packages (where gevent and pika are)."""
        wanted = [sys.prefix, sys.base_prefix, os.path.realpath(sys.executable), *_chain(sys.executable)]
        wanted += [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
        return cls(sys.executable, _outermost([*wanted, str(PROBE)]))


def _chain(path: str) -> list[str]:
    """Folders that a link's steps lead through, so that it still leads somewhere inside."""
    out = []
    for _ in range(16):
        out.append(os.path.dirname(path))
        if not os.path.islink(path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return [os.path.dirname(folder) for folder in out]


def _outermost(paths: list[str]) -> tuple[str, ...]:
    """The paths without those that lie below another one, or below what every run sees anyway."""
    there = sorted({os.path.abspath(path) for path in paths if os.path.exists(path)})
    kept: list[str] = []
    for path in there:
        if path != "/" and not any(path == above or path.startswith(above + "/") for above in (*SYSTEM, *kept)):
            kept.append(path)
    return tuple(kept)
