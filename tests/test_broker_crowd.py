"""A crowd of runs with a broker at once, and what other people's programs say of the tap."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from app.core.recording import read
from tests.broker_tools import needs_broker, nodes_in, wait_until
from tests.web_tools import EVERY_ADMISSION, SANDBOXED, receive_all, serving, write_experiment

pytestmark = [needs_broker, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(600)]
RUNS = 30
# Everybody uses the same names; whoever saw another's message would say so.
SAME_NAMES = """
import uuid, pika
me = uuid.uuid4().hex.encode()
connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.exchange_declare("all", "fanout")
channel.queue_declare("box", durable=True)
channel.queue_bind("box", "all")
for _ in range(20):
    channel.basic_publish("all", "", me)
got = [channel.basic_get("box", auto_ack=True)[2] for _ in range(20)]
assert got == [me] * 20, got
assert channel.basic_get("box")[0] is None
connection.close()
print("mine alone")
"""


def test_thirty_runs_at_once_finish_and_see_nothing_of_each_other(tmp_path: Path) -> None:
    write_experiment(tmp_path / "experiments", "crowd", SAME_NAMES, extra='requires = ["broker"]')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with serving(tmp_path, SANDBOXED, TMPDIR=folder, **EVERY_ADMISSION) as server:
            runs = [server.start_run("crowd")[0] for _ in range(RUNS)]
            for run in runs:
                with server.watch(run) as viewer:
                    data, said = receive_all(viewer)
                recording = read([data])
                output = b"".join(piece for _t, _stream, piece in recording.output).decode()
                assert (said[-1]["outcome"], output) == ("finished", "mine alone\n")
                assert recording.end is not None
            assert len(nodes_in(folder)) == 1
        assert nodes_in(folder) == set()


def test_a_run_says_that_it_waits_for_its_node_and_a_warm_one_is_there(tmp_path: Path) -> None:
    """With a node that starts with the server, and without: the wait is told, and is not the script's time."""
    write_experiment(tmp_path / "experiments", "crowd", SAME_NAMES, extra='requires = ["broker"]')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        options = {**EVERY_ADMISSION, "TMPDIR": folder}
        with serving(tmp_path, SANDBOXED, **options) as server, server.watch(server.start_run("crowd")[0]) as viewer:
            _data, said = receive_all(viewer)
            assert "broker" in [one.get("waits_for") for one in said]
            assert (said[-1]["outcome"], "waits_for" in said[-1]) == ("finished", False)
            assert len(nodes_in(folder)) == 1
        assert nodes_in(folder) == set()
        with serving(tmp_path, SANDBOXED, SCHEDSCOPE_WARM_BROKER="1", **options):
            wait_until(lambda: nodes_in(folder))
        assert nodes_in(folder) == set()
