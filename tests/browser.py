"""A real browser for tests and measurements: Chromium, driven by playwright, that reaches nothing but this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=30_000)  # as everything else waits: how long it takes is the machine's to say

SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()

WATCH = """
window.drawn = [];
addEventListener("DOMContentLoaded", () => {
  const timeline = document.querySelector("#timeline");
  if (!timeline) return;
  new MutationObserver(() => {
    const ns = Number(timeline.dataset.drawnNs);
    const last = window.drawn.at(-1);
    if (!last || ns > last[1]) window.drawn.push([performance.timeOrigin + performance.now(), ns, document.body.dataset.state]);
  }).observe(timeline, { attributes: true, attributeFilter: ["data-drawn-ns"] });
});
"""
"""Notes each frame that shows something newer: [wall clock in ms, newest ns on screen, state of the run]."""


@contextmanager
def chromium_browser(executable: str) -> Iterator[Browser]:
    """One browser process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, url: str, **options: Any) -> Page:
    """A fresh visitor's page; an error in its scripts fails whoever asks `page.errors`."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.add_init_script(WATCH)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.errors = errors  # type: ignore[attr-defined]
    page.goto(url)
    return page


def at_rest(page: Page) -> str:
    """The address, once it says what is in sight."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_selector("body:not([data-moving])", state="attached")
    return str(page.evaluate("() => location.hash"))


def wait_state(page: Page, *states: str) -> None:
    """Until the run shown on the page is in one of these states."""
    page.wait_for_function("states => states.includes(document.body.dataset.state)", arg=list(states), timeout=60_000)
