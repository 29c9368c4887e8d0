"""A node whose disk is nearly full: its publishers are told, and the timeline shows their connections blocked."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from app.broker.installation import must_find
from app.broker.pool import Pool
from tests.broker_tools import needs_broker, run_with

SCRIPT = """
import pika, threading
words = []
parameters = pika.ConnectionParameters('localhost', blocked_connection_timeout=20)
connection = pika.BlockingConnection(parameters)
blocked = connection.add_on_connection_blocked_callback(lambda _c, method: words.append(method.method.reason))
channel = connection.channel()
channel.queue_declare('q')
channel.basic_publish('', 'q', b'x')
while not words:
    connection.process_data_events(0.1)
print(words)
connection.process_data_events(0.5)
"""
ALARM = "rabbit_disk_monitor:set_disk_free_limit(1 bsl 60), <<>>"


@needs_broker
@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_disk_alarm_is_seen() -> None:
    """The node is a broker given by its URL here, as with --broker."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        pool = Pool(must_find(), Path(folder), subprocess.Popen)
        try:
            grant = pool.grant(whole=False)
            url = f"amqp://{grant.name}:{grant.password}@127.0.0.1:{grant.node.port}/{grant.name}"
            grant.node.evaluate(ALARM)
            run = run_with({"url": url}, SCRIPT)
        finally:
            pool.close()
    assert run.end["outcome"] == "finished", run.output
    assert "low on disk" in run.output
    assert [mark["text"] for mark in run.told("connection.blocked")] == ["low on disk"]
    (lane,) = [lane["id"] for lane in run.json["lanes"] if lane["kind"] == "connection"]
    assert run.waits(lane, "blocked")
