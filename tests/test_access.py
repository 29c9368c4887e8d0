"""Everybody can use the pages: axe-core (deque.com/axe) finds nothing in any theme, the keyboard is enough, and no page asks another host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app import resources
from tests.browser import open_page, wait_state
from tests.web_tools import PLAIN, RunningServer, receive_all, serving, serving_course

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules/axe-core/axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
THEMES = ("light", "dark", "light projector", "dark projector", "light contrast", "dark contrast")
PAGES = {
    "catalogue": "/",
    "about": "/about",
    "docs": "/docs",
    "room": "/room",
    "no such room": "/room/QQQQQQ",
    "presenter": "/presenter",
    "experiment": "/experiments/prints",
    "run": "/runs/{run}",
    "embed": "/runs/{run}/embed",
    "compare": "/compare?left={run}&right={run}",
    "unknown": "/runs/unknown",
    "deleted": "/runs/{deleted}",
    "wrong": "/experiments/prints?count=0",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The real experiments, for their samples and the steps of teaching them."""
    folder = tmp_path_factory.mktemp("course")
    with serving(folder, PLAIN, SCHEDSCOPE_EXPERIMENTS_DIR=str(resources.experiments_dir())) as running:
        yield running


@pytest.fixture(scope="module")
def deleted(server: RunningServer) -> str:
    run_id, token = server.start_run("prints", count=1)
    with server.watch(run_id) as viewer:
        receive_all(viewer)
    assert server.http.delete(f"/api/runs/{run_id}", headers={"X-Delete-Token": token}).status_code == 204
    return run_id


@pytest.fixture(scope="module")
def run(server: RunningServer) -> str:
    run_id, _ = server.start_run("prints", count=3)
    with server.watch(run_id) as viewer:
        receive_all(viewer)
    return run_id


