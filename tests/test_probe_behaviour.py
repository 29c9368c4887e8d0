"""Other people's tests give the same results observed: scripts/behaviour.py, for `make test-all` only (minutes)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.recorder import probe

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))]
BEHAVIOUR = Path(__file__).resolve().parent.parent / "scripts/behaviour.py"


@pytest.mark.parametrize(
    "suite", ["threading", "signals", "contextvars", "asyncio", "processes", "fork", "greenlet", "gevent", "selectors", "spawn"]
)
def test_the_suite_does_not_see_that_it_is_observed(suite: str) -> None:
    done = subprocess.run([sys.executable, str(BEHAVIOUR), suite], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if f"{suite}: 0 tests" in done.stdout:
        pytest.skip(done.stdout.strip())
