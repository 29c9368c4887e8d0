"""A run as one file that replays offline: bundled modules, a closed policy, and the whole picture in a real browser without a network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.core.blocks import BlockKind
from app.core.export.bundle import BundleError, bundle
from app.core.recording import read
from app.web.offline import page_of
from tests.browser import at_rest
from tests.samples import asyncio, gevent
from tests.web_tools import blocks_of

STATIC = Path(__file__).resolve().parent.parent / "static"
SOURCES = {str(path.relative_to(STATIC)): path.read_text("utf-8") for path in STATIC.rglob("*.js")}


def test_a_bundle_has_each_module_once_after_what_it_imports() -> None:
    sources = {
        "a/main.js": 'import { two as zwei } from "../b.js";\nimport * as all from "./c.js";\nconsole.log(zwei, all.three);\n',
        "b.js": 'import { three } from "./a/c.js";\nexport const two = three - 1;\n',
        "a/c.js": "export const three = 3;\n",
    }
    text = bundle("a/main.js", sources)
    assert text.index("three = 3") < text.index("two = three - 1") < text.index("console.log")
    assert text.count("three = 3") == 1
    assert "const { two: zwei } = " in text


@pytest.mark.parametrize(
    "source", ["export default 1;\n", 'import x from "./b.js";\n', "export let a = 1;\n", 'export { a } from "./b.js";\n']
)
def test_forms_that_are_not_understood_are_refused(source: str) -> None:
    with pytest.raises(BundleError):
        bundle("a.js", {"a.js": source, "b.js": "export const a = 1;\n"})


def test_modules_that_import_each_other_are_refused_and_ours_do_not() -> None:
    with pytest.raises(BundleError, match="each other"):
        bundle("a.js", {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'})
    text = bundle("page/runpage.js", SOURCES)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)


def test_nothing_in_the_file_leads_elsewhere() -> None:
    page = page_of(gevent(), "en")
    assert not re.search(r'(?:src|href)="(?:https?:|/)', page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert policy.start() < page.index("<script")


def test_a_program_cannot_break_out_of_the_file() -> None:
    page = page_of(gevent().replace(b"import gevent", b"</script><b>x"), "en")
    assert "</script><b>x" not in page


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_whole_run_is_replayed_from_disk_with_the_network_off(browser: Browser, tmp_path: Path, lang: str) -> None:
    recording = asyncio()
    path = tmp_path / "run.html"
    path.write_text(page_of(recording, lang), "utf-8")  # type: ignore[arg-type]
    requests: list[str] = []
    errors: list[str] = []
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 800}).new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector('body[data-state="finished"]')
    page.wait_for_selector("#timeline[data-drawn-ns]")
    newest = int(page.get_attribute("#timeline", "data-drawn-ns") or 0)
    lines = page.locator(".output-lines li").count()
    names = page.locator(".names").inner_text()
    page.keyboard.press("w")
    assert at_rest(page).startswith("#t=")
    assert page.url.startswith("file:")
    decoded = read([recording])
    last = max(int(decoded.states["t"].max()), blocks_of(recording)[-1].t0_ns)
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []
    assert newest == last - blocks_of(recording)[0].t0_ns
    assert lines == len([block for block in blocks_of(recording) if block.kind is BlockKind.OUTPUT])
    assert "MainThread" in names
