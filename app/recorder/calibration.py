"""How many cores this machine really gives: one process spins, then as many as there are cores, and the rates are compared.

A machine may report two cores and give one: hyper-threads share one, a hypervisor or other programs take them. What counts is the work
done (loops), not CPU time, for a hypervisor's share is charged to whoever it was taken from. Takes about 0.3 s of all cores: never beside a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import IO, Any, cast

_MOST_PROCESSES = 16
_LEAD_S, _SPIN_S = 0.02, 0.1
_SPIN = """
import sys, time
print(flush=True)
alone, first, together, last = map(float, sys.stdin.readline().split())

def rate(begin, end):
    time.sleep(max(0, begin - time.monotonic()))
    begin, loops = time.monotonic(), 0
    while time.monotonic() < end:
        for _ in range(500): pass
        loops += 1
    return loops / max(time.monotonic() - begin, 1e-9)

print(rate(alone, together) if first else 0, rate(together, last))
"""


def calibrate(cores: int | None = None) -> dict[str, Any]:
    """`{"cores_given", "processes", "measured_s", "took_s"}`: the work of `processes` (one a core, at most 16) at once over the best of one.

    `measured_s` is unix time. Blocks for about 0.3 s, longer where processes start slowly. Raises OSError where none can be started,
    ValueError where one said nothing.
    """
    begin = time.monotonic()
    processes = min(cores or len(os.sched_getaffinity(0)), _MOST_PROCESSES)
    rates = _rates(processes)
    if any(len(rate) != 2 for rate in rates) or not rates[0][0]:
        raise ValueError("a process that was to be measured said nothing")
    one_core = max(max(rate) for rate in rates)  # others may have disturbed the one that was alone
    given = sum(rate[1] for rate in rates) / one_core
    return {
        "cores_given": round(given, 2),
        "processes": processes,
        "measured_s": time.time(),
        "took_s": round(time.monotonic() - begin, 3),
    }


def _rates(processes: int) -> list[list[float]]:
    """Loops a second of each: while the first spins alone, and of all at once. None begins before the last has started, however late."""
    with ExitStack() as stack:
        running = [stack.enter_context(_spinner()) for _ in range(processes)]
        pipes = cast("list[tuple[IO[str], IO[str]]]", [(process.stdin, process.stdout) for process in running])
        for _orders, answers in pipes:
            answers.readline()
        alone = time.monotonic() + _LEAD_S
        together = alone + _SPIN_S
        for number, (orders, _answers) in enumerate(pipes):
            orders.write(f"{alone} {int(number == 0)} {together} {together + _SPIN_S}\n")
            orders.flush()
        return [[float(word) for word in answers.readline().split()] for _orders, answers in pipes]


def _spinner() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _SPIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
