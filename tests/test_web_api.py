"""The run API over a real socket: what it gives, and every refusal with its field and bound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web_tools import RunningServer, blocks_of, output_of, receive_all, serving_course, wait_output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("api"), SCHEDSCOPE_SLOTS="2") as server:
        yield server


@pytest.fixture(scope="module")
def finished(server: RunningServer) -> str:
    run, _ = server.start_run("prints", count=4)
    with server.watch(run) as viewer:
        receive_all(viewer)
    return run


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status
    assert all(set(error) == {"field", "message", "bound"} for error in document["errors"])
    return document


def test_a_run_is_made_and_comes_to_rest(server: RunningServer, finished: str) -> None:
    run = server.http.get(f"/api/runs/{finished}").json()
    assert (run["state"], run["outcome"], run["position"]) == ("finished", "finished", 0)
    assert (run["experiment"], run["parameters"], run["name"]) == ("prints", {"count": 4}, "prints.py")
    assert run["created_s"] <= run["started_s"] <= run["ended_s"]
    assert run["end"]["exit_code"] == 0
    data = server.http.get(f"/api/runs/{finished}/recording").content
    assert len(data) == run["size_bytes"]
    assert output_of(data) == b"line 0\nline 1\nline 2\nline 3\n"
    header = blocks_of(data)[0].document()
    assert (header["experiment"], header["parameters"], header["argv"]) == ("prints", {"count": 4}, ["--count", "4"])
    assert header["script"]["sha256"] == run["source_sha256"]


def test_a_failing_program_is_the_programs_outcome(server: RunningServer) -> None:
    run, _ = server.start_run("fails")
    with server.watch(run) as viewer:
        _, said = receive_all(viewer)
    assert said[-1] == {"state": "finished", "outcome": "program error", "position": 0, "behind_bytes": 0}
    assert server.http.get(f"/api/runs/{run}").json()["end"]["exit_code"] == 3


def test_the_answer_names_the_page_and_the_token(server: RunningServer) -> None:
    answer = server.http.post("/api/runs", json={"experiment": "prints"})
    made = answer.json()
    assert set(made) == {"id", "url", "delete_token"}
    assert made["url"] == f"/runs/{made['id']}" == answer.headers["location"]


@pytest.mark.parametrize(
    ("body", "field", "bound"),
    [
        ({"experiment": "prints", "parameters": {"count": 0}}, "count", 1),
        ({"experiment": "prints", "parameters": {"count": 100001}}, "count", 100000),
        ({"experiment": "prints", "parameters": {"count": "many"}}, "count", "int, 1 to 100000"),
        ({"experiment": "prints", "parameters": {"colour": 1}}, "colour", None),
        ({"experiment": "nowhere"}, "experiment", ["prints", "waits", "fails"]),
        ({}, "experiment", ["prints", "waits", "fails"]),
        ({"experiment": "x" * 65}, "experiment", 64),
        ({"experiment": "prints", "speed": 1}, "speed", None),
        ({"experiment": ["prints"]}, "experiment", None),
        ([], "body", None),
    ],
)
def test_422_names_the_field_and_the_bound(server: RunningServer, body: object, field: str, bound: object) -> None:
    errors = problem(server.http.post("/api/runs", json=body), 422)["errors"]
    assert [(error["field"], error["bound"]) for error in errors] == [(field, bound)]


def test_what_is_not_json_is_422(server: RunningServer) -> None:
    problem(server.http.post("/api/runs", content=b"{", headers={"content-type": "application/json"}), 422)
    problem(server.http.post("/api/runs", content=b'{"experiment":"prints"}', headers={"content-type": "text/plain"}), 422)


def test_a_visitors_own_code_is_refused(server: RunningServer) -> None:
    document = problem(server.http.post("/api/runs", json={"source": "print(1)"}), 403)
    assert document["errors"][0]["field"] == "source"


def test_too_large_a_body_is_refused_announced_or_not(server: RunningServer) -> None:
    body = b'{"experiment":"' + b"x" * (1 << 20) + b'"}'
    kind = {"content-type": "application/json"}
    announced = problem(server.http.post("/api/runs", content=body, headers=kind), 413)
    assert announced["errors"] == [{"field": "body", "message": announced["detail"], "bound": 256 * 1024}]
    problem(server.http.post("/api/runs", content=iter([body[:300_000], body[300_000:]]), headers=kind), 413)


@pytest.mark.parametrize("path", ["", "/recording", "/export?format=json"])
def test_unknown_is_404_and_deleted_is_410(server: RunningServer, path: str) -> None:
    run, token = server.start_run("prints", count=1)
    assert server.http.delete(f"/api/runs/{run}", headers={"X-Delete-Token": token}).status_code == 204
    problem(server.http.get(f"/api/runs/{run}{path}"), 410)
    problem(server.http.get(f"/api/runs/never-was{path}"), 404)
    problem(server.http.delete(f"/api/runs/{run}", headers={"X-Delete-Token": token}), 410)
    problem(server.http.delete("/api/runs/never-was", headers={"X-Delete-Token": token}), 404)


def test_only_the_token_deletes_or_cancels(server: RunningServer, finished: str) -> None:
    for headers in ({}, {"X-Delete-Token": "guess"}):
        assert (
            problem(server.http.delete(f"/api/runs/{finished}", headers=headers), 403)["errors"][0]["field"] == "X-Delete-Token"
        )
        problem(server.http.post(f"/api/runs/{finished}/cancel", headers=headers), 403)
    assert server.http.get(f"/api/runs/{finished}").json()["state"] == "finished"


def test_cancelling_ends_the_run_and_keeps_what_was_recorded(server: RunningServer) -> None:
    run, token = server.start_run("waits")
    with server.watch(run) as viewer:
        wait_output(viewer, b"began\n")
        answer = server.http.post(f"/api/runs/{run}/cancel", headers={"X-Delete-Token": token})
        _, said = receive_all(viewer)
    assert (answer.json()["state"], answer.json()["outcome"]) == ("finished", "cancelled")
    assert said[-1]["outcome"] == "cancelled"
    data = server.http.get(f"/api/runs/{run}/recording").content
    assert output_of(data) == b"began\n"
    assert blocks_of(data)[-1].document()["outcome"] == "cancelled"
    again = server.http.post(f"/api/runs/{run}/cancel", headers={"X-Delete-Token": token})
    assert again.json()["outcome"] == "cancelled"


def test_deleting_a_run_that_goes_on_ends_it(server: RunningServer) -> None:
    run, token = server.start_run("waits")
    with server.watch(run) as viewer:
        wait_output(viewer, b"began\n")
        assert server.http.delete(f"/api/runs/{run}", headers={"X-Delete-Token": token}).status_code == 204
    problem(server.http.get(f"/api/runs/{run}"), 410)


def test_a_finished_recording_is_immutable(server: RunningServer, finished: str) -> None:
    path = f"/api/runs/{finished}/recording"
    whole = server.http.get(path)
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["etag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    again = server.http.get(path, headers={"If-None-Match": f'"other", {whole.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    part = server.http.get(path, headers={"Range": "bytes=8-31", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[8:32])
    assert server.http.head(path).headers["content-length"] == str(len(whole.content))


def test_a_recording_that_goes_on_is_given_as_far_as_it_is(server: RunningServer) -> None:
    run, token = server.start_run("waits")
    with server.watch(run) as viewer:
        seen = wait_output(viewer, b"began\n")
        answer = server.http.get(f"/api/runs/{run}/recording")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(seen)
    assert blocks_of(answer.content)
    server.http.post(f"/api/runs/{run}/cancel", headers={"X-Delete-Token": token})


def test_the_json_export_is_whole(server: RunningServer, finished: str) -> None:
    answer = server.http.get(f"/api/runs/{finished}/export?format=json")
    document = answer.json()
    assert document["format"] == "schedscope"
    assert document["header"]["experiment"] == "prints"
    assert document["end"]["outcome"] == "finished"
    assert any(lane["kind"] == "thread" for lane in document["lanes"])
    assert "immutable" in answer.headers["cache-control"]
    assert problem(server.http.get(f"/api/runs/{finished}/export?format=docx"), 422)["errors"][0]["field"] == "format"


@pytest.mark.parametrize(
    ("query", "media_type", "head", "name"),
    [
        ("format=csv", "text/csv; charset=utf-8", b"section,lane,", "csv"),
        ("format=perfetto", "application/x-protobuf", b"\n", "pftrace"),
        (
            "format=svg&theme=dark&lang=zh&width=900",
            "image/svg+xml",
            b'<svg xmlns="http://www.w3.org/2000/svg" width="900"',
            "svg",
        ),
        ("format=html&lang=zh", "text/html; charset=utf-8", b"<!doctype html>", "html"),
    ],
)
def test_other_formats(server: RunningServer, finished: str, query: str, media_type: str, head: bytes, name: str) -> None:
    answer = server.http.get(f"/api/runs/{finished}/export?{query}")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{finished}.{name}"'
    assert answer.content.startswith(head)


@pytest.mark.parametrize(
    ("query", "field"), [("width=9", "width"), ("start=-1", "start"), ("start=2&end=1", "start"), ("theme=red", "theme")]
)
def test_export_options_out_of_bounds_are_named(server: RunningServer, finished: str, query: str, field: str) -> None:
    answer = server.http.get(f"/api/runs/{finished}/export?format=svg&{query}")
    assert problem(answer, 422)["errors"][0]["field"] == field


def test_the_catalogue_and_the_health(server: RunningServer) -> None:
    listed = server.http.get("/api/experiments").json()
    assert [experiment["id"] for experiment in listed] == ["prints", "waits", "fails"]
    assert listed[0]["parameters"][0]["maximum"] == 100000
    health = server.http.get("/healthz").json()
    assert (health["status"], health["slots"]) == ("ok", 2)


def test_the_api_describes_itself(server: RunningServer) -> None:
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {"/api/runs", "/api/runs/{run}", "/api/runs/{run}/recording", "/api/runs/{run}/export", "/healthz"} <= set(paths)


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/runs/never-was", "/static/nothing.js", "/openapi.json"])
def test_every_answer_tells_the_browser_what_a_page_may_do(server: RunningServer, path: str) -> None:
    headers = server.http.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_other_addresses_and_methods_are_problems_too(server: RunningServer) -> None:
    problem(server.http.get("/api/nothing"), 404)
    assert problem(server.http.put("/api/runs"), 405)
    assert server.http.put("/api/runs").headers["allow"]


def test_the_seventh_run_of_a_minute_waits(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_RUNS_PER_MINUTE="6") as server:
        for _ in range(6):
            server.start_run("prints", count=1)
        answer = server.http.post("/api/runs", json={"experiment": "prints"})
    assert problem(answer, 429)["errors"][0]["bound"] == 6
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_the_queue_has_places_of_its_own_and_of_each_client(tmp_path: Path) -> None:
    limits = {"SCHEDSCOPE_SLOTS": "1", "SCHEDSCOPE_QUEUE_LENGTH": "3"}
    with serving_course(tmp_path, **limits, SCHEDSCOPE_WAITING_PER_CLIENT="2") as server:
        runs = [server.start_run("waits") for _ in range(3)]
        refused = server.http.post("/api/runs", json={"experiment": "waits"})
        assert problem(refused, 429)["errors"][0] == {
            "field": "waiting_per_client",
            "message": refused.json()["detail"],
            "bound": 2,
        }
        assert [server.http.get(f"/api/runs/{run}").json()["position"] for run, _ in runs] == [0, 1, 2]
        with server.watch(runs[2][0]) as viewer:
            server.http.post(f"/api/runs/{runs[1][0]}/cancel", headers={"X-Delete-Token": runs[1][1]})
            server.http.post(f"/api/runs/{runs[0][0]}/cancel", headers={"X-Delete-Token": runs[0][1]})
            wait_output(viewer, b"began\n")
    with serving_course(tmp_path, **limits) as server:
        for _ in range(4):
            server.start_run("waits")
        full = server.http.post("/api/runs", json={"experiment": "waits"})
        assert problem(full, 503)["errors"][0]["bound"] == 3
        assert int(full.headers["retry-after"]) >= 1
