"""The page in real Chromium over a real server: click → first bar on screen, and record written → drawn.

The first includes starting the sandbox, the interpreter and gevent's own import. The second is, for every state of a run, how
long after its time stamp the first frame was drawn that shows it (both clocks are this machine's; the frame is counted when its
drawing commands are issued, before the compositor shows it).
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from app.core import recording
from tests.browser import chromium_browser, open_page, wait_state
from tests.conftest import find_browser
from tests.web_tools import ROOT, SANDBOXED, RunningServer, serving


def measure(pairs: int) -> None:
    """Prints both, over as many runs as pairs."""
    executable = find_browser()
    if executable is None:
        print("\nthe page: not measured, there is no browser here")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "app/experiments", folder / "experiments")
        with serving(folder, SANDBOXED) as server, chromium_browser(executable) as browser:
            _first_bar(server, browser, pairs)
            _latency(server, browser, pairs)


def _clicked(server: RunningServer, browser: Browser, experiment: str) -> tuple[float, list[list[float]], str]:
    """One run: when it was clicked (wall clock, ms), the frames that showed something newer, the run's id."""
    page = open_page(browser, f"{server.url}/experiments/{experiment}?lang=en")
    wait_state(page, "idle")
    clicked_ms = page.evaluate(
        """() => { const ms = performance.timeOrigin + performance.now(); document.querySelector("#run").click(); return ms; }"""
    )
    wait_state(page, "finished")
    frames = page.evaluate("window.drawn")
    run = page.url.split("/runs/")[1].split("?")[0]
    page.close()
    return clicked_ms, [[ms, newest_ns] for ms, newest_ns, _state in frames if newest_ns > 0], run


def _first_bar(server: RunningServer, browser: Browser, runs: int) -> None:
    waits, script_waits = [], []
    for _ in range(runs):
        clicked_ms, frames, run = _clicked(server, browser, "gevent-sleep")
        recorded = recording.read([server.http.get(f"/api/runs/{run}/recording").content])
        waits.append(frames[0][0] - clicked_ms)
        first_mark_ns = int(recorded.marks["t"][0]) - recorded.header["t0_ns"]
        shown = next(ms for ms, newest_ns in frames if newest_ns >= first_mark_ns)
        script_waits.append(shown - clicked_ms)
    print(
        f"\nclick → first bar on screen: median {statistics.median(waits):.0f} ms ({min(waits):.0f}–{max(waits):.0f}), goal ≤ 400"
    )
    print(f"click → the script's own first line on screen, gevent imported: median {statistics.median(script_waits):.0f} ms")


def _latency(server: RunningServer, browser: Browser, runs: int) -> None:
    late_ms: list[np.ndarray] = []
    to_wall_ms = (time.time_ns() - time.monotonic_ns()) / 1e6
    for _ in range(runs):
        _clicked_ms, frames, run = _clicked(server, browser, "gil-cpu")
        recorded = recording.read([server.http.get(f"/api/runs/{run}/recording").content])
        drawn_ms, newest_ns = np.array(frames).T
        stamped_ns = recorded.states["t"].astype(np.int64) - recorded.header["t0_ns"]
        frame = np.searchsorted(newest_ns, stamped_ns)
        shown = frame < len(newest_ns)
        late_ms.append(drawn_ms[frame[shown]] - (stamped_ns[shown] + recorded.header["t0_ns"]) / 1e6 - to_wall_ms)
    late = np.concatenate(late_ms)
    print(
        f"record written → drawn, {len(late):,} states of gil-cpu: median {np.median(late):.0f} ms, "
        f"p99 {np.percentile(late, 99):.0f} ms, worst {late.max():.0f} ms, goal p99 ≤ 100"
    )
