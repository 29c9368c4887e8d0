"""Makes the pictures of docs/screenshots: the real page in a real browser, Chinese and English (`make screenshots`).

python scripts/screenshots.py [NAME …]     NAME.zh.webp and NAME.en.webp, of all pictures or of those named

Samples are shown where they will do, so that a picture changes only when the page does; what shows a run is really run.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, Page

from tests.browser import chromium_browser, wait_state
from tests.conftest import find_browser

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/screenshots"
MOST_BYTES = 150_000
QUALITY = 82
LANGUAGES = ("zh", "en")
DESK = {"viewport": {"width": 1440, "height": 900}}
WALL = {"viewport": {"width": 1600, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PROJECTOR = "localStorage.setItem('projector', 'on')"


def show_sample(page: Page) -> None:
    """Past the question, to the sample and the note that lies over it; then the note is folded away."""
    page.locator(".question-next button").click()
    page.locator(".question-next button").click()
    wait_state(page, "sample")
    page.locator("#facts:not([aria-busy]):not([hidden])").wait_for(state="attached")
    page.keyboard.press("q")


def run_it(page: Page) -> None:
    page.locator("#run").click()
    page.mouse.move(2, 2)
    wait_state(page, "finished")
    page.locator("#facts:not([aria-busy]):not([hidden])").wait_for(state="attached")


def point_at(page: Page, part: float) -> None:
    """The cursor on a time: so far along the axis."""
    box = page.locator(".plot").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + part * box["width"], box["y"] + 8)
    page.mouse.move(2, 2)


def live(page: Page) -> None:
    """In the middle of a run, when there is something to see."""
    page.locator("#run").click()
    page.mouse.move(2, 2)
    wait_state(page, "running")
    page.wait_for_function("() => Number(document.querySelector('#timeline').dataset.drawnNs) > 2e9")


def finished(page: Page) -> None:
    """A bar is selected: its times, its reason, its line."""
    run_it(page)
    page.locator(".name:not([hidden])", has_text="Thread-2").first.click()
    page.mouse.move(2, 2)  # or other threads' turns stay pale
    page.wait_for_selector("#details:not([hidden])")


def watch(page: Page) -> None:
    """The step of a lesson that shows the picture."""
    page.locator(".steps button").nth(2).click()
    page.wait_for_function("() => Number(document.querySelector('#timeline').dataset.drawnNs) > 0")


def topology(page: Page) -> None:
    """Messages on their way."""
    show_sample(page)
    page.wait_for_selector("#topology:not([hidden]) svg")
    point_at(page, 0.62)


def nothing(page: Page) -> None:
    """As it opens."""


class Shot:
    """One picture: where, on what screen, and what is done before."""

    def __init__(self, path: str, prepare: Callable[[Page], None], screen: dict[str, object], script: str = "", **more: object):
        self.path, self.prepare, self.script, self.options = path, prepare, script, {**screen, **more}


SHOTS = {
    "live": Shot("/experiments/gil-cpu?count=40000000", live, DESK),
    "finished": Shot("/experiments/gil-cpu", finished, DESK),
    "projector": Shot("/experiments/gil-cpu", watch, WALL, PROJECTOR),
    "dark": Shot("/experiments/asyncio-tasks", show_sample, DESK, color_scheme="dark"),
    "phone": Shot("/experiments/gevent-sleep", run_it, PHONE),
    "compare": Shot("/compare?left=sample:gil-io&right=sample:gil-cpu", lambda page: wait_state(page, "finished"), DESK),
    "topology": Shot("/experiments/rabbit-work", topology, DESK),
    "catalogue": Shot("/", nothing, DESK),
}


@contextmanager
def server() -> Iterator[str]:
    """The address of a server with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--data", folder]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().split()[-1]
            finally:
                process.terminate()


def take(browser: Browser, url: str, shot: Shot, lang: str) -> bytes:
    """The picture, as WebP."""
    context = browser.new_context(**{"color_scheme": "light", **shot.options, "reduced_motion": "reduce"})  # type: ignore[arg-type]
    if shot.script:
        context.add_init_script(shot.script)
    page = context.new_page()
    page.goto(f"{url}{shot.path}{'&' if '?' in shot.path else '?'}lang={lang}")
    page.wait_for_load_state("networkidle")
    shot.prepare(page)
    page.evaluate(
        "async () => { await document.fonts.ready; for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); }"
    )
    session = context.new_cdp_session(page)
    data = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})["data"]
    context.close()
    return base64.b64decode(data)


def main(names: list[str]) -> int:
    """Exit status 1 where there is no browser, or where a picture is larger than a README should carry."""
    executable = find_browser()
    if executable is None:
        print("there is no browser", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    sizes = {}
    with server() as url, chromium_browser(executable) as browser:
        for name in names or SHOTS:
            for lang in LANGUAGES:
                path = FOLDER / f"{name}.{lang}.webp"
                path.write_bytes(take(browser, url, SHOTS[name], lang))
                sizes[path.name] = path.stat().st_size
    print(json.dumps(sizes, indent=1))
    return int(max(sizes.values()) > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
