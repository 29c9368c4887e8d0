"""The whole way for real: the course's own experiments, each in its sandbox, seen live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import resources
from app.catalogue import Catalogue
from app.core.recording import read
from app.web import Settings
from app.web.requirements import missing
from tests.web_tools import SANDBOXED, RunningServer, blocks_of, output_of, receive_all, serving, write_experiment

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
COURSE = resources.experiments_dir()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("sandboxed")
    with serving(folder, SANDBOXED, SCHEDSCOPE_EXPERIMENTS_DIR=str(COURSE)) as server:
        yield server


@pytest.mark.parametrize("experiment", [e.id for e in Catalogue.load(COURSE).experiments])
def test_every_experiment_of_the_course_runs_in_the_sandbox(server: RunningServer, experiment: str) -> None:
    requires = next(e.header.requires for e in Catalogue.load(COURSE).experiments if e.id == experiment)
    if lacking := missing(requires, Settings()):
        pytest.skip(f"this machine lacks {', '.join(lacking)}")
    run, _ = server.start_run(experiment)
    with server.watch(run) as viewer:
        data, said = receive_all(viewer)
    assert said[-1]["outcome"] == "finished", output_of(data).decode()
    recording = read([data])
    assert recording.header["sandbox"] == "bubblewrap"
    assert recording.header["experiment"] == experiment
    assert len(recording.states["t"]) > 0
    assert data == server.http.get(f"/api/runs/{run}/recording").content


def test_a_limit_is_shown_by_name_and_number(tmp_path: Path) -> None:
    write_experiment(tmp_path / "experiments", "endless", "while True: pass\n", extra="time_limit_s = 1")
    write_experiment(tmp_path / "experiments", "grows", "x = []\nwhile True: x.append(bytes(1 << 20))\n", order=2)
    with serving(tmp_path, SANDBOXED, SCHEDSCOPE_LIMITS="memory_bytes=67108864") as server:
        for experiment, outcome, limit, bound in (
            ("endless", "time limit", "wall_s", 1),
            ("grows", "memory limit", "memory_bytes", 64 << 20),
        ):
            run, _ = server.start_run(experiment)
            with server.watch(run) as viewer:
                data, _ = receive_all(viewer)
            end = blocks_of(data)[-1].document()
            assert (end["outcome"], end["limit"], end["bound"]) == (outcome, limit, bound)
            assert blocks_of(data)[0].document()["limits"][limit] == bound
