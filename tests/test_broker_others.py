"""Other people's programs do not notice the tap: py-amqp's own tests of a broker, and the six topics of RabbitMQ's tutorials."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.broker.lease import Access
from app.broker.observer import BrokerObserver
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record
from tests.broker_tools import ROOT, BrokerRun, leased, needs_broker, run_with

pytestmark = [needs_broker, pytest.mark.slow, pytest.mark.timeout(300)]

# --- py-amqp

PLACE = ROOT / ".make/py-amqp"
NAME = "amqp-5.3.1"
PACKAGES = """
amqp==5.3.1 --hash=sha256:cddc00c725449522023bad949f70fff7b48f0b1ade74d170a6f10ab044739432
vine==5.1.0 --hash=sha256:40fdf3c48b2cfe1c38a49e9ae2da6fda88e4794c810050a728bd7413811fb1dc
"""
RUNNER = """
import functools, json, sys, amqp, pytest
told, user, password, vhost = sys.argv[1:]
amqp.Connection = functools.partial(amqp.Connection, userid=user, password=password, virtual_host=vhost)
class Results:
    def __init__(self): self.seen = {}
    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.seen[report.nodeid.partition("::")[2]] = report.outcome
    def pytest_sessionfinish(self):
        with open(told, "w") as file: json.dump(self.seen, file)
options = "-q -p no:cacheprovider -c /dev/null --rootdir=. -o python_classes=test_*".split()
options += ["-o", "markers=env\\nflaky", "-k", "not tls", "t/integration/test_rmq.py"]
sys.exit(pytest.main(options, [Results()]))
"""


@pytest.fixture(scope="module")
def py_amqp() -> Path:
    """Its source, with its tests, as it is published; fetched once."""
    if not (PLACE / NAME).exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        asked = PLACE / "requirements.txt"
        asked.write_text(PACKAGES)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        how = "--require-hashes --no-deps --no-binary amqp --no-build-isolation --retries 1 --timeout 20".split()
        fetched = subprocess.run([*pip, "download", *how, "-d", PLACE, "-r", asked], capture_output=True, text=True)
        if fetched.returncode:
            pytest.skip(f"py-amqp cannot be fetched here: {fetched.stderr.strip().splitlines()[-1]}")
        for archive in PLACE.glob("vine*.whl"):
            shutil.unpack_archive(archive, PLACE, "zip")
        shutil.unpack_archive(PLACE / f"{NAME}.tar.gz", PLACE, filter="data")
    return PLACE / NAME


def results(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: Access, tap: BrokerObserver | None = None
) -> tuple[dict[str, str], BrokerRun | None]:
    """What each of py-amqp's tests came to, run there and as that user; behind the tap it is recorded too."""
    runner, told = tmp_path / "runner.py", tmp_path / "told.json"
    runner.write_text(RUNNER)
    told.unlink(missing_ok=True)
    words = [sys.executable, str(runner), str(told), access.user, access.password, access.vhost]
    given = {"RABBITMQ_HOST": access.host, "RABBITMQ_5672_TCP": str(access.port), "PYTHONPATH": f"{folder}:{PLACE}"}
    run = None
    if tap is None:
        subprocess.run(words, cwd=folder, env=os.environ | given, stdout=subprocess.DEVNULL, check=False)
    else:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        document = header.document(script_path=str(runner), source=RUNNER, interpreter=header.interpreter())
        out = io.BytesIO()
        end = record(PlainTarget(words), out, document, Bounds(wall_s=120), beside=[tap])
        run = BrokerRun(out.getvalue(), end)
    return json.loads(told.read_text()), run


