"""The share dialog in a real browser: links, a QR code that decodes to the link, the code to embed in another site's page, deleting."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_page, wait_state
from tests.web_tools import RunningServer, serving_course

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("share")) as running:
        yield running


def finished(browser: Browser, server: RunningServer, **options: Any) -> Page:
    """A visitor who has just run an experiment."""
    page = open_page(browser, f"{server.url}/experiments/prints?lang=en&count=2", **options)
    page.click("#run")
    wait_state(page, "finished")
    return page


def shared(page: Page) -> None:
    page.click("#share")
    page.wait_for_selector(".share-qr svg")


def test_links_lead_to_the_run_at_this_view_and_to_the_experiment_with_its_parameters(
    browser: Browser, server: RunningServer
) -> None:
    page = finished(browser, server)
    page.keyboard.press("w")
    page.wait_for_function("() => location.hash !== ''")
    shared(page)
    plain = page.input_value("#share-run")
    page.check("#share-exact")
    exact = page.input_value("#share-run")
    assert plain == page.url.partition("#")[0]
    assert exact == page.url
    assert page.input_value("#share-experiment") == f"{server.url}/experiments/prints?lang=en&count=2"
    assert page.errors == []  # type: ignore[attr-defined]


def test_the_qr_code_says_the_link(browser: Browser, server: RunningServer) -> None:
    """Read back by the encoder's own rules: the modules drawn are those of a code of that text, and change with it."""
    page = finished(browser, server)
    shared(page)
    drawn = "document.querySelector('.share-qr path:last-child').getAttribute('d')"
    plain = page.evaluate(drawn)
    expected = page.evaluate("""async (text) => {
      const { qrcode } = await import("/static/vendor/qrcode-generator/qrcode.mjs");
      const code = qrcode(0, "M"); code.addData(text); code.make();
      let count = 0;
      for (let r = 0; r < code.getModuleCount(); r++) for (let c = 0; c < code.getModuleCount(); c++) count += code.isDark(r, c);
      return count;
    }""", page.input_value("#share-run"))  # fmt: skip
    assert plain.count("M") == expected
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.wait_for_function("() => location.hash !== ''")
    shared(page)
    page.check("#share-exact")
    page.wait_for_function(f"before => ({drawn}) !== before", arg=plain)


def test_the_code_to_embed_shows_the_run_in_another_sites_page(browser: Browser, server: RunningServer, tmp_path: Path) -> None:
    page = finished(browser, server)
    shared(page)
    (tmp_path / "blog.html").write_text(f"<!doctype html><title>A blog</title>{page.input_value('#share-embed')}")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        blog = browser.new_context().new_page()
        blog.goto(f"http://localhost:{other.server_port}/blog.html")
        inside = blog.frame_locator("iframe")
        inside.locator('body[data-state="finished"]').wait_for()
        assert inside.locator("#whole").get_attribute("href") == f"/runs/{page.url.split('/runs/')[1][:16]}?lang=en"
        assert inside.locator("canvas.plot-bars").is_visible()
        assert not inside.locator("#source").is_visible()
        other.shutdown()


def test_a_picture_of_the_view_is_made_here(browser: Browser, server: RunningServer, tmp_path: Path) -> None:
    page = finished(browser, server)
    shared(page)
    with page.expect_download() as waiting:
        page.click("#share-png")
    waiting.value.save_as(tmp_path / "view.png")
    data = (tmp_path / "view.png").read_bytes()
    assert data[:4] == b"\x89PNG"
    assert int.from_bytes(data[16:20], "big") == 2400


def test_who_made_the_run_can_delete_it_and_nobody_else_is_offered_that(browser: Browser, server: RunningServer) -> None:
    page = finished(browser, server)
    stranger = open_page(browser, page.url)
    wait_state(stranger, "finished")
    shared(stranger)
    assert stranger.locator("#share-delete").count() == 0
    shared(page)
    page.click("#share-delete")
    assert server.http.get(f"/api/runs/{page.url.split('/runs/')[1][:16]}").status_code == 200  # asked twice
    with page.expect_navigation():
        page.click("#share-delete")
    assert page.locator(".error-status").inner_text() == "410"
