"""How many cores this machine really gives: one process spins, then as many as there are cores, and the rates are compared.

A machine may report two cores and give one: hyper-threads share one, a hypervisor or other programs take them. What counts is the work
done (loops), not CPU time, for a hypervisor's share is charged to whoever it was taken from. Takes about 0.3 s of all cores: never beside a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

_MOST_PROCESSES = 16
_START_S, _SPIN_S = 0.1, 0.1
_SPIN = """
import sys, time
alone, first, together, last = map(float, sys.argv[1:])

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

    `measured_s` is unix time. Blocks for about 0.3 s. Raises OSError where no process can be started, ValueError where one said nothing.
    """
    begin = time.monotonic()
    processes = min(cores or len(os.sched_getaffinity(0)), _MOST_PROCESSES)
    alone = begin + _START_S + 0.01 * processes
    together = alone + _SPIN_S
    running = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SPIN, *map(str, (alone, int(number == 0), together, together + _SPIN_S))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for number in range(processes)
    ]
    rates = [[float(word) for word in process.communicate()[0].split()] for process in running]
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
