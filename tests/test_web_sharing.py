"""A run on other people's pages: framing, oEmbed, the picture beside a link, and what is left after deleting."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from tests.web_tools import RunningServer, receive_all, serving_course

STATIC = Path(__file__).resolve().parent.parent / "static"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("sharing")) as running:
        yield running


@pytest.fixture(scope="module")
def run(server: RunningServer) -> str:
    run_id, _ = server.start_run("prints", count=3)
    with server.watch(run_id) as viewer:
        receive_all(viewer)
    return run_id


def page(server: RunningServer, path: str, language: str = "en") -> str:
    return server.http.get(path, headers={"Accept": "text/html", "Accept-Language": language}).text


def test_only_the_embedded_page_may_be_framed(server: RunningServer, run: str) -> None:
    def ancestors(path: str) -> str:
        policy = server.http.get(path, headers={"Accept": "text/html"}).headers["content-security-policy"]
        return re.findall(r"frame-ancestors ([^;]+)", policy)[0]

    assert ancestors(f"/runs/{run}/embed") == "*"
    assert {ancestors(path) for path in ("/", f"/runs/{run}", f"/api/runs/{run}", "/docs")} == {"'none'"}
    # What it says instead of a run is shown in the frame too.
    assert ancestors("/runs/unknown/embed") == "*"


def test_oembed_is_discovered_and_leads_to_the_frame(server: RunningServer, run: str) -> None:
    link = re.search(r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)"', page(server, f"/runs/{run}"))
    assert link
    answer = server.http.get(unescape(link[1])).json()
    assert (answer["version"], answer["type"], answer["title"]) == ("1.0", "rich", "Title of prints")
    source = re.search(r'<iframe src="([^"]+)"', answer["html"])
    assert source
    assert server.http.get(unescape(source[1])).status_code == 200
    assert server.http.get(answer["thumbnail_url"]).headers["content-type"] == "image/png"


def test_oembed_keeps_to_the_size_it_is_given(server: RunningServer, run: str) -> None:
    answer = server.http.get("/oembed", params={"url": f"{server.url}/runs/{run}", "maxwidth": 500, "maxheight": 300}).json()
    assert (answer["width"], answer["height"]) == (500, 300)
    assert 'width="500" height="300"' in answer["html"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"url": "http://elsewhere.example/runs/x"}, 404),
        ({"url": "{own}/"}, 404),
        ({"url": "{own}/runs/x", "format": "xml"}, 501),
        ({}, 422),
    ],
)
def test_oembed_refuses_what_it_cannot_answer(server: RunningServer, query: dict[str, str], status: int) -> None:
    params = {name: value.replace("{own}", server.url) for name, value in query.items()}
    assert server.http.get("/oembed", params=params).status_code == status


def test_the_head_tells_other_sites_what_it_is(server: RunningServer, run: str) -> None:
    head = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)"', page(server, f"/runs/{run}", "zh")))
    assert (head["title"], head["description"]) == ("标题", "一句话")
    assert head["image"] == f"{server.url}/runs/{run}/card.png"


def test_the_picture_shows_the_run(server: RunningServer, run: str) -> None:
    answer = server.http.get(f"/runs/{run}/card.png")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    data = answer.content
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (1200, 630)
    size = struct.unpack(">I", data[33:37])[0]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + size]), np.uint8).reshape(height, 1 + 3 * width)
    pixels = rows[:, 1:].reshape(height, width, 3)
    colours = {tuple(colour) for colour in np.unique(pixels[72:].reshape(-1, 3), axis=0).tolist()}
    assert (0x00, 0x9E, 0x73) in colours  # something ran
    assert len(colours) > 3


def test_a_deleted_run_is_gone_everywhere(server: RunningServer) -> None:
    run_id, token = server.start_run("prints", count=1)
    with server.watch(run_id) as viewer:
        receive_all(viewer)
    assert server.http.delete(f"/api/runs/{run_id}", headers={"X-Delete-Token": token}).status_code == 204
    paths = (f"/runs/{run_id}", f"/runs/{run_id}/embed", f"/runs/{run_id}/card.png", f"/api/runs/{run_id}/export?format=svg")
    assert {server.http.get(path).status_code for path in paths} == {410}
    assert server.http.get("/oembed", params={"url": f"{server.url}/runs/{run_id}"}).status_code == 410


def test_what_is_vendored_is_what_was_pinned() -> None:
    pinned = json.loads((STATIC / "vendor/vendored.json").read_text("utf-8"))
    folders = {path.name for path in (STATIC / "vendor").iterdir() if path.is_dir()}
    assert folders == {one["folder"] for one in pinned}
    for one in pinned:
        folder = STATIC / "vendor" / one["folder"]
        assert (folder / "LICENSE").read_text().strip()
        assert {name: sha256((folder / name).read_bytes()).hexdigest() for name in one["sha256"]} == one["sha256"]
        scripts = {path.name for path in folder.rglob("*") if path.suffix in (".js", ".mjs", ".css", ".wasm", ".woff2")}
        assert scripts <= set(one["sha256"])
