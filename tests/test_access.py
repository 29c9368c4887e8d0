"""Everybody can use the pages: axe-core (deque.com/axe) finds nothing in any theme, the keyboard is enough, and no page asks another host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium_browser, open_page, wait_state
from tests.web_tools import RunningServer, receive_all, serving_course

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules/axe-core/axe.min.js"
THEMES = ("light", "dark", "light projector", "dark projector")
PAGES = {
    "catalogue": "/",
    "about": "/about",
    "docs": "/docs",
    "experiment": "/experiments/prints",
    "run": "/runs/{run}",
    "embed": "/runs/{run}/embed",
    "compare": "/compare?left={run}&right={run}",
    "unknown": "/runs/unknown",
    "wrong": "/experiments/prints?count=0",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module")
def run(server: RunningServer) -> str:
    run_id, _ = server.start_run("prints", count=3)
    with server.watch(run_id) as viewer:
        receive_all(viewer)
    return run_id


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with chromium_browser(chromium) as one:
        yield one


def violations(page: Page) -> list[str]:
    """Rule and place of everything axe finds wrong."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def visit(browser: Browser, url: str, theme: str) -> Page:
    colour, _, projector = theme.partition(" ")
    page = open_page(browser, "about:blank", color_scheme=colour)
    page.add_init_script(f"localStorage.setItem('projector', {json.dumps('on' if projector else 'off')})")
    page.goto(url)
    page.wait_for_function("() => document.querySelector('#theme')?.getAttribute('aria-label')")
    return page


@pytest.mark.slow
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm ci")
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_on_any_page(browser: Browser, server: RunningServer, run: str, theme: str, lang: str) -> None:
    found: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        address = server.url + path.format(run=run)
        page = visit(browser, f"{address}{'&' if '?' in address else '?'}lang={lang}", theme)
        if name in ("run", "embed", "compare"):
            wait_state(page, "finished")
            page.wait_for_selector("[data-drawn-ns]")
        found[name] = violations(page)
        if name == "run":
            page.click("#share")
            page.wait_for_selector(".share-qr svg")
            found["share"] = violations(page)
            page.keyboard.press("Escape")
            page.click("#compare")
            found["compare with"] = violations(page)
            page.keyboard.press("Escape")
            page.click("#keys")
            found["keys"] = violations(page)
        page.context.close()
    assert {name: what for name, what in found.items() if what} == {}


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
    assert page.locator("#difference tbody tr").count() > 3
    assert page.errors == []  # type: ignore[attr-defined]


def test_no_page_asks_another_host_and_nothing_is_inline(browser: Browser, server: RunningServer, run: str) -> None:
    asked: list[str] = []
    refused: list[str] = []
    for path in PAGES.values():
        context = browser.new_context()
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(server.url + path.format(run=run))
        page.wait_for_load_state("networkidle")
        inline = page.evaluate(
            "() => [...document.querySelectorAll('script:not([src]):not([type=\"application/json\"]), style')].length"
            " + [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length"
        )
        assert inline == 0, path
        context.close()
    assert len(asked) > 5 * len(PAGES)
    assert [
        url for url in asked if not url.startswith((f"{server.url}/", server.url.replace("http", "ws"), "blob:", "data:"))
    ] == []
    assert refused == []
