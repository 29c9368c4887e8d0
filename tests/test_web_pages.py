"""The pages: what the browser's modules find in them, both languages, parameters in the URL, errors for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from app.web.language import preferred
from tests.web_tools import RunningServer, receive_all, serving_course

ROOT = Path(__file__).resolve().parent.parent
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("pages")) as server:
        yield server


def page(server: RunningServer, path: str, status: int = 200, **headers: str) -> tuple[dict[str, Any], str]:
    """The document embedded for the modules, and the whole text."""
    answer = server.http.get(path, headers=HTML | headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', answer.text, re.DOTALL)
    assert found is not None
    return json.loads(found[1]), answer.text


def test_the_catalogue_lists_every_experiment_by_topic(server: RunningServer) -> None:
    document, text = page(server, "/?lang=en")
    assert document == {"kind": "catalogue", "lang": "en"}
    places = [text.index(f'"/experiments/{name}?lang=en"') for name in ("prints", "waits", "fails")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("query", "accept_language", "lang"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "fr,de;q=0.5", "en"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh"),
        ("?lang=xx", "zh", "zh"),
    ],
)
def test_the_language_is_the_urls_else_the_browsers(server: RunningServer, query: str, accept_language: str, lang: str) -> None:
    document, text = page(server, f"/{query}", **{"Accept-Language": accept_language})
    assert document["lang"] == lang
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in text


@pytest.mark.parametrize(
    ("header", "lang"),
    [("zh;q=0.1, en;q=0.2", "en"), ("zh;q=0", "en"), ("ZH-tw", "zh"), ("en;q=x, zh;q=0.3", "zh"), ("*", "en"), (";;,,=", "en")],
)
def test_weights_of_languages(header: str, lang: str) -> None:
    assert preferred(header) == lang


def test_the_other_language_is_the_same_page(server: RunningServer) -> None:
    _, text = page(server, "/experiments/prints?count=5&lang=en")
    assert 'href="/experiments/prints?count=5&amp;lang=zh"' in text


def test_an_experiment_with_the_parameters_of_its_url(server: RunningServer) -> None:
    document, text = page(server, "/experiments/prints?count=5&lang=en&view=1-2")
    assert (document["kind"], document["parameters"], document["lang"]) == ("experiment", {"count": 5}, "en")
    assert document["experiment"]["id"] == "prints"
    assert document["experiment"]["source"].startswith('"""')
    assert document["experiment"]["origin"] == "the course"
    assert "Title of prints" in text
    assert page(server, "/experiments/prints")[0]["parameters"] == {"count": 3}


def test_a_wrong_parameter_is_named_to_people_and_programs(server: RunningServer) -> None:
    document, text = page(server, "/experiments/prints?count=0&lang=en", status=422)
    assert document["errors"] == [{"field": "count", "message": "must be at least 1", "bound": 1}]
    assert "count" in text
    assert "must be at least 1" in text
    answer = server.http.get("/experiments/prints?count=0")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["bound"] == 1


def test_a_run_before_and_after_its_end(server: RunningServer) -> None:
    run, token = server.start_run("prints", count=2)
    with server.watch(run) as viewer:
        receive_all(viewer)
    document, _ = page(server, f"/runs/{run}?lang=zh")
    assert document["kind"] == "run"
    assert document["run"] == server.http.get(f"/api/runs/{run}").json()
    assert document["experiment"]["id"] == "prints"
    server.http.delete(f"/api/runs/{run}", headers={"X-Delete-Token": token})
    page(server, f"/runs/{run}", status=410)


@pytest.mark.parametrize("path", ["/runs/never-was", "/experiments/nowhere", "/nothing"])
def test_what_is_not_there(server: RunningServer, path: str) -> None:
    document, _ = page(server, path, status=404)
    assert (document["kind"], document["status"]) == ("error", 404)
    assert server.http.get(path).json()["status"] == 404


def test_no_text_of_an_experiment_or_url_becomes_markup(server: RunningServer) -> None:
    for path in ("/experiments/prints?count=%3C/script%3E%3Cscript%3E", "/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E"):
        text = server.http.get(path, headers=HTML).text
        assert "<script>" not in text.replace('<script type="', "").replace('<script src="', "")


def test_the_files_of_the_page(server: RunningServer) -> None:
    _, text = page(server, "/experiments/prints")
    for path in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', text)):
        assert server.http.get(path).status_code == 200, path
    assert server.http.get("/static/page/runpage.js").headers["content-type"].startswith("text/javascript")
    assert server.http.get("/static/../app/cli/__init__.py").status_code == 404


def test_the_api_is_described_for_people_without_anything_from_elsewhere(server: RunningServer) -> None:
    _, text = page(server, "/docs?lang=en")
    described = set(re.findall(r"<code>([A-Z]+ /[^<]*)</code>", text))
    paths = server.http.get("/openapi.json").json()["paths"]
    assert described == {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls} | {
        "WS /api/runs/{run}/live"
    }
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    _, chinese = page(server, "/docs?lang=zh")
    read = [" ".join(unescape(re.sub("<[^>]*>", "", one)).split()) for one in (text, chinese)]
    translated = json.loads((ROOT / "static/i18n/api.zh.json").read_text("utf-8"))
    assert [one for one in translated if one.replace("`", "") not in read[0]] == []  # none is left over
    assert [one for one in translated.values() if one.replace("`", "") not in read[1]] == []
    without_code = re.sub(r"<code>.*?</code>|<head>.*?</head>|<nav.*?</nav>", "", chinese, flags=re.DOTALL)
    assert re.findall(r"[a-z]{3,} [a-z]{2,}", re.sub("<[^>]*>", "", without_code)) == []
