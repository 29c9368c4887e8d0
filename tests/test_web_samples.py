"""The samples over HTTP: a real recording of each experiment, its facts, its picture in both themes, its place in the course."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app import resources
from app.catalogue import Catalogue
from app.core import recording
from tests.web_tools import RunningServer, receive_all, serving

CATALOGUE = Catalogue.load(resources.experiments_dir())
SAMPLES = sorted(resources.samples_dir().glob("*.sched"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving(tmp_path_factory.mktemp("samples"), SCHEDSCOPE_EXPERIMENTS_DIR=str(resources.experiments_dir())) as server:
        yield server


def code_of(source: str) -> str:
    """The program without its header: what its docstring says may be mended without a new run."""
    tree = ast.parse(source)
    return ast.dump(ast.Module(tree.body[1:], []))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_a_whole_run_of_todays_program_with_its_defaults(path: Path) -> None:
    experiment = CATALOGUE.get(path.stem)
    assert experiment is not None, f"{path.name} is of no experiment"
    run = recording.read([path.read_bytes()])
    assert run.end is not None
    assert (run.header["experiment"], run.end["dropped"]) == (path.stem, 0)
    assert code_of(run.header["script"]["source"]) == code_of(experiment.source), f"make samples ARGS={path.stem}"
    assert run.header["parameters"] == experiment.validate({}), f"make samples ARGS={path.stem}"
    assert len(run.states["t"]) > 0


def test_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES) < 6_000_000


def test_every_experiment_that_needs_nothing_has_one() -> None:
    have = {path.stem for path in SAMPLES}
    assert [one.id for one in CATALOGUE.experiments if not one.header.requires and one.id not in have] == []


def test_topics_follow_one_another_in_the_course() -> None:
    topics = [experiment.header.topic for experiment in CATALOGUE.experiments]
    assert [topic for i, topic in enumerate(topics) if topic in topics[:i] and topic != topics[i - 1]] == []


def test_a_sample_is_served_with_its_facts_and_picture(server: RunningServer) -> None:
    (about,) = [one["sample"] for one in server.http.get("/api/experiments").json() if one["id"] == "gil-io"]
    assert about["machine"]["cores"] >= 1
    data = server.http.get(about["url"])
    assert "immutable" in data.headers["cache-control"]
    assert data.content == (resources.samples_dir() / "gil-io.sched").read_bytes()
    facts = server.http.get(about["facts_url"]).json()
    assert [one["verdict"] for one in facts["expected"]] == ["holds", "holds"]
    pictures = {theme: server.http.get(f"{about['thumbnail_url']}&theme={theme}").text for theme in ("light", "dark")}
    assert pictures["light"] != pictures["dark"]
    assert all(ElementTree.fromstring(picture).tag.endswith("svg") for picture in pictures.values())
    assert server.http.get(f"{about['thumbnail_url']}&theme=red").status_code == 422
    assert server.http.get("/api/experiments/none/sample").status_code == 404


def test_the_catalogue_walks_through_the_course(server: RunningServer) -> None:
    ids = [experiment.id for experiment in CATALOGUE.experiments]
    page = server.http.get("/?lang=en").text
    assert f'href="/experiments/{ids[0]}?lang=en"' in page
    assert page.index(f"/experiments/{ids[0]}?") < page.index(f"/experiments/{ids[-1]}?")
    middle = server.http.get(f"/experiments/{ids[1]}?lang=en").text
    assert f'rel="prev" href="/experiments/{ids[0]}?lang=en"' in middle
    assert f'rel="next" href="/experiments/{ids[2]}?lang=en"' in middle
    assert f"2/{len(ids)}" in middle
    assert 'rel="prev"' not in server.http.get(f"/experiments/{ids[0]}").text


def test_the_cores_of_a_cpu_bound_run_are_in_its_recording(server: RunningServer) -> None:
    created = server.http.post("/api/runs", json={"experiment": "gil-cpu", "parameters": {"most": 1, "count": 100_000}}).json()
    with server.watch(created["id"]) as viewer:
        data, _ = receive_all(viewer)
    measured = recording.read([data]).header["machine"]["calibration"]
    assert 0 < measured["cores_given"] <= measured["processes"]
    said = server.http.get(f"/api/runs/{created['id']}/export?format=facts").json()
    assert said["cores"]["given"] == measured["cores_given"]
    table = server.http.get(f"/api/runs/{created['id']}/export?format=csv").text
    assert f"cores,,,given,{measured['cores_given']}" in table
