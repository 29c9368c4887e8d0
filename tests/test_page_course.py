"""Asked, guessed, shown, run: the way of a visitor through an experiment and the course, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app import resources
from tests.browser import open_page, wait_state
from tests.web_tools import SANDBOXED, RunningServer, serving

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
ANSWER_GIVERS = (".about-note", ".runs", ".crumb-shows", "#beside", "#facts")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("course")
    with serving(folder, SANDBOXED, SCHEDSCOPE_EXPERIMENTS_DIR=str(resources.experiments_dir())) as running:
        yield running


def visit(browser: Browser, server: RunningServer, path: str, **options: object) -> Page:
    return open_page(browser, f"{server.url}{path}", **options)


def in_order(page: Page) -> None:
    assert page.errors == []  # type: ignore[attr-defined]


def test_nothing_tells_the_answer_before_it_was_guessed(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/experiments/gil-io?lang=en")
    expect(page.locator(".question-text")).to_be_visible()
    for giver in ANSWER_GIVERS:
        expect(page.locator(giver)).to_be_hidden()
    expect(page.locator("#sample-label")).to_contain_text("CPython")
    assert page.locator(".answer .verdict").count() == 0
    page.locator(".question-next button").click()  # without guessing
    expect(page.locator(".about-note")).to_be_visible()
    in_order(page)


def test_the_guess_is_kept_and_the_sample_shown_beside_it(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/experiments/gil-io?lang=en")
    page.locator(".answer").nth(2).click()
    expect(page.locator(".about-note")).to_be_visible()
    expect(page.locator(".answer").nth(2)).to_have_attribute("aria-pressed", "true")
    assert page.locator(".answer[data-state]").count() == 0  # the guess may still be changed
    page.reload()
    expect(page.locator(".guess")).to_have_attribute("data-verdict", "wrong")
    expect(page.locator(".status-rest")).to_contain_text("CPython")
    assert "About 4 s" in page.locator(".guess").inner_text()
    assert "About 1 s" in page.locator(".guess").inner_text()
    assert page.locator('.expected [data-verdict="holds"]').count() == 2
    in_order(page)


def test_a_figure_of_what_was_expected_leads_to_its_bar(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/experiments/gil-io?lang=en")
    page.locator(".answer").first.click()
    page.locator(".question-next button").click()
    page.locator('[data-fact="expected.0.figures.longest_ns"]').click()
    details = page.locator("#details")
    expect(details).to_be_visible()
    assert "read" in details.inner_text()
    in_order(page)


def test_a_run_is_judged_and_compared_with_the_one_before(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/experiments/gil-io?lang=en&seconds=0.2&threads=2")
    expect(page.locator(".asked-for")).to_have_attribute("data-differs", "")
    page.locator(".answer").first.click()
    for threads in ("2", "5"):
        page.locator("#parameter-threads").fill(threads)
        page.locator("#run").click()
        page.wait_for_function("() => document.body.dataset.state !== 'finished'")
        wait_state(page, "finished")
        expect(page.locator(".guess")).to_be_visible(timeout=30_000)
    expect(page.locator(".guess")).to_have_attribute("data-verdict", "right")
    expect(page.locator(".guess-other")).to_contain_text("Threads: 4")
    expect(page.locator(".compare")).to_contain_text("Threads: 2")
    ratio = float(page.locator(".compare").get_attribute("data-ratio") or 0)
    assert 0 < ratio < 1000
    in_order(page)


def test_the_questions_parameters_are_set_at_a_click(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/experiments/gil-cpu?lang=zh&variant=processes")
    expect(page.locator(".asked-for")).to_have_attribute("data-differs", "")
    page.locator(".asked-for button").click()
    assert page.locator("#parameter-variant").input_value() == "threads"
    assert page.locator(".asked-for").get_attribute("data-differs") is None
    assert "variant=threads" in page.url
    in_order(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_catalogue_has_a_picture_of_each_in_its_theme(server: RunningServer, browser: Browser, theme: str) -> None:
    page = visit(browser, server, "/?lang=en", color_scheme=theme)
    shown = page.locator(f".on-{theme}")
    assert shown.count() >= 20
    assert page.locator(f".on-{'dark' if theme == 'light' else 'light'}").first.is_hidden()
    shown.first.scroll_into_view_if_needed()
    page.wait_for_function("css => document.querySelector(css).naturalWidth > 0", arg=f".on-{theme}")
    page.locator("#find").fill("convoy")
    assert page.locator(".entry:visible").count() == 1
    in_order(page)


def test_the_course_is_walked_through_in_order(server: RunningServer, browser: Browser) -> None:
    page = visit(browser, server, "/?lang=en")
    links = [str(link.get_attribute("href")) for link in page.locator(".entry a").all()]
    page.locator(".course-link a").click()
    seen = []
    while True:
        page.wait_for_selector(".question-text")
        seen.append(page.url.removeprefix(server.url))
        following = page.locator('a[rel="next"]')
        if not following.count() or len(seen) > len(links):
            break
        following.click()
        page.wait_for_function("url => !location.href.endsWith(url)", arg=seen[-1])
    assert seen == links
    in_order(page)
