"""What each hook costs the observed program, beside a bare clock read: one operation a hook, bare and observed in alternating pairs.

The rings are drained and kept while the program runs, the kernel's context switches too, but nothing is made of them: this is the cost
on the program's side. Records are counted in the ring, as written between an operation's begin and end.
"""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.recorder.kernel import Switches
from app.recorder.plain import PlainTarget
from app.recorder.rings import Ring, RingFolder
from bench import pairs, records

SCRIPT = Path(__file__).with_name("operations.py")
PAIRS = 15
"""At least: each is two runs of well under a second."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One operation, once: nanoseconds of wall and of CPU time, and how many records it made (0 when bare)."""

    wall_ns: float
    cpu_ns: float
    records: float


Costs = dict[str, Cost]


def _costs(told: Path, stamps: np.ndarray) -> Costs:
    """By operation; `stamps` are the times of all records, in order."""
    costs = {}
    for name, begin_ns, end_ns, wall_ns, cpu_ns, times in json.loads(told.read_text()):
        made = np.searchsorted(stamps, end_ns) - np.searchsorted(stamps, begin_ns)
        costs[name] = Cost(wall_ns / times, cpu_ns / times, float(made) / times)
    return costs


def _bare(told: Path) -> Costs:
    subprocess.run([sys.executable, str(SCRIPT), str(told)], stdout=subprocess.PIPE, check=True)
    return _costs(told, np.empty(0, np.uint64))


def _observed(told: Path) -> Costs:
    target = PlainTarget([sys.executable, str(SCRIPT), str(told)])
    try:
        kernel = Switches(target.switch_fds)
        target.release()
        stamps, dropped = _drained(target, kernel)
        kernel.close()
    finally:
        target.kill()
        target.close()
    if dropped:
        print(f"  ({dropped:,} records found the ring full in one run)", file=sys.stderr)
    return _costs(told, stamps)


def _drained(target: PlainTarget, kernel: Switches) -> tuple[np.ndarray, int]:
    """The times of all records of all rings, in order, and how many were lost."""
    folder, rings, stamps = RingFolder(target.ring_dir_fd), list[Ring](), list[np.ndarray]()
    waiter = select.poll()
    waiter.register(target.stdout_fd, select.POLLIN)
    ended = None
    while True:
        if waiter.poll(4) and not os.read(target.stdout_fd, 1 << 16):
            waiter.unregister(target.stdout_fd)
        rings += folder.new_rings()
        fresh = [ring.drain()["t_ns"].copy() for ring in rings]
        stamps += fresh
        kernel.collect()
        if ended and not any(map(len, fresh)):
            break
        ended = target.poll()
    for ring in rings:
        ring.close()
    return np.sort(np.concatenate(stamps)), sum(ring.dropped for ring in rings)


def measure(pair_count: int) -> None:
    """Prints one line an operation."""
    clock_ns, record_ns = records.emit_ns()
    count = max(pair_count, PAIRS)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        results = pairs.alternate(lambda: _bare(told), lambda: _observed(told), count)
    print(
        f"\nwhat each hook costs: one operation bare and observed, median of {count} alternating pairs (middle half)\n"
        f"  beside it: a clock read {clock_ns:.0f} ns, a record with its clock read {record_ns:.0f} ns; a hook's cost is the CPU time added\n"
        f"  {'':36}{'wall: bare':>10}{'observed ÷ bare':>20}{'added':>9}{'CPU: bare':>12}{'observed ÷ bare':>20}{'added':>9}"
        f"{'records':>10}{'each':>9}"
    )
    for name in results[0][0]:
        print(_row(name, [(bare[name], observed[name]) for bare, observed in results]))


def _row(name: str, costs: list[tuple[Cost, Cost]]) -> str:
    wall = [(bare.wall_ns, observed.wall_ns) for bare, observed in costs]
    cpu = [(bare.cpu_ns, observed.cpu_ns) for bare, observed in costs]
    made = statistics.median(observed.records for _bare, observed in costs)
    added = _added(cpu)
    each = f"{added / made:6.0f} ns" if made >= 0.5 else ""
    return f"  {name:36}{_side(wall):>39}{_side(cpu):>41}{made:10.1f}{each:>9}"


def _side(sides: list[tuple[float, float]]) -> str:
    before = statistics.median(bare for bare, _observed in sides)
    return f"{_ns(before):>10}{pairs.shown(pairs.ratios(sides)):>20}{_ns(_added(sides)):>9}"


def _added(sides: list[tuple[float, float]]) -> float:
    return statistics.median(observed - bare for bare, observed in sides)


def _ns(value: float) -> str:
    return f"{value / 1000:.1f} µs" if abs(value) >= 10_000 else f"{value:.0f} ns"
