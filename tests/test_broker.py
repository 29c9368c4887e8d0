"""RabbitMQ for real: nodes, leases, the tap, and what is said when something is missing or dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pika
import pytest

from app.broker import installation
from app.broker.connect import broker_of, local_listeners
from app.broker.installation import BrokerError
from app.broker.keeper import PREFIX
from app.broker.lease import KeeperProcess, KeptLease, parse_url
from app.core.facts import facts
from tests.broker_tools import erlang_processes, leased, needs_broker, run_with, wait_until

HELLO = """
import pika
connection = pika.BlockingConnection(pika.ConnectionParameters('localhost'))
channel = connection.channel()
channel.queue_declare(queue='hello')
channel.basic_publish(exchange='', routing_key='hello', body='Hello World!')
got = channel.basic_get('hello', auto_ack=True)
print(got[2].decode())
connection.close()
"""


# --- words


@pytest.mark.parametrize("url", ["http://x", "amqps://x", "amqp://", "amqp://h:99999", "nonsense"])
def test_a_wrong_url_is_named(url: str) -> None:
    with pytest.raises(BrokerError, match="--broker"):
        parse_url(url)


def test_parts_of_a_url() -> None:
    access = parse_url("amqp://us%40er:pa%2Fss@host:1234/my%2Fvhost")
    assert (access.host, access.port, access.user, access.password, access.vhost) == (
        "host",
        1234,
        "us@er",
        "pa/ss",
        "my/vhost",
    )
    assert parse_url("amqp://host").vhost == "/"


def test_without_rabbitmq_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "find", lambda: None)
    with pytest.raises(BrokerError, match="apt-get install"):
        installation.must_find()


def test_a_broker_given_by_url_is_not_killed() -> None:
    with pytest.raises(BrokerError, match="not ours to kill"):
        broker_of({"url": "amqp://localhost", "whole": True})


def test_a_port_that_is_taken_is_named(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(BrokerError, match=str(free_port)):
        local_listeners(free_port)


# --- a real node


@needs_broker
@pytest.mark.sandbox
def test_a_plain_script_just_works(keeper: str) -> None:
    run = run_with({"keeper": keeper}, HELLO)
    assert (run.end["outcome"], run.output) == ("finished", "Hello World!\n")
    assert run.messages() == [("channel", "exchange"), ("exchange", "queue"), ("queue", "channel")]
    assert run.counted("queue", "hello") == [0, 1, 0]
    assert [mark["product"] for mark in run.told("client")] == ["Pika Python Client Library"]
    assert run.disagreements() == []
    (thread,), (connection,) = (
        [lane["id"] for lane in run.json["lanes"] if lane["kind"] == kind and lane["name"] in ("MainThread", "connection 1")]
        for kind in ("thread", "connection")
    )
    spoken = [(row[1], row[3]) for row in sorted(run.json["flows"], key=lambda row: row[0]) if connection in (row[1], row[3])]
    assert spoken == [(thread, connection), (thread, connection), (connection, thread)]  # it connects, publishes, gets


@needs_broker
@pytest.mark.sandbox
def test_the_second_lease_is_quick_and_sees_nothing_of_the_first(keeper: str) -> None:
    with leased(keeper) as first:
        connection = pika.BlockingConnection(parameters_of(first))
        connection.channel().queue_declare("mine", durable=True)
        begin = time.monotonic()
        with leased(keeper) as second:
            took_s = time.monotonic() - begin
            assert second.access.vhost != first.access.vhost
            assert second.counts() == {}
            with pytest.raises(BrokerError, match="shares its broker"):
                second.crash()
        assert first.counts() == {"mine": (0, 0, 0)}
        connection.close()
    with leased(keeper) as third:
        assert third.counts() == {}
    assert took_s < 30  # a start of a node takes seconds, a lease some milliseconds


def parameters_of(lease: KeptLease) -> pika.ConnectionParameters:
    access = lease.access
    return pika.ConnectionParameters(
        access.host, access.port, access.vhost, pika.PlainCredentials(access.user, access.password)
    )


@needs_broker
@pytest.mark.sandbox
def test_wrong_credentials_are_refused_by_the_broker(keeper: str) -> None:
    script = HELLO.replace("'localhost'", "'localhost', credentials=pika.PlainCredentials('guest', 'wrong')")
    run = run_with({"keeper": keeper}, script)
    assert run.end["outcome"] == "program error"
    assert "ACCESS_REFUSED" in run.output
    assert [mark["code"] for mark in run.told("connection.close")] == [403]
    lost = facts(run.recording)["broker_lost"]
    assert lost["how"] == "refused"
    assert lost["why"].startswith("403 ACCESS_REFUSED")


@pytest.mark.sandbox
def test_a_broker_that_is_not_there_is_told_by_its_address(free_port: int) -> None:
    run = run_with({"url": f"amqp://127.0.0.1:{free_port}"}, HELLO)
    lost = facts(run.recording)["broker_lost"]
    assert (run.end["outcome"], lost["how"], lost["why"]) == ("program error", "unreachable", "Connection refused")


@needs_broker
@pytest.mark.sandbox
def test_counts_that_frames_do_not_show_are_marked(keeper: str) -> None:
    """Messages that time out leave the queue without a word to anybody."""
    script = """
    import pika, time
    connection = pika.BlockingConnection(pika.ConnectionParameters('localhost'))
    channel = connection.channel()
    channel.queue_declare('short', arguments={'x-message-ttl': 1})
    for _ in range(5):
        channel.basic_publish('', 'short', b'x')
    connection.process_data_events(3)
    connection.close()
    """
    run = run_with({"keeper": keeper}, script)
    assert run.end["outcome"] == "finished", run.output
    assert run.disagreements() == ['{"derived":{"ready":5,"unacked":0},"broker":{"ready":0,"unacked":0}}']
    assert run.counted("queue", "short") == [0, 1, 2, 3, 4, 5, 0]


@needs_broker
@pytest.mark.sandbox
def test_a_dead_letter_is_drawn_on_all_its_way(keeper: str) -> None:
    """What a consumer rejects goes from its queue through the dead-letter exchange to another queue, and the broker counts the same."""
    script = """
    import pika
    connection = pika.BlockingConnection(pika.ConnectionParameters('localhost'))
    channel = connection.channel()
    channel.exchange_declare('graves', 'fanout')
    channel.queue_declare('dead')
    channel.queue_bind('dead', 'graves')
    channel.queue_declare('jobs', arguments={'x-dead-letter-exchange': 'graves'})
    channel.basic_publish('', 'jobs', b'x')
    for method, _properties, _body in channel.consume('jobs'):
        channel.basic_reject(method.delivery_tag, requeue=False)
        break
    channel.cancel()
    while not channel.queue_declare('dead', passive=True).method.message_count:
        pass
    connection.process_data_events(0.8)
    connection.close()
    """
    run = run_with({"keeper": keeper}, script)
    assert run.end["outcome"] == "finished", run.output
    dead = [("queue", "exchange"), ("exchange", "queue")]
    assert run.messages() == [("channel", "exchange"), ("exchange", "queue"), ("queue", "consumer"), *dead]
    assert run.counted("queue", "dead") == [0, 1]
    assert run.disagreements() == []


@needs_broker
@pytest.mark.sandbox
def test_the_switch_says_why_it_does_not(keeper: str) -> None:
    script = """
    import urllib.request, urllib.error
    def ask(path, **how):
        try:
            print(urllib.request.urlopen('http://localhost:15670' + path, **how).status)
        except urllib.error.HTTPError as error:
            print(error.code, error.read().decode().strip())
    ask('/crash', data=b'')
    ask('/crash')
    ask('/other')
    """
    run = run_with({"keeper": keeper}, script)
    first, second, third = run.output.splitlines()
    assert first.startswith("409 this run shares its broker")
    assert run.told("broker killed") == []
    assert (second[:3], third[:3]) == ("405", "404")


@needs_broker
@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_broker_that_dies_by_itself_is_named_and_what_was_recorded_stays(keeper: str) -> None:
    script = """
    import pika, time
    connection = pika.BlockingConnection(pika.ConnectionParameters('localhost'))
    channel = connection.channel()
    channel.queue_declare('q')
    channel.basic_publish('', 'q', b'x')
    connection.process_data_events(0.2)
    print('published', flush=True)
    connection.process_data_events(60)
    """
    with leased(keeper) as other:
        port = other.access.port

        def kill() -> None:
            wait_until(lambda: sockets_at(port, ESTABLISHED))
            time.sleep(1)
            kill_listener_of(port)

        killer = threading.Thread(target=kill)
        killer.start()
        run = run_with({"keeper": keeper}, script)
        killer.join()
    assert run.end["outcome"] == "program error"
    assert "published" in run.output
    connection = next(lane for lane in run.json["lanes"] if lane["kind"] == "connection")
    last = run.states(connection["id"])[-1]
    assert (last[1], last[2]["text"]) == ("killed", "the broker is gone")
    assert run.counted("queue", "q")[:2] == [0, 1]
    assert {mark["text"] for mark in run.told("counts unknown")} == {"the node is gone (Connection refused)"}
    lost = facts(run.recording)["broker_lost"]
    assert (lost["how"], lost["lane"], lost["t_ns"]) == ("gone", connection["id"], last[0])
    with leased(keeper) as afterwards:  # the next run gets a new node
        assert afterwards.counts() == {}


ESTABLISHED, LISTENING = "01", "0A"  # proc_net_tcp of the kernel's documentation


def sockets_at(port: int, state: str) -> set[str]:
    """The inodes of this machine's sockets at a local port, in that state."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == state}


