"""100,000 asyncio coroutines that sleep for 1 s (the experiment `ten-thousand`): wall time recorded ÷ bare, and all memory.

Recorded means by `schedscope record` with everything on. Time is what the script itself prints, and that of the whole command
beside it. Memory is the recorder's own peak plus the script's highest sample plus the ring between them: an upper bound, for
the peaks need not fall together.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.core import recording
from app.core.records import LaneKind

COUNT = 100_000
MIB = 1 << 20
RING_BYTES = 16 * MIB
SCRIPT = Path(__file__).resolve().parents[1] / "app/experiments/ten_thousand.py"
GOAL_RATIO, GOAL_BYTES = 1.5, 1024 * MIB


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the script's own word and of the whole command; the command's own peak of resident memory."""

    own_s: float
    whole_s: float
    peak_bytes: int


def _timed(command: list[str]) -> Took:
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        whole_s = time.perf_counter() - begin
        out.seek(0)
        said = re.findall(r"asyncio: ([\d.]+) s", out.read())
    if process.returncode or not said:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Took(float(said[0]), whole_s, usage.ru_maxrss * 1024)


def measure(pairs: int) -> None:
    """Prints the ratios, the memory, and what was recorded."""
    words = [str(SCRIPT), "--count", str(COUNT)]
    bare, recorded, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.sched"
        for _ in range(pairs):
            bare.append(_timed([sys.executable, *words]))
            path.unlink(missing_ok=True)
            recorded.append(_timed([sys.executable, "-m", "app", "record", "-o", str(path), *words]))
            run = recording.read([path.read_bytes()])
            memory.append(recorded[-1].peak_bytes + _script_peak(run) + RING_BYTES)
        size_bytes = path.stat().st_size
    end = run.end or {}
    own = [after.own_s / before.own_s for before, after in zip(bare, recorded, strict=True)]
    whole = [after.whole_s / before.whole_s for before, after in zip(bare, recorded, strict=True)]
    print(
        f"\n{COUNT:,} asyncio coroutines that sleep 1 s, median of {pairs} pairs (lowest–highest)\n"
        f"  recorded ÷ bare {statistics.median(own):.2f} ({min(own):.2f}–{max(own):.2f}), goal ≤ {GOAL_RATIO};"
        f" the whole command {statistics.median(whole):.2f} ({min(whole):.2f}–{max(whole):.2f});"
        f" bare {statistics.median(one.own_s for one in bare):.2f} s\n"
        f"  memory of script, ring and recorder {max(memory) / MIB:.0f} MiB at most, goal < {GOAL_BYTES / MIB:.0f};"
        f" of it the recorder {max(one.peak_bytes for one in recorded) / MIB:.0f} MiB\n"
        f"  {end.get('records'):,} records, {end.get('dropped')} lost, {size_bytes / MIB:.1f} MiB on disk"
    )


def _script_peak(run: recording.Recording) -> int:
    lanes = [lane.id for lane in run.lanes if lane.kind is LaneKind.MEMORY]
    return max(int(value) for lane, value in zip(run.counters["lane"], run.counters["value"], strict=True) if lane in lanes)