def test_py_amqp_does_not_see_the_tap(keeper: str, py_amqp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests of a real broker give the same results, and the picture of all they did agrees with the broker's counts."""
    with leased(keeper) as lease:
        direct, _ = results(py_amqp, tmp_path, monkeypatch, lease.access)
    lease, listener = leased(keeper), socket.create_server(("127.0.0.1", 0))
    with lease as given:
        tap = BrokerObserver(given, [listener])
        access = Access("127.0.0.1", listener.getsockname()[1], "guest", "guest", "/")
        tapped, run = results(py_amqp, tmp_path, monkeypatch, access, tap)
    assert [
        (name, direct.get(name), tapped.get(name)) for name in direct | tapped if direct.get(name) != tapped.get(name)
    ] == []
    assert Counter(tapped.values()) == {"passed": 10}
    assert run is not None
    assert (run.end["outcome"], run.disagreements(), run.told("not understood")) == ("finished", [], [])
    assert len(run.told("client")) == 10
    assert [mark["code"] for mark in run.told("connection.close") if mark["by"] == "broker"] == [
        540
    ] * 4  # RabbitMQ has no `immediate`


# --- the six topics

TUTORIALS = ROOT / "tests/tutorials"
SAID = {
    "hello": ["sent", "received Hello World!"],
    "work_queues": ["dies with job 1", "did job 1 again", "did job 2", "did job 3", "did job 4"],
    "publish_subscribe": ["subscriber 1: info: hello", "subscriber 2: info: hello"],
    "routing": [
        "errors: error: a message of kind error",
        *(f"all: {kind}: a message of kind {kind}" for kind in ("info", "error", "warning")),
    ],
    "topics": [
        "#: kern.critical kern cron.critical kern.disk.full (none)",
        "kern.*: kern.critical",
        "*.critical: kern.critical cron.critical",
        "kern.#: kern.critical kern kern.disk.full",
    ],
    "rpc": ["fib(20) = 6765", "fib(7) = 13"],
}
PUBLISHED, ROUTED, DELIVERED, GOT = ("channel", "exchange"), ("exchange", "queue"), ("queue", "consumer"), ("queue", "channel")
# What is drawn of each: connections, steps of messages, marks.
DRAWN: dict[str, tuple[int, dict[tuple[str, str], int], dict[str, int]]] = {
    "hello": (2, {PUBLISHED: 1, ROUTED: 1, DELIVERED: 1}, {"queue.declare": 2}),
    "work_queues": (3, {PUBLISHED: 4, ROUTED: 4, DELIVERED: 5}, {"basic.qos": 2, "basic.ack": 4}),
    "publish_subscribe": (3, {PUBLISHED: 2, ROUTED: 2, DELIVERED: 2}, {"unroutable": 1, "bind": 2, "exchange.declare": 3}),
    "routing": (3, {PUBLISHED: 5, ROUTED: 6, DELIVERED: 6}, {"unroutable": 1, "bind": 4}),
    "topics": (1, {PUBLISHED: 5, ROUTED: 11, GOT: 11}, {"bind": 4, "basic.get-empty": 4, "confirm": 5}),
    "rpc": (2, {PUBLISHED: 4, ROUTED: 4, DELIVERED: 4}, {"basic.ack": 2}),
}


@pytest.mark.sandbox
@pytest.mark.parametrize("topic", SAID)
def test_a_tutorial_s_topic_is_the_same_through_the_tap_and_is_drawn(keeper: str, topic: str) -> None:
    source = TUTORIALS / f"{topic}.py"
    with leased(keeper) as lease:
        access = lease.access
        url = f"amqp://{access.user}:{access.password}@{access.host}:{access.port}/{access.vhost}"
        words = [sys.executable, str(source)]
        direct = subprocess.run(words, env=os.environ | {"BROKER_URL": url}, capture_output=True, text=True, check=True)
    run = run_with({"keeper": keeper}, source.read_text())
    assert (run.end["outcome"], run.end["dropped"]) == ("finished", 0), run.output
    assert direct.stdout.splitlines() == run.output.splitlines() == SAID[topic]
    connections, steps, marks = DRAWN[topic]
    assert len([lane for lane in run.json["lanes"] if lane["kind"] == "connection"]) == connections
    assert Counter(run.messages()) == steps
    assert {what: len(run.told(what)) for what in marks} == marks
    assert run.disagreements() == []
    _MORE.get(topic, lambda _run: None)(run)


def _again(run: BrokerRun) -> None:
    """The job of the worker that died is told as redelivered, and once."""
    again = [row for row in run.json["flows"] if row[4] == "message" and "redelivered" in str(row[5:])]
    assert len(again) == 1


def _bound(run: BrokerRun) -> None:
    assert sorted(mark["key"] for mark in run.told("bind")) == ["error", "error", "info", "warning"]
    assert [mark["key"] for mark in run.told("unroutable")] == ["debug"]


_MORE: dict[str, Any] = {"work_queues": _again, "routing": _bound}
