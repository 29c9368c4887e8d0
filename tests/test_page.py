"""The page in a real browser, over a real server, sandbox and run."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_page, wait_state
from tests.web_tools import ROOT, SANDBOXED, RunningServer, serving, write_experiment

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(ROOT / "app/experiments", folder / "experiments")
    write_experiment(folder / "experiments", "broken", "return 1\n", order=900)  # parsed, but refused by the compiler
    write_experiment(folder / "experiments", "endless", "while True: pass\n", order=901, extra="time_limit_s = 1")
    # As gevent-sleep, with time enough between its lines for another page to be opened.
    slow = (ROOT / "app/experiments/gevent_sleep.py").read_text("utf-8").replace("gevent-sleep", "gevent-slow")
    slow = slow.replace("gevent.sleep(2)", "gevent.sleep(9)").replace("gevent.sleep(1)", "gevent.sleep(3)")
    (folder / "experiments/gevent_slow.py").write_text(slow, "utf-8")
    with serving(folder, SANDBOXED) as running:
        yield running


def settle(page: Page) -> None:
    """Until the facts have taken their room, and what was asked for is drawn."""
    page.locator("#facts:not([aria-busy])").wait_for(state="attached")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def picture(page: Page) -> str:
    """What the timeline's canvas shows, as a digest."""
    settle(page)
    return hashlib.sha256(page.locator("canvas.plot-bars").screenshot()).hexdigest()


def printed_ns(server: RunningServer, page: Page, *lines: str) -> list[int]:
    """When the run on this page printed each of these lines, after its recording's start."""
    run = page.url.split("/runs/")[1].split("?")[0]
    told = server.http.get(f"/api/runs/{run}/export").json()
    return [next(t for t, _lane, _kind, text in told["marks"] if line in text) - told["header"]["t0_ns"] for line in lines]


def errors_of(page: Page) -> list[str]:
    return page.errors  # type: ignore[attr-defined, no-any-return]


def test_bars_grow_while_the_run_goes_on_and_a_latecomer_ends_with_the_same(server: RunningServer, browser: Browser) -> None:
    early = open_page(browser, f"{server.url}/experiments/gevent-slow?lang=zh")
    early.click("#run")
    wait_state(early, "running")
    early.locator("#output").get_by_text("函数2 第二步").wait_for()  # printed after three of nine seconds
    late = open_page(browser, early.url)
    wait_state(late, "running")
    for page in (early, late):
        wait_state(page, "finished")
    frames = [ns for _ms, ns, state in early.evaluate("window.drawn") if state == "running"]
    began, half, ended = printed_ns(server, early, "函数1 第一步", "函数2 第二步", "函数1 第二步")
    assert [ns for ns in frames if began <= ns < half], "no frame between the first lines and the next, seconds later"
    assert [ns for ns in frames if half <= ns < ended], "no frame between that line and the last, seconds later"
    assert early.evaluate("Number(document.querySelector('#timeline').dataset.drawnNs)") == late.evaluate(
        "Number(document.querySelector('#timeline').dataset.drawnNs)"
    )
    assert picture(early) == picture(late)
    fetched = {
        server.http.get(f"/api/runs/{page.url.split('/runs/')[1].split('?')[0]}/recording").content for page in (early, late)
    }
    assert len(fetched) == 1
    printed = early.locator("#output").inner_text()
    order = [printed.index(line) for line in ("函数1 第一步", "函数2 第一步", "函数2 第二步", "函数1 第二步")]
    assert order == sorted(order)
    assert errors_of(early) == errors_of(late) == []


def test_a_link_shows_the_finished_run_and_a_bar_lights_its_line(server: RunningServer, browser: Browser) -> None:
    first = open_page(browser, f"{server.url}/experiments/gevent-sleep?lang=en")
    wait_state(first, "idle")
    first.keyboard.press("r")
    wait_state(first, "finished")
    other = open_page(browser, first.url)
    wait_state(other, "finished")
    assert picture(first) == picture(other)
    source = other.locator("#source")
    other.locator(".names", has_text="func1").wait_for()
    box = other.locator("canvas.plot-bars").bounding_box()
    row = other.locator(".names").get_by_text("func1").bounding_box()
    assert box
    assert row
    other.mouse.click(box["x"] + box["width"] * 0.6, row["y"] + row["height"] / 2)
    lit = source.locator(".is-lit")
    lit.wait_for()
    assert "gevent.sleep(2)" in lit.inner_text()
    assert "timer" in other.locator("#details").inner_text()
    assert errors_of(other) == []


