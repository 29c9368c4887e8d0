"""A lecture in real browsers: a teacher with a projector and a presenter window, and two phones."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app import resources
from tests.browser import at_rest, open_page, wait_state
from tests.web_tools import SANDBOXED, RunningServer, serving

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WALL = {"viewport": {"width": 1920, "height": 1080}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("lecture")
    settings = {"SCHEDSCOPE_EXPERIMENTS_DIR": str(resources.experiments_dir()), "SCHEDSCOPE_ROOMS_PER_CLIENT": "100"}
    with serving(folder, SANDBOXED, **settings) as running:
        yield running


def teach(browser: Browser, server: RunningServer, experiment: str = "gevent-sleep") -> tuple[Page, str]:
    """A projector's page with a room that is open; its code."""
    page = open_page(browser, f"{server.url}/experiments/{experiment}?lang=en", **WALL)
    wait_state(page, "idle")
    page.keyboard.press("p")
    page.keyboard.press("o")
    code = page.locator(".room-code").inner_text()
    expect(page.locator(".room-qr svg")).to_be_visible()
    expect(page.locator(".room-local")).to_contain_text("--host 0.0.0.0")  # the tests' server is this machine's alone
    page.keyboard.press("Escape")
    return page, code


def join(browser: Browser, server: RunningServer, code: str) -> Page:
    phone = open_page(browser, f"{server.url}/room/{code.lower()}?lang=en", **PHONE)
    expect(phone.locator(".room-bar")).to_contain_text("following")
    return phone


def hidden_px(page: Page) -> int:
    """How much of the question step a wall of 1280 × 720 has no room for; the page then has its own size again."""
    page.set_viewport_size({"width": 1280, "height": 720})
    name = page.locator(".crumb h1")
    assert name.evaluate("(h1) => h1.clientWidth / h1.scrollWidth") > 0.7, name.inner_text()
    px = int(page.evaluate("() => { const a = document.querySelector('.about'); return a.scrollHeight - a.clientHeight; }"))
    page.set_viewport_size(WALL["viewport"])
    return px


def bar_of(page: Page, text: str) -> None:
    expect(page.locator(".room-bar")).to_contain_text(text)


def in_order(*pages: Page) -> None:
    assert [page.errors for page in pages] == [[]] * len(pages)  # type: ignore[attr-defined]


def looking(page: Page) -> str:
    """Range, selection and cursor, as the address has them."""
    return ";".join(re.findall(r"[tbc]=[^&]*", at_rest(page)))


def test_phones_vote_follow_the_run_leave_and_come_back(server: RunningServer, browser: Browser) -> None:
    teacher, code = teach(browser, server)
    one = open_page(browser, f"{server.url}/experiments/gevent-sleep?lang=en", **PHONE)
    one.locator(".answer").nth(1).click()  # a guess from before the room counts in it
    one.goto(f"{server.url}/room/{code.lower()}?lang=en")
    two = join(browser, server, code)
    expect(teacher.locator(".room-badge")).to_contain_text("· 2")
    expect(one.locator("#run")).to_be_hidden()
    assert "counter(answer" in one.evaluate("() => getComputedStyle(document.querySelector('.answer'), '::before').content")

    two.locator(".answer").nth(0).click()
    two.locator(".answer").nth(1).click()
    bar_of(one, "your vote is in")
    expect(teacher.locator(".room-badge")).to_contain_text("2 votes")
    assert teacher.locator(".votes").count() == one.locator(".votes").count() == 0
    teacher.keyboard.press("v")
    for page in (teacher, one, two):
        expect(page.locator(".vote-count").nth(1)).to_have_text("2 · 100 %")
        expect(page.locator(".vote-count").nth(0)).to_have_text("0 · 0 %")

    teacher.keyboard.press("PageDown")
    for page in (teacher, one, two):
        wait_state(page, "finished")
    run = teacher.url.split("/runs/")[1].split("?")[0]
    assert f"/runs/{run}" in one.url
    assert f"/runs/{run}" in two.url

    teacher.keyboard.press("PageDown")
    teacher.keyboard.press("]")
    teacher.keyboard.press("]")
    teacher.keyboard.press("w")
    there = looking(teacher)
    assert re.search(r"t=.*b=.*c=", there)
    one.wait_for_function("(there) => there.split(';').every((part) => location.hash.includes(part))", arg=there)

    two.locator(".room-bar button").click()
    bar_of(two, "on your own")
    two.locator("#fit").click()
    teacher.keyboard.press("]")
    moved = looking(teacher)
    assert moved != there
    one.wait_for_function("(moved) => moved.split(';').every((part) => location.hash.includes(part))", arg=moved)
    assert looking(two) != moved
    two.locator(".room-bar button").click()
    two.wait_for_function("(moved) => moved.split(';').every((part) => location.hash.includes(part))", arg=moved)
    in_order(teacher, one, two)


