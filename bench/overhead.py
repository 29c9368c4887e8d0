"""Wall and CPU time of a script recorded ÷ bare: ten thousand asyncio tasks, ten thousand greenlets, three spinning threads.

The script itself prints how long its work took, so that interpreter start and the recorder's own end do not count. Recorded
means by `schedscope record` with everything on: tasks, greenlets, threads, GIL, context switches.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from app.core import recording
from bench import command, pairs

PAIRS = 9
"""At least."""

SCRIPTS = {
    "10,000 asyncio tasks × 20 sleep(0)": (
        1.2,
        """
import asyncio, time
async def work():
    for _ in range(20): await asyncio.sleep(0)
async def main(): await asyncio.gather(*(work() for _ in range(10_000)))
begin, cpu = time.perf_counter(), time.process_time()
asyncio.run(main())
print(time.perf_counter() - begin, time.process_time() - cpu)
""",
    ),
    "10,000 greenlets × 20 sleep(0)": (
        1.2,
        """
import gevent, time
def work():
    for _ in range(20): gevent.sleep(0)
begin, cpu = time.perf_counter(), time.process_time()
gevent.joinall([gevent.spawn(work) for _ in range(10_000)])
print(time.perf_counter() - begin, time.process_time() - cpu)
""",
    ),
    "3 spinning threads": (
        1.05,
        """
import threading, time
def work(n=6_000_000):
    while n: n -= 1
begin, cpu = time.perf_counter(), time.process_time()
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(time.perf_counter() - begin, time.process_time() - cpu)
""",
    ),
}


Times = tuple[float, float]
"""Wall and CPU seconds of the work, by the script's own clocks."""


def _times(printed: str) -> Times:
    wall_s, cpu_s = map(float, printed.split())
    return wall_s, cpu_s


def measure(pair_count: int) -> None:
    """Prints two lines a script: the median ratios with the middle half of them, and what was recorded."""
    count = max(pair_count, PAIRS)
    print(f"\nrecorded ÷ bare, median of {count} alternating pairs (middle half)")
    with tempfile.TemporaryDirectory() as folder:
        for name, (goal, source) in SCRIPTS.items():
            script, path = Path(folder) / "script.py", Path(folder) / "run.sched"
            script.write_text(source)
            words = [str(script)]
            command.bare(words)  # warms the page cache for both
            results = pairs.alternate(
                lambda words=words: _times(command.bare(words)),  # type: ignore[misc]
                lambda words=words, path=path: _times(command.recorded(words, path)),  # type: ignore[misc]
                count,
            )
            wall = pairs.ratios([(bare[0], seen[0]) for bare, seen in results])
            cpu = pairs.ratios([(bare[1], seen[1]) for bare, seen in results])
            print(
                f"  {name:36} wall {pairs.shown(wall)}, goal ≤ {goal}; CPU {pairs.shown(cpu)};"
                f" bare {statistics.median(bare[0] for bare, _ in results):.2f} s\n"
                f"  {'':36} {_size(path)}"
            )


def _size(path: Path) -> str:
    run = recording.read([path.read_bytes()])
    rows = len(run.states["t"]) + len(run.flows["t"]) + len(run.marks["t"])
    return f"{rows:,} rows, {(run.end or {}).get('dropped')} records lost, {path.stat().st_size / max(1, rows):.1f} bytes a row"
