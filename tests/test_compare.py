"""Two runs on one time axis in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_page, wait_state
from tests.web_tools import ROOT, RunningServer, receive_all, serving, write_experiment

WAITS = """import sys, time
print("began", flush=True)
time.sleep(float(sys.argv[2]))
"""
SECONDS = """
[[parameters]]
name = "seconds"
kind = "float"
default = 0.2
minimum = 0.1
maximum = 5
title = { zh = "秒数", en = "Seconds" }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("compare")
    write_experiment(folder / "experiments", "sleeps", WAITS, parameters=SECONDS)
    (folder / "experiments/samples").mkdir()
    shutil.copy(ROOT / "app/experiments/gevent_sleep.py", folder / "experiments")
    shutil.copy(ROOT / "app/experiments/samples/gevent-sleep.sched", folder / "experiments/samples")
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def runs(server: RunningServer) -> tuple[str, str]:
    """A short run and one three seconds longer."""
    both = [server.start_run("sleeps", seconds=seconds)[0] for seconds in (0.2, 3.2)]
    for run in both:
        with server.watch(run) as viewer:
            receive_all(viewer)
    return both[0], both[1]


def axes(page: Page) -> list[list[float]]:
    """Where each of the two timelines looks, in nanoseconds after its own start, told by the times under two points of its plot."""
    found = []
    for name in ("left", "right"):
        plot = page.locator(f"#timeline-{name} .plot").bounding_box()
        assert plot
        times = []
        for part in (0.25, 0.75):
            page.mouse.move(plot["x"] + plot["width"] * part, plot["y"] + plot["height"] * 0.6)
            page.wait_for_function("name => document.querySelector(`#timeline-${name} .cursor`).textContent", arg=name)
            page.wait_for_timeout(50)
            times.append(_ns(page.locator(f"#timeline-{name} .cursor").inner_text()))
        found.append(times)
    return found


def _ns(text: str) -> float:
    number, unit = text.replace("\u2009", " ").rsplit(" ", 1)
    return float(number.replace(" ", "")) * {"s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1}[unit]


@pytest.mark.browser
def test_both_look_at_the_same_stretch_and_stay_together(
    browser: Browser, server: RunningServer, runs: tuple[str, str]
) -> None:
    page = open_page(browser, f"{server.url}/compare?left={runs[0]}&right={runs[1]}&lang=en")
    wait_state(page, "finished")
    left, right = axes(page)
    assert left == pytest.approx(right, rel=1e-6)
    assert left[1] > 2e9  # the short run's axis goes as far as the long one's
    page.keyboard.press("w")
    page.keyboard.press("d")
    moved = axes(page)
    assert moved[0] == pytest.approx(moved[1], rel=1e-6)
    assert moved[0][1] - moved[0][0] < (left[1] - left[0]) * 0.9
    plot = page.locator("#timeline-right .plot").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + 300, plot["y"] + 60)
    page.mouse.wheel(0, -240)  # the other one leads as well
    wheeled = axes(page)
    assert wheeled[0] == pytest.approx(wheeled[1], rel=1e-6)
    assert wheeled[0][1] - wheeled[0][0] < (moved[0][1] - moved[0][0]) * 0.95
    page.keyboard.press("0")
    assert axes(page)[0] == pytest.approx(left, rel=1e-6)
    assert page.errors == []  # type: ignore[attr-defined]


@pytest.mark.browser
def test_the_difference_is_that_of_the_facts(browser: Browser, server: RunningServer, runs: tuple[str, str]) -> None:
    page = open_page(browser, f"{server.url}/compare?left={runs[0]}&right={runs[1]}&lang=en")
    wait_state(page, "finished")
    facts = [server.http.get(f"/api/runs/{run}/export?format=facts").json() for run in runs]
    cells = page.locator('#difference [data-fact="wall"] td').all_inner_texts()
    assert [_ns(cell) for cell in cells[:2]] == pytest.approx([one["wall_ns"] for one in facts], rel=0.01)
    assert float(cells[2].lstrip("× ")) == pytest.approx(facts[1]["wall_ns"] / facts[0]["wall_ns"], rel=0.01)
    page.click("#swap")
    page.wait_for_url(f"**/compare?left={runs[1]}&right={runs[0]}*")


@pytest.mark.browser
def test_a_run_is_compared_with_the_sample_of_its_experiment(browser: Browser, server: RunningServer) -> None:
    page = open_page(browser, f"{server.url}/experiments/gevent-sleep?lang=en")
    wait_state(page, "sample", "idle")
    assert page.locator("#compare").is_hidden()
    page.click("#run")
    wait_state(page, "finished")
    run = page.url.split("/runs/")[1].split("?")[0]
    page.click("#compare")
    page.get_by_role("link", name="The recorded sample").click()
    page.wait_for_url(f"**/compare?left=sample:gevent-sleep&right={run}*")
    wait_state(page, "finished")
    assert page.locator(".compared-title").all_inner_texts() == [
        "gevent: function 1 and function 2 (recorded sample)",
        "gevent: function 1 and function 2",
    ]
    assert page.locator('#difference [data-fact="wall"] td').count() == 3
    page.click("#swap")
    page.wait_for_url(f"**/compare?left={run}&right=sample:gevent-sleep*")
    wait_state(page, "finished")
    assert page.errors == []  # type: ignore[attr-defined]
    assert server.http.get(f"/compare?left={run}&right=sample:none").status_code == 404


@pytest.mark.browser
def test_a_side_that_cannot_be_read_says_so_and_the_other_is_shown(
    browser: Browser, server: RunningServer, runs: tuple[str, str]
) -> None:
    page = open_page(browser, "about:blank")
    page.route(f"**/api/runs/{runs[1]}/recording", lambda route: route.fulfill(body=b"SCHEDSC\x63" + bytes(40)))
    page.goto(f"{server.url}/compare?left={runs[0]}&right={runs[1]}&lang=en")
    wait_state(page, "failed")
    assert "99" in page.locator("#timeline-right .status-message").inner_text()
    assert "Finished" in page.locator("#timeline-left .compared-about").inner_text()
    page.wait_for_selector("#timeline-left[data-drawn-ns]")


def test_a_comparison_with_a_run_that_is_not_there_says_which(server: RunningServer, runs: tuple[str, str]) -> None:
    answer = server.http.get(f"/compare?left={runs[0]}&right=never")
    assert answer.status_code == 404
    assert "never" in json.dumps(answer.json())
    assert server.http.get(f"/compare?left={runs[0]}").json()["errors"][0]["field"] == "right"