def kill_listener_of(port: int) -> None:
    """SIGKILL to the node that listens there."""
    for pid in erlang_processes():
        files = Path(f"/proc/{pid}/fd")
        names = {os.readlink(files / name) for name in os.listdir(files)} if files.exists() else set()
        if any(f"socket:[{inode}]" in names for inode in sockets_at(port, LISTENING)):
            os.kill(pid, signal.SIGKILL)


@needs_broker
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_left_of_a_keeper_whatever_its_end() -> None:
    """Ended in order, its parent killed, killed itself: no process of Erlang's, and no folder, after the next start at the latest."""
    before = erlang_processes()

    def folders() -> set[Path]:
        return set(Path(tempfile.gettempdir()).glob(PREFIX + "*"))

    others = folders()
    process = KeeperProcess()
    lease = KeptLease(process.socket_path(), whole=False)
    assert len(erlang_processes() - before) >= 2
    process.close()
    lease.close()
    wait_until(lambda: not erlang_processes() - before)
    assert folders() <= others

    code = "from app.broker.lease import *; p = KeeperProcess(); KeptLease(p.socket_path(), whole=False); print('up', flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    parent.kill()
    parent.communicate()
    wait_until(lambda: not erlang_processes() - before)
    wait_until(lambda: folders() <= others)

    killed = KeeperProcess()
    lease = KeptLease(killed.socket_path(), whole=False)
    assert killed._process is not None
    killed._process.kill()
    wait_until(lambda: not erlang_processes() - before)
    assert not folders() <= others
    lease.close()
    killed.close()
    process = KeeperProcess()
    process.socket_path()
    assert len(folders() - others) == 1
    process.close()
    assert folders() <= others