def test_whoever_touches_the_picture_explores(server: RunningServer, browser: Browser) -> None:
    teacher, code = teach(browser, server)
    phone = join(browser, server, code)
    teacher.keyboard.press("PageDown")
    wait_state(phone, "finished")
    box = phone.locator(".plot").bounding_box()
    assert box
    phone.touchscreen.tap(box["x"] + 40, box["y"] + 60)
    bar_of(phone, "on your own")
    in_order(teacher, phone)


def test_a_small_wall_holds_the_votes_and_the_room_goes_along_to_the_next_experiment(
    server: RunningServer, browser: Browser
) -> None:
    teacher, code = teach(browser, server, "programs")
    phone = join(browser, server, code)
    assert hidden_px(teacher) == 0
    teacher.keyboard.press("v")
    expect(teacher.locator(".vote")).to_have_count(3)
    assert hidden_px(teacher) == 0
    following = str(teacher.locator('.course a[rel="next"]').get_attribute("href")).split("?")[0]
    teacher.locator(".steps button").nth(3).click()
    teacher.keyboard.press("PageDown")
    teacher.wait_for_url(f"**{following}?*")
    phone.wait_for_url(f"**{following}?*room={code}*")
    bar_of(phone, "following")
    expect(teacher.locator(".room-badge")).to_contain_text(code)
    expect(phone.locator(".question-text")).to_be_visible()


def test_a_phone_that_was_away_comes_back_to_where_the_teacher_is(server: RunningServer, browser: Browser) -> None:
    teacher, code = teach(browser, server)
    phone = join(browser, server, code)
    phone.context.set_offline(True)
    phone.evaluate("() => window.dispatchEvent(new Event('offline'))")
    teacher.keyboard.press("PageDown")
    wait_state(teacher, "finished")
    teacher.keyboard.press("PageDown")
    phone.context.set_offline(False)
    phone.wait_for_function("() => location.pathname.startsWith('/runs/')")
    wait_state(phone, "finished")
    bar_of(phone, "following")


def test_a_closed_room_is_said_to_be_closed(server: RunningServer, browser: Browser) -> None:
    teacher, code = teach(browser, server)
    phone = join(browser, server, code)
    teacher.keyboard.press("o")
    teacher.get_by_text("Close the room").click()
    bar_of(phone, "closed")
    expect(teacher.locator(".room-badge")).to_have_text("Open a room")
    phone.goto(f"{server.url}/room/{code}?lang=en")
    expect(phone.get_by_role("alert")).to_contain_text(code)


def test_the_presenter_window_has_the_notes_and_drives_the_wall(server: RunningServer, browser: Browser) -> None:
    teacher = open_page(browser, f"{server.url}/experiments/gil-io?lang=en", **WALL)
    wait_state(teacher, "idle")
    teacher.keyboard.press("p")
    with teacher.context.expect_page() as opened:
        teacher.keyboard.press("n")
    notes = opened.value
    expect(notes.locator("#question-text")).not_to_be_empty()
    expect(notes.locator(".is-correct")).to_be_visible()
    expect(notes.locator("#note")).not_to_be_empty()
    expect(notes.locator("#next-step")).to_have_text("Run")
    assert notes.evaluate("() => document.documentElement.dataset.projector") is None
    expect(notes.locator("#timer")).to_have_text(re.compile(r"^00:0[1-9]$"))
    notes.keyboard.press("PageDown")
    wait_state(teacher, "finished")
    assert teacher.evaluate("() => document.body.dataset.step") == "run"
    notes.locator("#blank").click()
    expect(teacher.locator("body")).to_have_attribute("data-blank", "on")
    notes.keyboard.press("PageDown")
    expect(teacher.locator("body")).not_to_have_attribute("data-blank", "on")
    notes.locator("#steps button").nth(3).click()
    expect(teacher.locator(".facts-said")).to_be_visible()
    notes.keyboard.press("ArrowRight")
    teacher.wait_for_url(lambda url: "/experiments/" in url and "gil-io" not in url)
    expect(notes.locator("#next-step")).to_have_text("Run")
    expect(notes.locator("#title")).not_to_have_text("")
    in_order(teacher)