def test_a_script_with_a_syntax_error_shows_its_traceback(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/broken?lang=en")
    page.click("#run")
    wait_state(page, "finished")
    assert "SyntaxError" in page.locator("#output").inner_text()
    assert "rror" in page.locator("#status").inner_text()


def test_an_endless_loop_ends_at_its_time_limit_and_keeps_its_picture(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/endless?lang=en")
    page.click("#run")
    wait_state(page, "finished")
    status = page.locator("#status").inner_text()
    assert "Time limit of 1" in status
    assert page.evaluate("Number(document.querySelector('#timeline').dataset.drawnNs)") > 0.5e9


def test_a_parameter_out_of_bounds_is_refused_on_the_page_with_its_bound(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/gil-cpu?lang=en")
    page.locator("#parameters input").first.fill("9999")
    page.click("#run")
    page.locator("#parameters [aria-invalid=true], #parameters :invalid").first.wait_for()
    assert page.evaluate("document.body.dataset.state") == "idle"


def test_a_run_can_be_stopped(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/gevent-sleep?lang=en")
    page.click("#run")
    wait_state(page, "running")
    moving = "() => document.getAnimations().length"  # the dot that beats while a run is live
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    page.locator("#run[data-action=cancel]").click()
    wait_state(page, "finished")
    assert "ancel" in page.locator("#status").inner_text() or "topped" in page.locator("#status").inner_text()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_pages_speak_their_language_and_fit_their_screen(
    server: RunningServer, browser: Browser, lang: str, size: tuple[int, int]
) -> None:
    for path in ("/", "/experiments/gil-cpu", "/runs/nothing-here"):
        page = open_page(browser, f"{server.url}{path}?lang={lang}", viewport={"width": size[0], "height": size[1]})
        assert page.evaluate("document.documentElement.lang").startswith(lang)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than {size[0]} px"
        page.close()


def test_the_projector_is_one_key_away_and_readable_from_the_back(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/gevent-sleep?lang=zh", viewport={"width": 1920, "height": 1080})
    wait_state(page, "idle")
    page.keyboard.press("p")
    page.locator("html[data-projector=on]").wait_for(state="attached")
    smallest = page.evaluate("""() => Math.min(...[...document.querySelectorAll("body *")]
      .filter((e) => e.checkVisibility() && e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
      .map((e) => parseFloat(getComputedStyle(e).fontSize)))""")
    assert smallest >= 1080 / 50
    code = page.evaluate("parseFloat(getComputedStyle(document.querySelector('#source')).fontSize)")
    assert code >= 28


def facts_of(server: RunningServer, page: Page) -> dict[str, Any]:
    """The facts of the run on the page, as the server exports them."""
    answer = server.http.get(f"/api/runs/{page.url.split('/runs/')[1].split('?')[0]}/export?format=facts")
    assert answer.status_code == 200, answer.text
    return cast("dict[str, Any]", answer.json())


def test_every_number_of_the_facts_is_the_exports_and_leads_to_its_bar(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/blocking-in-coroutine?lang=en")
    page.click("#run")
    wait_state(page, "finished")
    facts = facts_of(server, page)
    page.locator("#facts .number").first.wait_for()
    said = page.locator(".facts-said").inner_text()
    assert f"Effective parallelism {facts['parallelism']:.2f} of" in said
    assert "blocked its loop for 1" in said
    assert not page.locator(".facts-table").first.is_visible()
    page.keyboard.press("t")
    page.locator(".facts-table").first.wait_for()
    numbers = page.locator("#facts .number").evaluate_all(
        "all => all.map((one) => [one.dataset.fact, Number(one.dataset.value)])"
    )
    assert len(numbers) > 10
    for path, shown in numbers:
        value: Any = facts
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        assert shown == pytest.approx(value, rel=1e-12), path
    page.locator('.facts-tables [data-fact="threads.0.longest_wait.duration_ns"]').click()
    page.wait_for_function("() => location.hash.startsWith('#t=')")
    begin, _, end = page.url.split("#t=")[1].split("&")[0].rpartition("-")
    wait = facts["threads"][0]["longest_wait"]
    assert (float(end) - float(begin)) * 1e9 == pytest.approx(wait["duration_ns"] * 1.8, rel=0.01)
    assert "sleep" in page.locator("#details").inner_text()
    assert "time.sleep(1)" in page.locator("#source .is-lit").inner_text()
    assert errors_of(page) == []


def test_a_thread_stands_out_where_threads_take_turns(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/gil-cpu?lang=en")
    page.click("#run")
    wait_state(page, "finished")
    plain = picture(page)
    page.locator(".name", has_text="gil_cpu.py").hover()
    assert picture(page) == plain, "a process is no thread"
    page.locator(".name", has_text="Thread-2").hover()
    assert picture(page) != plain
    page.locator("#output").hover()
    assert picture(page) == plain
    assert errors_of(page) == []


def test_the_waker_of_a_bar_is_one_key_away(server: RunningServer, browser: Browser) -> None:
    page = open_page(browser, f"{server.url}/experiments/asyncio-tasks?lang=en")
    page.click("#run")
    wait_state(page, "finished")
    settle(page)
    details = page.locator("#details")
    page.locator(".name", has_text="runner 1 run").click()  # what it did in the middle of the run, whatever that was
    for _ in range(9):
        page.keyboard.press(",")
    assert "Started by" in details.inner_text()  # its beginning is the main task's doing
    told = []
    for _ in range(9):
        page.keyboard.press(".")
        told.append(details.inner_text())
    # The same arrow ended its wait and began its burst; 3.13 gives a task that has a name no number.
    woken = [text for text in told if re.search(r"Woken by Task-\d+ consume", text)]
    assert len(woken) >= 2
    page.keyboard.press(",")
    assert details.inner_text() == woken[-1]
    page.keyboard.press("g")
    assert re.search(r"task Task-\d+ consume", details.inner_text())
    assert errors_of(page) == []
