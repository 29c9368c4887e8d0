"""A hundred thousand coroutines on the page: how fast a finished recording of them opens, and how smoothly it pans.

The recording is a real one (`asyncio.sleep(1)` a hundred thousand times over, recorded as `schedscope record` does it). Goals: the
picture in under 2 s, and no frame in a pan and zoom, or in the unfolded list of single tasks, longer than a thirtieth of a second at p95.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record
from bench.viewers import FRAMES
from tests.browser import chromium_browser
from tests.conftest import find_browser
from tests.web_tools import serving, store_recording

TASKS = 100_000
SCRIPT = f"""import asyncio


async def work():
    await asyncio.sleep(1)


async def main():
    await asyncio.gather(*(work() for _ in range({TASKS})))


asyncio.run(main())
"""
AT = (900, 600)


def measure(pairs: int) -> None:
    """Prints the median over as many openings as pairs."""
    executable = find_browser()
    if executable is None:
        print("\na crowd on the page: not measured, there is no browser here")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "experiments").mkdir()
        run = store_recording(folder, _recorded(folder), "crowd.py")
        with serving(folder) as server:
            rows = []
            for _ in range(pairs):
                with chromium_browser(executable) as browser:
                    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                    rows.append(_round(page, f"{server.url}/runs/{run}?lang=en"))
    opened, panned, listed = (sorted(column)[len(rows) // 2] for column in zip(*rows, strict=True))
    print(
        f"\n{TASKS:,} coroutines, finished: picture {opened / 1000:.2f} s after navigation (goal ≤ 2);"
        f" frames p95 {panned:.1f} ms while panning and zooming, {listed:.1f} ms with every task a row (goal ≤ 33.3)"
    )


def _recorded(folder: Path) -> bytes:
    script, out = folder / "crowd.py", io.BytesIO()
    script.write_text(SCRIPT)
    document = header.document(script_path=str(script), source=SCRIPT, interpreter=header.interpreter())
    record(PlainTarget([sys.executable, str(script)]), out, document, Bounds())
    return out.getvalue()


def _round(page: Page, url: str) -> tuple[float, float, float]:
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => document.body?.dataset.state === 'finished'", timeout=60_000)
    opened_ms = page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    )
    page.wait_for_timeout(3000)  # the server makes the facts meanwhile, and shares this machine
    panned = page.evaluate(FRAMES, [*AT, False])
    page.locator(".name[data-row='density']").first.click()
    page.evaluate("() => { document.querySelector('.timeline-scroller').scrollTop = 500_000; }")
    listed = page.evaluate(FRAMES, [*AT, False])
    return float(opened_ms), float(panned["p95"]), float(listed["p95"])
