"""A script recorded as its user would: by the command, in a process of its own, whose niceness nothing measured later inherits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def environment() -> dict[str, str]:
    """Of both sides; a script must buffer its lines as it does by itself."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def bare(words: Sequence[str]) -> str:
    """Runs the script; what it printed. Raises CalledProcessError."""
    return _printed([sys.executable, *words])


def recorded(words: Sequence[str], path: Path) -> str:
    """Runs the script recorded into `path`, made anew; what it printed. Raises CalledProcessError."""
    path.unlink(missing_ok=True)
    return _printed([sys.executable, "-m", "app", "record", "-o", str(path), *words])


def _printed(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment()).stdout
