"""Wall time of a script recorded ÷ bare: ten thousand asyncio tasks, ten thousand greenlets, three spinning threads.

The script itself prints how long its work took, so that interpreter start and the recorder's own end do not count. Recorded
means with everything on: tasks, greenlets, threads, GIL, context switches.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from app.core import recording
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record

SCRIPTS = {
    "10,000 asyncio tasks × 20 sleep(0)": (
        1.2,
        """
import asyncio, time
async def work():
    for _ in range(20): await asyncio.sleep(0)
async def main(): await asyncio.gather(*(work() for _ in range(10_000)))
begin = time.perf_counter(); asyncio.run(main()); print(time.perf_counter() - begin)
""",
    ),
    "10,000 greenlets × 20 sleep(0)": (
        1.2,
        """
import gevent, time
def work():
    for _ in range(20): gevent.sleep(0)
begin = time.perf_counter(); gevent.joinall([gevent.spawn(work) for _ in range(10_000)]); print(time.perf_counter() - begin)
""",
    ),
    "3 spinning threads": (
        1.05,
        """
import threading, time
def work(n=6_000_000):
    while n: n -= 1
begin = time.perf_counter()
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(time.perf_counter() - begin)
""",
    ),
}


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def _bare(script: Path) -> float:
    done = subprocess.run([sys.executable, script], capture_output=True, check=True, env=_environment())
    return float(done.stdout)


def _recorded(script: Path) -> tuple[float, recording.Recording, int]:
    out = io.BytesIO()
    document = header.document(script_path=str(script), source=script.read_text(), interpreter=header.interpreter())
    os.environ.pop("PYTHONUNBUFFERED", None)
    record(PlainTarget([sys.executable, str(script)]), out, document, Bounds())
    run = recording.read([out.getvalue()])
    return float(b"".join(data for _t, _stream, data in run.output)), run, len(out.getvalue())


def measure(pairs: int) -> None:
    """Prints one line a script: the median ratio, its spread, and what was recorded."""
    print(f"\nrecorded ÷ bare, median of {pairs} alternating pairs (lowest–highest)")
    with tempfile.TemporaryDirectory() as folder:
        for name, (goal, source) in SCRIPTS.items():
            script = Path(folder) / "script.py"
            script.write_text(source)
            _bare(script)  # warms the page cache for both
            ratios, bares = [], []
            for _ in range(pairs):
                bare, (seconds, run, size) = _bare(script), _recorded(script)
                ratios.append(seconds / bare)
                bares.append(bare)
            end = run.end or {}
            rows = len(run.states["t"]) + len(run.flows["t"]) + len(run.marks["t"])
            print(
                f"  {name:36} {statistics.median(ratios):5.2f} ({min(ratios):.2f}–{max(ratios):.2f}), goal ≤ {goal};"
                f" bare {statistics.median(bares):.2f} s; {rows:,} records, {end.get('dropped')} lost, {size / max(1, rows):.1f} bytes each"
            )
