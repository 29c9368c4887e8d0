"""Other interpreters: asked what they are, found by name, and run in the sandbox with what they need."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import recording
from app.recorder import interpreters
from app.recorder.session import Bounds, record
from app.sandbox.launch import Program, SandboxedRun
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime
from tests.web_tools import serving, write_experiment

SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(interpreters.CHOSEN, raising=False)
    interpreters.free_threaded.cache_clear()
    yield
    interpreters.free_threaded.cache_clear()


def claims(folder: Path, name: str, *, free_threaded: bool) -> str:
    """A program of that name which says of itself what an interpreter would."""
    said = {"implementation": "CPython", "version": "3.14.0", "free_threaded": free_threaded, "executable": "", "folders": []}
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_says_what_it_is() -> None:
    found = interpreters.ask(sys.executable)
    assert found.says["version"] == ".".join(map(str, sys.version_info[:3]))
    assert sys.prefix in found.folders
    assert found.free_threaded == (not getattr(sys, "_is_gil_enabled", lambda: True)())


@pytest.mark.parametrize("python", ["/bin/echo", "/bin/false"])
def test_what_is_no_interpreter_is_refused(python: str) -> None:
    with pytest.raises(ValueError, match="is not a Python interpreter"):
        interpreters.ask(python)


def test_the_newest_free_threaded_one_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("python3.98t", "python3.99-nogil", "python3.100"):
        claims(tmp_path, name, free_threaded=True)
    claims(tmp_path, "python3.101t", free_threaded=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = interpreters.free_threaded()
    assert found
    assert found.python == str(tmp_path / "python3.99-nogil")
    assert interpreters.missing(("free-threaded",)) == ()


def test_the_one_named_by_the_environment_is_the_only_one_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims(tmp_path, "python3.99t", free_threaded=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(interpreters.CHOSEN, claims(tmp_path, "other", free_threaded=False))
    assert interpreters.free_threaded() is None
    assert interpreters.missing(("free-threaded", "broker")) == ("free-threaded",)


@pytest.mark.sandbox
@pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason="the system has no Python of its own")
def test_another_interpreter_runs_in_the_sandbox() -> None:
    other = interpreters.ask(SYSTEM_PYTHON)
    source = b"import json, sys, ctypes; print(sys.executable, sys.version_info[:3])"
    run = SandboxedRun(Program(source, "script.py"), Limits(), Runtime.of_another(other.python, other.folders))
    out = io.BytesIO()
    end = record(run, out, {}, Bounds(wall_s=20), classify=run.classify)
    said = b"".join(data for _t, _stream, data in recording.read([out.getvalue()]).output).decode()
    assert end["outcome"] == "finished", said
    version = tuple(map(int, other.says["version"].split(".")))
    assert said == f"{other.python} {version}\n"


def test_where_it_is_missing_the_page_and_the_refusal_say_so(tmp_path: Path) -> None:
    write_experiment(tmp_path / "experiments", "needs-it", "print('ran')\n", extra='requires = ["free-threaded"]')
    with serving(tmp_path, **{interpreters.CHOSEN: "/bin/false"}) as server:
        answer = server.http.post("/api/runs", json={"experiment": "needs-it"})
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["bound"] == ["free-threaded"]
        assert '"missing": ["free-threaded"]' in server.http.get("/experiments/needs-it").text.replace('":["', '": ["')
