"""Projector mode as the last row of a lecture hall sees it, measured in a real browser; and a clicker's way through the course."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app import resources
from tests.browser import open_page, wait_state
from tests.web_tools import SANDBOXED, RunningServer, serving

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
STEPS = ("question", "run", "watch", "facts")
EXPERIMENTS = ("gevent-sleep", "ten-thousand", "programs")

MEASURE = """() => {
  const number = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => { const c = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = number(getComputedStyle(e).backgroundColor); if (c.length && (c[3] ?? 1) === 1) return c; } return [255, 255, 255]; };
  const contrast = (e) => { const [a, b] = [light(number(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); };
  const texts = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".off-screen, .skip, :disabled") && e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const sizes = texts.map((e) => [parseFloat(getComputedStyle(e).fontSize), e.className + " " + e.textContent.slice(0, 20)]).sort((a, b) => a[0] - b[0]);
  const contrasts = texts.map((e) => [contrast(e), e.className + " " + e.textContent.slice(0, 20)]).sort((a, b) => a[0] - b[0]);
  const style = getComputedStyle(document.documentElement);
  const code = [...document.querySelectorAll(".source-lines code")].filter((e) => e.checkVisibility());
  const pane = document.querySelector("#source").getBoundingClientRect();
  const inSight = code.filter((e) => { const b = e.getBoundingClientRect(); return b.top >= pane.top - 1 && b.bottom <= pane.bottom + 1; });
  const scroller = document.querySelector(".timeline-scroller");
  return {
    light: light(ground(document.body)) > 0.5, smallest: sizes[0], palest: contrasts[0], count: texts.length,
    code: code.length ? parseFloat(getComputedStyle(code[0]).fontSize) : 0, codeLines: inSight.length, first: inSight[0]?.textContent ?? "",
    label: parseFloat(style.getPropertyValue("--label-size-px") || getComputedStyle(document.querySelector(".names")).fontSize),
    rows: document.querySelectorAll(".name:not([hidden])").length,
    below: scroller.checkVisibility() ? scroller.scrollHeight - scroller.clientHeight : 0,
    wide: document.documentElement.scrollWidth - innerWidth, high: document.documentElement.scrollHeight - innerHeight,
  };
}"""

MAPPED = """() => {
  const canvas = document.querySelector(".minimap canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
}"""
"""Is there anything on the minimap?"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("projector")
    with serving(folder, SANDBOXED, SCHEDSCOPE_EXPERIMENTS_DIR=str(resources.experiments_dir())) as running:
        yield running


def project(browser: Browser, server: RunningServer, path: str, **options: object) -> Page:
    page = open_page(browser, f"{server.url}{path}", **{"viewport": {"width": 1920, "height": 1080}, **options})
    wait_state(page, "idle", "finished")
    page.keyboard.press("p")
    expect(page.locator(".steps [aria-current=step]")).to_be_visible()
    return page


def settle(page: Page) -> None:
    """Until what has another size now is laid out and drawn."""
    # The height that the rows are given follows the frame's in a later frame: until it stands still.
    page.evaluate("""async () => {
      const spacer = document.querySelector(".timeline-spacer");
      for (let still = 0, last = ""; still < 8; ) {
        await new Promise(requestAnimationFrame);
        const now = `${spacer.style.height} ${spacer.parentElement.clientHeight}`;
        still = now === last ? still + 1 : 0;
        last = now;
      }
    }""")


def go(page: Page, step: str) -> None:
    page.locator(".steps button").nth(STEPS.index(step)).click()
    page.mouse.move(1915, 1075)
    settle(page)


def told(page: Page) -> None:
    """Until what is shown is there with its facts, which take their room in every step."""
    page.locator("#facts:not([aria-busy]) .facts-said p").wait_for(state="attached")


def step_of(page: Page) -> str:
    return str(page.evaluate("() => document.body.dataset.step"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_step_is_readable_from_the_last_row(server: RunningServer, browser: Browser, lang: str) -> None:
    least = {"zh": (26, 28), "en": (24, 26)}[lang]  # CJK one step larger
    for experiment in EXPERIMENTS:
        page = project(browser, server, f"/experiments/{experiment}?lang={lang}", color_scheme="light")
        go(page, "watch")  # the sample
        told(page)
        for step, theme in itertools.product(STEPS, ("light", "dark")):
            page.emulate_media(color_scheme=theme)
            if step == "run":  # as it looks, without a run
                page.evaluate("() => (document.body.dataset.step = 'run')")
                settle(page)
            else:
                go(page, step)
            if step == "watch":
                page.wait_for_function(MAPPED)
            seen = page.evaluate(MEASURE)
            where = (experiment, step, theme, seen)
            assert seen["light"] == (theme == "light"), where
            assert seen["smallest"][0] >= max(1080 / 50, least[0]), where
            assert seen["label"] >= least[1], where
            assert seen["palest"][0] >= 7, where
            assert seen["wide"] <= 0, where
            assert seen["high"] <= 0, where
            assert seen["below"] <= 1, where
            assert seen["rows"] > 0, where
            if step == "run":
                assert seen["code"] >= 28, where
                assert 5 <= seen["codeLines"] <= 25, where
                assert seen["first"].startswith(("def ", "class ", "async def ", "@", "#")), where
        assert page.errors == []  # type: ignore[attr-defined]
        page.close()


def test_eight_processes_at_once_are_all_in_sight(server: RunningServer, browser: Browser) -> None:
    run, _token = server.start_run("programs", programs=8, count=1_000_000)
    page = project(browser, server, f"/runs/{run}?lang=en")
    told(page)
    go(page, "watch")
    names = page.locator(".name-text:visible").all_inner_texts()
    assert [f"Process-{i}" for i in range(1, 9)] == [name for name in names if name.startswith("Process-")]
    seen = page.evaluate(MEASURE)
    assert seen["below"] <= 1
    assert seen["smallest"][0] >= 24


def test_a_clicker_walks_through_an_experiment_and_on_to_the_next(server: RunningServer, browser: Browser) -> None:
    page = project(browser, server, "/experiments/gevent-sleep?lang=en")
    assert step_of(page) == "question"
    expect(page.locator(".question-text")).to_be_visible()
    expect(page.locator(".about-note")).to_be_hidden()
    page.keyboard.press("PageDown")
    wait_state(page, "running", "finished")
    assert step_of(page) == "run"
    expect(page.locator("#source")).to_be_visible()
    page.keyboard.press("ArrowRight")
    assert step_of(page) == "watch"
    expect(page.locator("#source")).to_be_hidden()
    wait_state(page, "finished")
    page.keyboard.press("PageDown")
    assert step_of(page) == "facts"
    expect(page.locator(".facts-said")).to_be_visible()
    expect(page.locator('.answer[data-state="correct"]')).to_be_visible()
    page.keyboard.press("PageUp")
    assert step_of(page) == "watch"
    page.keyboard.press("PageDown")
    page.reload()  # who opens the link of a run while projecting begins at its picture
    wait_state(page, "finished")
    assert step_of(page) == "watch"
    expect(page.locator("#timeline")).to_be_visible()
    page.keyboard.press("PageDown")
    following = page.locator('.course a[rel="next"]').get_attribute("href")
    page.keyboard.press("PageDown")
    page.wait_for_url(f"**{following}")
    expect(page.locator(".steps [aria-current=step]")).to_have_text("Question")
    page.keyboard.press("PageUp")
    page.wait_for_url("**/experiments/gevent-sleep?lang=en")
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_key_blanks_the_screen_and_a_clicker_brings_it_back_where_it_was(server: RunningServer, browser: Browser) -> None:
    page = project(browser, server, "/experiments/gil-io?lang=en")
    black = "() => getComputedStyle(document.body, '::after').backgroundColor === 'rgb(0, 0, 0)' && document.body.dataset.blank === 'on'"
    for key in ("b", "."):
        page.keyboard.press(key)
        assert page.evaluate(black)
        page.keyboard.press("PageDown")
        assert not page.evaluate(black)
        assert step_of(page) == "question"
    page.keyboard.press("p")
    assert page.evaluate("() => document.body.dataset.step") is None
    page.keyboard.press("b")
    assert not page.evaluate(black)


def test_the_help_says_what_the_keys_do_while_projecting(server: RunningServer, browser: Browser) -> None:
    page = project(browser, server, "/experiments/gil-io?lang=en")
    meanings = "() => Object.fromEntries([...document.querySelectorAll('#keys-dialog dt')].map((dt) => [dt.textContent, dt.nextSibling.textContent]))"
    page.keyboard.press("?")
    said = page.evaluate(meanings)
    assert said["F"] == "Full screen"
    assert said["B."] == "Blank screen"
    assert said["PgDn→Space"] == "Next step"
    assert said["A"] == "Left"
    assert said["0"] == "Fit everything"
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.keyboard.press("?")
    said = page.evaluate(meanings)
    assert said["0F"] == "Fit everything"
    assert said["B"] != "Blank screen"
    assert "PgDn→" not in said


def test_an_idle_pointer_is_hidden_while_projecting(server: RunningServer, browser: Browser) -> None:
    page = project(browser, server, "/experiments/gil-io?lang=en")
    page.mouse.move(500, 500)
    page.locator("html[data-idle=on]").wait_for(state="attached")
    assert page.evaluate("() => getComputedStyle(document.querySelector('#main')).cursor") == "none"
    page.mouse.move(510, 500)
    assert page.locator("html[data-idle=on]").count() == 0
