"""A page's modules and style sheets in few files that stay: what is asked for, what changes with a file, what happens when it cannot be."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.web.assets import Assets
from app.web.settings import Settings
from tests.browser import open_page, wait_state
from tests.samples import gevent
from tests.web_tools import ROOT, serving_course, store_recording

PAGE = """<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/base.css">
<link rel="modulepreload" href="/static/page/frame.js">
<svg><use href="/static/icons.svg#theme"/></svg>
<script type="module" src="/static/page/runpage.js"></script>"""


@pytest.fixture
def static(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "static", tmp_path / "static")
    return tmp_path / "static"


def addresses(page: str) -> list[str]:
    return re.findall(r'"(/(?:static|assets)/[^"#]+)', page)


def test_files_are_few_kept_for_ever_and_compressed(tmp_path: Path) -> None:
    with serving_course(tmp_path) as server:
        page = server.http.get("/experiments/waits").text
        asked = set(addresses(page))
        assert len(asked) <= 8
        assert all(address.startswith("/assets/") for address in asked)
        for address in asked:
            plain = server.http.get(address, headers={"Accept-Encoding": "identity"})
            packed = server.http.get(address, headers={"Accept-Encoding": "gzip"})
            assert plain.text == packed.text
            assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
            assert "immutable" in packed.headers["cache-control"]
        assert server.http.get("/assets/nothing.js").status_code == 404


def test_a_changed_file_has_another_address_and_the_old_one_stays(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.assets._LOOK_EVERY_S", 0)
    assets = Assets(static, bundled=True)
    before = addresses(assets.dress(PAGE))
    assert addresses(assets.dress(PAGE)) == before
    assert len(set(before)) == 3  # modules, styles, icons
    with (static / "timeline/axis.js").open("a") as file:
        file.write("// changed\n")
    after = addresses(assets.dress(PAGE))
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, True, False]
    assert all(assets.get(address.removeprefix("/assets/")) for address in (*before, *after))


def test_what_cannot_be_bundled_goes_out_file_by_file(static: Path, caplog: pytest.LogCaptureFixture) -> None:
    (static / "timeline/axis.js").write_text("export default 1;\n")
    assert Assets(static, bundled=True).dress(PAGE) == PAGE
    assert "axis.js" in caplog.text
    assert Assets(ROOT / "static", bundled=False).dress(PAGE) == PAGE


def test_the_setting_is_a_truth_value() -> None:
    assert Settings.from_environment({"SCHEDSCOPE_BUNDLED": "0"}).bundled is False
    with pytest.raises(ValueError, match="SCHEDSCOPE_BUNDLED"):
        Settings.from_environment({"SCHEDSCOPE_BUNDLED": "maybe"})


@pytest.mark.browser
@pytest.mark.parametrize("bundled", ["0", "1"])
def test_a_run_is_shown_either_way_and_bundled_asks_for_little(browser: Browser, tmp_path: Path, bundled: str) -> None:
    run = store_recording(tmp_path, gevent())
    with serving_course(tmp_path, SCHEDSCOPE_BUNDLED=bundled) as server:
        page = open_page(browser, f"{server.url}/about?lang=en")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/runs/{run}?lang=en")
        wait_state(page, "finished")
        page.locator("#facts:not([aria-busy])").wait_for(state="attached")
        assert page.errors == []  # type: ignore[attr-defined]
        page.click("#share")
        page.wait_for_selector(".share-qr svg")
        assert (len(asked) <= 14) == (bundled == "1")
