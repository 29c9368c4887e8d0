"""Other people's tests give the same results observed: scripts/behaviour.py, for `make test-all` only (minutes)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.recorder import probe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing())),
    pytest.mark.timeout(1200),  # a suite runs twice, some for a minute of sleeping, and what differs twice more each way
]
BEHAVIOUR = Path(__file__).resolve().parent.parent / "scripts/behaviour.py"
LONGEST_S = 1500
"""More than the script takes at most: 300 s each way, as long again for what differs, and the last of that once two pairs of 60 s."""


@pytest.mark.parametrize(
    "suite", ["threading", "signals", "contextvars", "asyncio", "processes", "fork", "greenlet", "gevent", "selectors", "spawn"]
)
@pytest.mark.timeout(LONGEST_S + 60)
def test_the_suite_does_not_see_that_it_is_observed(suite: str) -> None:
    command = [sys.executable, str(BEHAVIOUR), suite]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=LONGEST_S)
        finally:  # with it go the processes that a suite has left behind
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, told
    if f"{suite}: 0 tests" in told:
        pytest.skip(told.strip())
