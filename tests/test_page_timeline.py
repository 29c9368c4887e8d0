"""The timeline's ways of reading in a real browser: keys, search, pins, replay, and an address that restores the view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app import resources
from tests.browser import at_rest, open_page, wait_state
from tests.samples import SHAPES
from tests.test_page import errors_of, picture, settle
from tests.web_tools import RunningServer, serving, store_recording

pytestmark = [pytest.mark.browser]


WITH_MEMORY = resources.samples_dir() / "gil-io.sched"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("timeline")
    (folder / "experiments").mkdir()
    runs = {shape: store_recording(folder, SHAPES[shape]()) for shape in ("gevent", "asyncio", "threads", "lanes")}
    runs["memory"] = store_recording(folder, WITH_MEMORY.read_bytes())
    with serving(folder) as server:
        yield server, runs


def opened(browser: Browser, stored: tuple[RunningServer, dict[str, str]], shape: str, **options: Any) -> Page:
    server, runs = stored
    page = open_page(browser, f"{server.url}/runs/{runs[shape]}?lang=en", **options)
    wait_state(page, "finished")
    settle(page)
    return page


def hash_of(page: Page, part: str) -> str:
    """What the address says after it has come to rest."""
    page.wait_for_function("part => location.hash.includes(part)", arg=part)
    return str(page.evaluate("location.hash"))


def names(page: Page) -> list[str]:
    return page.locator(".name:not([hidden]) .name-text").all_inner_texts()


def test_keys_zoom_pan_and_fit(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    page.mouse.move(900, 420)
    whole = picture(page)
    for key in ("w", "w", "d", "a", "s"):
        before = picture(page)
        page.keyboard.press(key)
        assert picture(page) != before, key
    for key in ("0", "f"):
        page.keyboard.press("w")
        page.keyboard.press(key)
        assert picture(page) == whole, key
    assert errors_of(page) == []


def test_the_wheel_keeps_the_time_under_the_pointer(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    box = page.locator(".plot").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 200)
    settle(page)
    before = page.locator("#cursor").inner_text()
    page.mouse.wheel(0, -600)
    hash_of(page, "t=")
    settle(page)
    digits = lambda text: float("".join(one for one in text if one.isdigit() or one == "."))  # noqa: E731
    assert digits(page.locator("#cursor").inner_text()) == pytest.approx(
        digits(before), rel=1e-3
    )  # a wheel event knows whole pixels only


def seen_s(page: Page) -> tuple[float, float]:
    """The stretch of time in sight, as the address has it."""
    found = re.search(r"t=(-?[\d.]+)-([\d.]+)", at_rest(page))
    assert found, page.url
    return float(found[1]), float(found[2])


def test_the_mouse_zooms_to_a_bar_measures_and_moves_the_minimap(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    plot, minimap = page.locator(".plot").bounding_box(), page.locator("#minimap").bounding_box()
    row = page.locator(".name:not([hidden])", has_text="func1").bounding_box()
    assert plot
    assert minimap
    assert row
    page.mouse.dblclick(plot["x"] + plot["width"] / 2, row["y"] + row["height"] / 2)
    hash_of(page, "t=")
    start_s, end_s = seen_s(page)
    lasted = page.locator("#details").inner_text()  # the bar that was hit fills the view but for a margin
    assert "Lasted" in lasted
    number, unit = re.findall(r"Lasted\s+([\d\u2009. ]+?)\s*(s|ms)\b", lasted)[0]
    bar_s = float(re.sub(r"\s", "", number)) * {"s": 1, "ms": 1e-3}[unit]
    assert bar_s < end_s - start_s <= 1.21 * bar_s
    before = picture(page)
    page.keyboard.down("Shift")
    page.mouse.move(plot["x"] + 200, plot["y"] + 200)
    page.mouse.down()
    page.mouse.move(plot["x"] + 500, plot["y"] + 200, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert seen_s(page) == (start_s, end_s)  # measured, not moved
    assert picture(page) != before
    for key in ("0", "w", "w", "w"):
        page.keyboard.press(key)
    hash_of(page, "t=")
    start_s, end_s = seen_s(page)
    page.mouse.move(minimap["x"] + minimap["width"] * 0.9, minimap["y"] + 10)
    page.mouse.down()
    pressed = seen_s(page)  # its middle has come to where one pressed
    page.mouse.move(minimap["x"] + minimap["width"] * 0.6, minimap["y"] + 10, steps=3)
    page.mouse.up()
    moved = seen_s(page)
    assert moved[1] - moved[0] == pytest.approx(end_s - start_s, rel=1e-6)
    assert start_s < moved[0] < pressed[0]
    assert errors_of(page) == []


def test_search_goes_from_one_to_the_next_and_round(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    page.keyboard.press("/")
    page.keyboard.type("timer")
    count = page.locator("#find-count")
    assert count.inner_text() == "2"
    lanes = []
    for _ in range(3):
        page.keyboard.press("Enter")
        lanes.append(page.locator("#details").inner_text().split("greenlet ")[1].split("\n")[0])
    assert lanes == ["func1", "func2", "func1"]
    page.keyboard.press("Shift+Enter")
    assert count.inner_text() == "2 / 2"
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("no such thing")
    assert count.inner_text() == "not found"
    assert errors_of(page) == []


def test_memory_under_the_pointer_is_told(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "memory")
    row = page.locator(".name:not([hidden])", has_text="memory").bounding_box()
    plot = page.locator(".plot").bounding_box()
    assert row
    assert plot
    page.mouse.move(plot["x"] + plot["width"] / 2, row["y"] + row["height"] / 2)
    tooltip = page.locator(".tooltip")
    expect(tooltip).to_contain_text("gil_io.py")
    # The sample's process has at most the 13 MB that its row says.
    assert re.match(r"1[0-3](\.\d+)?\u2009MB", tooltip.inner_text())
    page.mouse.move(plot["x"] + 2, row["y"] + row["height"] / 2)  # before the first sample
    expect(tooltip).to_be_hidden()
    assert errors_of(page) == []


def test_lanes_are_pinned_and_moved(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    func2 = page.locator(".name:not([hidden])", has_text="func2")
    func2.hover()
    func2.locator(".pin").click()
    settle(page)
    assert names(page)[0] == "func2"
    assert page.locator(".name.is-pinned").count() == 1
    page.locator(".name.is-pinned .pin").click()
    settle(page)
    assert names(page)[-2:] == ["func1", "func2"]
    page.locator(".name:not([hidden])", has_text="func2").focus()
    page.keyboard.press("Alt+ArrowUp")
    settle(page)
    assert names(page)[-2:] == ["func2", "func1"]
    row = page.locator(".name:not([hidden])", has_text="func2").bounding_box()
    assert row
    page.mouse.move(row["x"] + 60, row["y"] + row["height"] / 2)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(row["x"] + 60, row["y"] + row["height"] * (0.5 + step / 7))
    page.mouse.up()
    settle(page)
    assert names(page)[-2:] == ["func1", "func2"]
    assert errors_of(page) == []


def test_ten_thousand_tasks_are_one_row_until_unfolded_and_then_only_rows_in_sight(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "lanes")
    assert names(page)[-1].startswith("sleeper · 10")
    folded = picture(page)
    page.locator(".name[data-row='density']").click()
    settle(page)
    assert page.locator(".name").count() < 60
    page.evaluate("() => { document.querySelector('.timeline-scroller').scrollTop = 1e9; }")
    page.locator(".name", has_text="Task-9999 sleeper").wait_for()
    assert page.locator(".name").count() < 60
    page.evaluate("() => { document.querySelector('.timeline-scroller').scrollTop = 0; }")
    page.locator(".name[data-row='density']").click()
    page.mouse.move(5, 5)
    assert picture(page) == folded
    assert errors_of(page) == []


def test_stepping_by_event_selects_it_and_the_panels_follow(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    seen, later = [], []
    for _ in range(12):
        page.keyboard.press("]")
        seen.append(page.locator("#details").inner_text())
        later.append(page.locator("#output .is-later").count())
    assert len(set(seen)) == 12
    assert later[0] == 2
    assert later[-1] == 0
    assert later == sorted(later, reverse=True)
    for expected in reversed(seen[:-1]):
        page.keyboard.press("[")
        assert page.locator("#details").inner_text() == expected
    page.locator("#output li").first.click()
    assert page.locator("#output .is-later").count() == 1
    page.keyboard.press("l")
    assert page.locator("#output .is-later").count() == 0
    assert not page.evaluate("document.body.classList.contains('looks-back')")
    assert errors_of(page) == []


def test_replay_plays_through_the_run_and_stops_at_its_end(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    page.locator("#speed").select_option("0.01")
    page.locator("#play").click()
    page.wait_for_function("() => document.querySelector('#play').dataset.action === 'pause'")
    page.wait_for_function("() => document.querySelectorAll('#output .is-later').length > 0")
    page.locator("#speed").select_option("10")
    page.wait_for_function("() => document.querySelector('#play').dataset.action === 'play'")
    assert page.locator("#output .is-later").count() == 0
    assert hash_of(page, "c=").split("c=")[1].startswith("2.03")
    assert errors_of(page) == []


def test_the_cursor_is_dragged_along_the_axis(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    box = page.locator(".plot").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 10, steps=4)
    page.mouse.up()
    first = float(hash_of(page, "c=").split("c=")[1])
    assert 0 < first < 2.1
    assert "t=" not in page.evaluate("location.hash"), "the view stays where it was"


def test_the_address_restores_the_very_view(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent")
    page.locator(".name:not([hidden])", has_text="func1").click()
    page.keyboard.press("i")
    settle(page)
    page.locator(".name:not([hidden])", has_text="func2").focus()
    page.keyboard.press("Alt+ArrowUp")
    page.mouse.move(900, 420)
    page.keyboard.press("w")
    page.keyboard.press("w")
    page.keyboard.press("]")
    page.mouse.move(5, 5)
    for part in ("t=", "b=", "c=", "p=", "o="):
        hash_of(page, part)
    other = open_page(browser, page.url)
    wait_state(other, "finished")
    other.mouse.move(5, 5)
    assert picture(other) == picture(page)
    assert names(other) == names(page)
    for panel in ("#details", "#source .is-lit", "#cursor"):
        assert other.locator(panel).all_inner_texts() == page.locator(panel).all_inner_texts(), panel
    assert other.evaluate("location.hash") == page.evaluate("location.hash")
    assert errors_of(other) == []


def test_two_fingers_zoom_and_pan(stored: Any, browser: Browser) -> None:
    page = opened(browser, stored, "gevent", has_touch=True, viewport={"width": 420, "height": 900})
    box = page.locator(".plot").bounding_box()
    assert box
    cdp = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + 150

    def touch(kind: str, apart: float, shift: float = 0.0) -> None:
        points = (
            [] if kind == "touchEnd" else [{"x": x + side * apart + shift, "y": y, "id": i} for i, side in enumerate((-1, 1))]
        )
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 30)
    for step in range(1, 6):
        touch("touchMove", 30 + 10 * step, 4.0 * step)
    touch("touchEnd", 0)
    text = hash_of(page, "t=").split("t=")[1].lstrip("-")
    begin, _, end = text.split("&")[0].rpartition("-")
    assert float(end) - abs(float(begin)) < 1.5, "the view is no narrower than before"
    assert errors_of(page) == []
