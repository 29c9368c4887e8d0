"""The tap alone: what goes through it is the same to the last byte, and who is slow, too fast or gone is felt and told."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from app.broker.allowance import Allowance
from app.broker.tap import READ_BYTES, SEEN_BYTES, Seen, Tap
from app.core.amqp.login import Identity
from app.core.amqp.wire import Side
from tests.broker_tools import wait_until


@contextmanager
def tapped(server: tuple[str, int], identity: Identity) -> Iterator[tuple[Tap, int]]:
    """A tap before a server, and the port it listens on."""
    listener = socket.create_server(("127.0.0.1", 0))
    tap = Tap([listener], server, identity)
    tap.start()
    try:
        yield tap, listener.getsockname()[1]
    finally:
        tap.close()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A client that does not wait."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setblocking(False)
        yield client


@contextmanager
def echoing() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets, until told that no more comes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                while data := peer.recv(65536):
                    peer.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield "127.0.0.1", listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_what_is_no_amqp_passes_untouched() -> None:
    """Not one byte is lost or held back, also of a peer that stops in the middle of a word."""
    noise = os.urandom(300_000)
    with echoing() as server, tapped(server, Identity("u", "p", "v")) as (tap, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            threading.Thread(target=lambda: (client.sendall(noise), client.shutdown(socket.SHUT_WR)), daemon=True).start()
            back = bytearray()
            while piece := client.recv(65536):
                back += piece
        assert bytes(back) == noise
        seen: list[Seen] = []
        wait_until(lambda: seen.extend(tap.fetch(1 << 30)) or seen[-1].what == "disconnected")
    assert [each.what for each in seen if each.what != "data"] == ["connected", "disconnected"]
    for side in Side:
        assert b"".join(each.data for each in seen if each.side is side) == noise


def test_who_does_not_read_makes_the_sender_wait() -> None:
    """From end to end: the tap holds no more than it may, whoever is slow."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, tapped(listener.getsockname(), Identity("u", "p", "v")) as (tap, port), connected(port) as client:
        sent = 0
        while select.select([], [client], [], 0.5)[1] and sent < 1 << 28:
            sent += client.send(b"x" * 65536)
        assert sent < 64 << 20
        assert sum(len(each.data) for each in tap._seen) <= SEEN_BYTES + 65536


def test_nobody_fetches_and_the_sender_waits() -> None:
    with echoing() as server, tapped(server, Identity("u", "p", "v")) as (tap, port), connected(port) as client:
        sent = 0
        while select.select([], [client], [], 0.5)[1] and sent < 1 << 28:
            sent += client.send(b"x" * 65536)
            if select.select([client], [], [], 0)[0]:
                client.recv(65536)
        assert sent < 1 << 28
        assert sum(len(each.data) for each in tap._seen) <= SEEN_BYTES + 2 * 65536
        while not select.select([], [client], [], 0.1)[1]:  # once it is fetched, the sender may go on
            tap.fetch(1 << 30)
            if select.select([client], [], [], 0)[0]:
                client.recv(65536)


def test_who_sends_too_fast_waits_and_that_is_told() -> None:
    """So much at once goes through; here nothing more does, for the bucket never fills."""
    allowed = 300_000
    with echoing() as server:
        listener = socket.create_server(("127.0.0.1", 0))
        tap = Tap([listener], server, Identity("u", "p", "v"), Allowance(0, allowed))
        tap.start()
        with connected(listener.getsockname()[1]) as client:
            while select.select([], [client], [], 0.5)[1]:
                client.send(b"x" * 65536)
        tap.close()
        seen = tap.fetch(1 << 30)
    sent = sum(len(each.data) for each in seen if each.side is Side.CLIENT)
    assert allowed < sent <= allowed + READ_BYTES
    assert [each.what for each in seen if each.what != "data"] == ["connected", "slowed", "disconnected"]


def test_an_allowance_fills_with_time() -> None:
    allowance = Allowance(100, 1000)
    allowance.take(1500, 10.0)
    assert [allowance.spent(t) for t in (10.0, 14.9, 15.1)] == [True, True, False]
    allowance.take(1500, 1e9)  # however long nobody sent, no more than so much at once
    assert [allowance.spent(1e9 + t) for t in (0, 4.9, 5.1)] == [True, True, False]


def test_a_broker_that_is_not_there_refuses(free_port: int) -> None:
    with tapped(("127.0.0.1", free_port), Identity("u", "p", "v")) as (tap, port):
        with socket.create_connection(("127.0.0.1", port)) as client, pytest.raises(ConnectionResetError):
            client.recv(1)
        seen: list[Seen] = []
        wait_until(lambda: seen.extend(tap.fetch(1 << 20)) or len(seen) > 1)  # the client may notice before it is written down
        assert "cannot be reached" in seen[-1].words
