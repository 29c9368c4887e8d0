"""A viewer whose connection breaks in the middle of a run says so, resumes where it was, and ends with the same picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_page, wait_state
from tests.relay import relay
from tests.web_tools import RunningServer, serving, write_experiment

pytestmark = pytest.mark.browser

UNTIL_TOLD = """import os, time
number = 0
while not os.path.exists({enough!r}):
    print("line", number, flush=True)
    number += 1
    time.sleep(0.05)
"""
"""How long a page takes to be there, and to be there again, is the machine's to say: the run goes on until it was seen."""


@pytest.fixture
def enough(tmp_path: Path) -> Path:
    """Made when the run may end."""
    return tmp_path / "enough"


@pytest.fixture
def server(tmp_path: Path, enough: Path) -> Iterator[RunningServer]:
    write_experiment(tmp_path / "experiments", "endless", UNTIL_TOLD.format(enough=str(enough)))
    with serving(tmp_path) as running:
        yield running


def wait_lines(page: Page, least: int) -> None:
    page.wait_for_function("least => document.querySelectorAll('.output-lines li').length >= least", arg=least, timeout=60_000)


def picture(page: Page) -> dict[str, object]:
    """What is on the page at the end: every pixel of the plot, the lanes, the output and its times."""
    wait_state(page, "finished")
    page.wait_for_selector("#facts:not([aria-busy=true]):not([hidden])")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    result: dict[str, object] = page.evaluate("""() => ({
      drawn: document.querySelector("#timeline").dataset.drawnNs,
      pixels: document.querySelector(".plot-bars").toDataURL(),
      names: document.querySelector(".names").innerText,
      output: document.querySelector("#output").innerText,
    })""")
    return result


def test_a_cut_connection_is_told_resumed_and_ends_in_the_same_picture(
    browser: Browser, server: RunningServer, enough: Path
) -> None:
    run, _ = server.start_run("endless")
    with relay(server.url) as wire:
        offsets: list[int] = []
        page = open_page(browser, "about:blank")
        page.on("websocket", lambda socket: offsets.append(int(socket.url.rpartition("from=")[2])))
        page.goto(f"http://127.0.0.1:{wire.port}/runs/{run}?lang=en")
        wait_lines(page, 3)
        wire.down = True
        assert wire.cut() > 0
        page.wait_for_function("() => /reconnecting/.test(document.querySelector('#status').innerText)")
        seen = page.locator(".output-lines li").count()
        wire.down = False
        wait_lines(page, seen + 3)  # it goes on, live
        assert page.evaluate("document.body.dataset.state") == "running"
        assert wire.cut() > 0
        enough.touch()
        ended = picture(page)
        whole = picture(open_page(browser, f"{server.url}/runs/{run}?lang=en"))
    assert len(offsets) >= 3
    assert offsets[0] == 0
    assert offsets[-1] > 0  # from where it was, not from the beginning
    assert offsets == sorted(offsets)
    lines = re.findall(r"line (\d+)", str(ended["output"]))
    assert lines == [str(number) for number in range(len(lines))]
    assert ended == whole
