"""`--broker URL` end to end: a RabbitMQ that somebody else runs is used by server and command line, and never killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import resources
from app.catalogue import Catalogue
from app.core import recording
from app.core.expectations import expectations
from app.web.requirements import BROKER, CRASH
from tests.broker_tools import ROOT, leased, needs_broker
from tests.web_tools import SANDBOXED, blocks_of, receive_all, serving

pytestmark = [needs_broker, pytest.mark.slow, pytest.mark.sandbox, pytest.mark.timeout(400)]

COURSE = resources.experiments_dir()
ASKS_FOR_A_CRASH = """
import pika, urllib.error, urllib.request
connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
print("in")
try:
    urllib.request.urlopen("http://localhost:15670/crash", data=b"")
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode().strip())
connection.channel()
print("still in")
"""


@pytest.fixture(scope="module")
def url(keeper: str) -> Iterator[str]:
    """A virtual host of a node that, for whoever has the URL, is somebody else's."""
    with leased(keeper) as lease:
        access = lease.access
        yield f"amqp://{access.user}:{access.password}@{access.host}:{access.port}/{access.vhost}"


def schedscope(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *map(str, words)]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_a_server_runs_every_experiment_there_but_those_that_kill_it(tmp_path: Path, url: str) -> None:
    """Twice: what the first run has left in that virtual host is in nobody's way."""
    wanting = [each for each in Catalogue.load(COURSE).experiments if BROKER in each.header.requires]
    assert len(wanting) == 8
    with serving(tmp_path, (*SANDBOXED, "--broker", url), SCHEDSCOPE_EXPERIMENTS_DIR=str(COURSE)) as server:
        for experiment in [each for each in wanting if CRASH not in each.header.requires] * 2:
            run, _token = server.start_run(experiment.id)
            with server.watch(run) as viewer:
                data, said = receive_all(viewer)
            found = recording.read([data])
            assert (experiment.id, said[-1]["outcome"]) == (experiment.id, "finished")
            assert [one for one in expectations(found) if one["verdict"] != "holds"] == []
            assert blocks_of(data)[0].document()["broker"].endswith(", not ours")
        for experiment in [each for each in wanting if CRASH in each.header.requires]:
            refused = server.http.post("/api/runs", json={"experiment": experiment.id})
            assert (refused.status_code, "not ours to kill" in refused.json()["detail"]) == (409, True)
            page = server.http.get(f"/experiments/{experiment.id}?lang=en", headers={"Accept": "text/html"}).text
            assert f'"missing": ["{CRASH}"]' in page or f'"missing":["{CRASH}"]' in page


def test_a_script_recorded_there_may_not_kill_it(tmp_path: Path, url: str) -> None:
    (tmp_path / "crash.py").write_text(ASKS_FOR_A_CRASH)
    done = schedscope(tmp_path, "record", "--sandbox", "--broker", url, "-o", "run.sched", "crash.py")
    assert done.stdout == "in\n409 this broker is not ours to kill (--broker URL)\nstill in\n"
    assert done.returncode == 0
    found = recording.read([(tmp_path / "run.sched").read_bytes()])
    assert found.header["broker"].endswith(", not ours")


def test_doctor_says_how_that_broker_is(tmp_path: Path, url: str, free_port: int) -> None:
    cases = {
        url: ("yes", "all runs share"),
        url.replace("@", "wrong@"): ("no", "ACCESS_REFUSED"),
        url.rpartition("/")[0] + "/nowhere": ("no", "nowhere not found"),
        f"amqp://127.0.0.1:{free_port}": ("no", "Connection refused"),
        "http://example.org": ("no", "must be amqp://"),
    }
    for given, (holds, words) in cases.items():
        told = schedscope(tmp_path, "doctor", "--broker", given).stdout
        (line,) = [line for line in told.splitlines() if " RabbitMQ: " in line]
        assert line.split()[0] == holds
        assert words in line