def violations(page: Page) -> list[str]:
    """Rule and place of everything axe finds wrong."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def visit(browser: Browser, url: str, theme: str, lang: str) -> Page:
    colour, _, mode = theme.partition(" ")
    contrast = "more" if mode == "contrast" else "no-preference"
    page = open_page(browser, "about:blank", color_scheme=colour, contrast=contrast)
    page.add_init_script(f"localStorage.setItem('projector', {json.dumps('on' if mode == 'projector' else 'off')})")
    page.goto(f"{url}{'&' if '?' in url else '?'}lang={lang}")
    page.wait_for_function("() => document.querySelector('#theme')?.getAttribute('aria-label')")
    return page


def nothing_wrong(found: dict[str, list[str]]) -> None:
    assert {name: what for name, what in found.items() if what} == {}


def opened(page: Page) -> Iterator[tuple[str, Page]]:
    """What can be opened over a run; sharing by its key, because projecting hides its button."""
    page.keyboard.press("h")
    page.wait_for_selector(".share-qr svg")
    yield "share", page
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")  # which has the keys
    page.click("#compare")
    page.wait_for_selector("#compare-dialog[open]")
    yield "compare with", page
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    page.click("#keys")
    yield "keys", page
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    page.keyboard.press(",")
    page.wait_for_selector("#details:not([hidden])")
    yield "details", page


@pytest.mark.slow
@needs_axe
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, server: RunningServer, run: str, deleted: str, theme: str, lang: str
) -> None:
    found: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        page = visit(browser, server.url + path.format(run=run, deleted=deleted), theme, lang)
        if name in ("run", "embed", "compare"):
            wait_state(page, "finished")
            page.wait_for_selector("[data-drawn-ns]")
        found[name] = violations(page)
        if name == "run":
            found |= {part: violations(open_) for part, open_ in opened(page)}
        page.context.close()
    nothing_wrong(found)


@pytest.mark.slow
@needs_axe
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_in_a_lesson(browser: Browser, course: RunningServer, theme: str, lang: str) -> None:
    found: dict[str, list[str]] = {}
    page = visit(browser, f"{course.url}/experiments/gil-io", theme, lang)
    wait_state(page, "idle")
    found["question"] = violations(page)
    page.locator(".answer").first.click()
    page.reload()
    projecting = theme.endswith("projector")
    if projecting:
        page.locator(".steps button").nth(2).click()
    wait_state(page, "sample")
    page.locator("#facts:not([aria-busy]):not([hidden])").wait_for(state="attached")
    found["sample"] = violations(page)
    if projecting:
        page.locator(".steps button").nth(3).click()
        found["facts"] = violations(page)
        with page.context.expect_page() as window:
            page.keyboard.press("n")
        window.value.locator("#question-text:not(:empty)").wait_for()
        found["presenter's notes"] = violations(window.value)
        page.keyboard.press("o")
        page.locator(".room-qr svg").wait_for()
        found["room"] = violations(page)
    page.context.close()
    page = visit(browser, f"{course.url}/experiments/rabbit-work", theme, lang)
    page.locator(".answer").first.click()
    page.reload()
    if projecting:
        page.locator(".steps button").nth(2).click()
    page.wait_for_selector("#topology:not([hidden]) svg")
    found["topology"] = violations(page)
    page.context.close()
    nothing_wrong(found)


CANVAS_CONTRAST = """async () => {
  const { readPalette } = await import("/static/timeline/paint/palette.js");
  const { Ink, INKS, SHAPES } = await import("/static/timeline/paint/inks.js");
  const { DIMMED } = await import("/static/timeline/paint/scene.js");
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const mixed = (...layers) => {  // [colour, alpha] upon one another, as the canvas mixes them
    for (const [color, alpha] of layers) { context.globalAlpha = alpha; context.fillStyle = color; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (color) => { const c = color.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const one = (color) => mixed([color, 1]);
  const found = {};
  const root = document.documentElement;
  for (const theme of ["light", "dark"]) for (const mode of ["", "projector", "contrast"]) {
    Object.assign(root.dataset, { theme, projector: mode === "projector" ? "on" : "off", contrast: mode === "contrast" ? "more" : "" });
    const palette = readPalette(root);
    const ground = one(palette.background);
    const note = (what, ratio, least) => (found[`${theme} ${mode} ${what}`] = [ratio, least]);
    for (const name of ["text", "quiet", "error", "accent"]) note(`${name} on the plot`, contrast(one(palette[name]), ground), mode ? 7 : 4.5);
    for (let ink = Ink.RUNNING; ink < INKS; ink++) {
      const color = palette.inks[ink];
      if (SHAPES[ink] === "solid") {
        note(`text on ink ${ink}`, contrast(one(palette.onInk[ink]), one(color)), 4.5);
        note(`text on dimmed ink ${ink}`, contrast(one(palette.text), mixed([palette.background, 1], [color, DIMMED])), 4.5);
      }
      // Nobody's time, and what is merely there, are meant to recede.
      if ([Ink.IDLE, Ink.OTHER, Ink.ALIVE].includes(ink)) continue;
      const edge = palette.edges[ink] ? mixed([color, 1], [palette.edges[ink], 1]) : one(color);
      note(`ink ${ink} on the plot`, Math.max(contrast(one(color), ground), contrast(edge, ground)), 3);
    }
  }
  return found;
}"""
"""What is drawn on the canvas, which axe cannot see: [contrast ratio, the least it must be (WCAG 2.2, 1.4.3, 1.4.6, 1.4.11)]."""


def test_what_is_written_on_the_canvas_can_be_read_in_every_theme(browser: Browser, server: RunningServer) -> None:
    page = open_page(browser, f"{server.url}/experiments/prints")
    found = page.evaluate(CANVAS_CONTRAST)
    page.context.close()
    assert len(found) > 6 * 30
    assert {what: ratios for what, ratios in found.items() if ratios[0] < ratios[1]} == {}


def focus_on(page: Page, selector: str) -> None:
    """Tab until something has the focus: what cannot be reached so is not found."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {selector}")


def test_the_keyboard_alone_leads_from_the_catalogue_to_a_run_and_to_sharing_it(
    browser: Browser, server: RunningServer
) -> None:
    page = open_page(browser, f"{server.url}/?lang=en", permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector(".entry a")
    focus_on(page, '.entry a[href*="prints"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/prints*")
    wait_state(page, "idle")
    focus_on(page, '#parameters input[type="text"]')
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    focus_on(page, "#run")
    page.keyboard.press("Enter")
    wait_state(page, "finished")
    page.keyboard.press(".")
    page.wait_for_selector("#details:not([hidden])")
    page.keyboard.press("h")
    page.wait_for_selector("#share-dialog[open] .share-qr svg")
    focus_on(page, "#share-exact")
    page.keyboard.press("Space")
    assert page.is_checked("#share-exact")
    focus_on(page, "#share-experiment + button")
    page.keyboard.press("Enter")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('/prints')")
    assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#share-experiment")
    page.keyboard.press("Escape")
    page.wait_for_selector("#share-dialog", state="hidden")
    focus_on(page, "#run")
    page.keyboard.press("Enter")
    wait_state(page, "queued", "running")
    wait_state(page, "finished")
    page.keyboard.press("c")
    focus_on(page, ".compare-with a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?*")
    wait_state(page, "finished")
    page.keyboard.press("w")
    page.locator("#difference tbody tr").nth(3).wait_for()
    page.keyboard.press("p")
    for side in ("left", "right"):  # while projecting, too, both have their half of the wall
        box = page.locator(f"#timeline-{side} .plot").bounding_box()
        assert box is not None
        assert box["height"] > 80
        assert box["width"] > 800
    assert page.errors == []  # type: ignore[attr-defined]


def test_no_page_asks_another_host_and_nothing_is_inline(
    browser: Browser, server: RunningServer, run: str, deleted: str
) -> None:
    asked: list[str] = []
    refused: list[str] = []
    pages: dict[str, Page] = {}
    for path in PAGES.values():
        context = browser.new_context()
        context.on("request", lambda request: asked.append(request.url))
        pages[path] = page = context.new_page()
        page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(server.url + path.format(run=run, deleted=deleted))
    for path, page in pages.items():
        page.wait_for_load_state("networkidle")  # of which each takes half a second, all together
        inline = page.evaluate(
            "() => [...document.querySelectorAll('script:not([src]):not([type=\"application/json\"]), style')].length"
            " + [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length"
        )
        assert inline == 0, path
    assert len(asked) > 5 * len(PAGES)
    assert [
        url for url in asked if not url.startswith((f"{server.url}/", server.url.replace("http", "ws"), "blob:", "data:"))
    ] == []
    assert refused == []
