"""The AMQP core: any split of the bytes says the same, nothing that comes over the wire breaks it, nothing but the login is changed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame

from app.core.amqp import methods
from app.core.amqp.frames import MAX_FRAME_BYTES, PROTOCOL, FrameReader
from app.core.amqp.login import Identity, Login
from app.core.amqp.wire import Fault, Listener, Said, Side
from tests.amqp_talk import (
    TALK,
    C,
    Piece,
    S,
    content,
    handshake,
    said,
    told,
)

dices = st.integers(0, 1 << 32).map(random.Random)
IDENTITY = Identity("run-user", "secret", "run-vhost")


def split(pieces: list[Piece], sizes: random.Random) -> list[Piece]:
    """The same bytes in other pieces; what one side sends in a row may be joined."""
    out: list[Piece] = []
    for side, data in pieces:
        while data:
            size = sizes.choice((1, 2, 7, 8, 100, 4000))
            out.append((side, data[:size]))
            data = data[size:]
    return out


@given(dices)
def test_any_split_of_the_bytes_says_the_same(sizes: random.Random) -> None:
    assert told(split(TALK, sizes)).rows() == told(TALK).rows()


def test_every_byte_alone_says_the_same() -> None:
    assert told([(side, bytes([byte])) for side, data in TALK for byte in data]).rows() == told(TALK).rows()


def forwarded(pieces: list[Piece]) -> tuple[bytes, bytes]:
    """What a login passes on to the broker and to the client, to the last byte."""
    login = Login(IDENTITY)
    to_server = b"".join(login.from_client(data) for side, data in pieces if side is C) + login.rest_of_client()
    to_client = b"".join(login.from_server(data) for side, data in pieces if side is S) + login.rest_of_server()
    return to_server, to_client


def sent(pieces: list[Piece]) -> tuple[bytes, bytes]:
    return tuple(b"".join(data for side, data in pieces if side is who) for who in (C, S))  # type: ignore[return-value]


@given(dices)
def test_any_split_is_forwarded_the_same(sizes: random.Random) -> None:
    assert forwarded(split(TALK, sizes)) == forwarded(TALK)


def test_the_login_is_changed_and_nothing_else() -> None:
    expected = [*handshake("run-user", "secret", "run-vhost", frame_max=MAX_FRAME_BYTES), *TALK[len(handshake()) :]]
    assert forwarded(TALK) == sent(expected)


@pytest.mark.parametrize(
    ("user", "password", "vhost"), [("guest", "wrong", "/"), ("alice", "guest", "/"), ("guest", "guest", "other")]
)
def test_another_name_is_the_brokers_to_judge(user: str, password: str, vhost: str) -> None:
    to_server, _ = forwarded(handshake(user, password, vhost, frame_max=4096))
    assert (b"secret" in to_server) == (user == password == "guest")
    assert (b"run-vhost" in to_server) == (vhost == "/")
    assert user.encode() in to_server or user == "guest"


def test_amqplain_is_understood() -> None:
    response = "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"
    started = commands.Connection.StartOk(client_properties={}, mechanism="AMQPLAIN", response=response, locale="en_US")
    to_server, _ = forwarded([(C, PROTOCOL), said(C, started, 0)])
    assert b"\x05PLAIN" in to_server
    assert b"\0run-user\0secret" in to_server


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut out or doubled, at random places."""
    out = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(out)) if out else 0
        match dice.randrange(4):
            case 0 if out:
                out[at] = dice.randrange(256)
            case 1:
                del out[at : at + dice.randrange(20)]
            case 2:
                out[at:at] = out[at : at + dice.randrange(40)]
            case 3:
                out[at:at] = dice.randbytes(dice.randrange(12))
    return bytes(out)


@given(dices)
def test_mutated_frames_break_nothing(dice: random.Random) -> None:
    """No exception, no negative depth, no unbounded memory, the bytes passed on as they came, the same under any split."""
    pieces = [(side, mutated(data, dice) if dice.random() < 0.15 else data) for side, data in TALK]
    first, second = told(pieces), told(split(pieces, dice))
    for each in (first, second):
        for name in each.traffic.vhost.queues:
            assert min(each.depth(name)) >= 0
        listener = each.traffic._connections[1].listener
        assert all(len(reader._buffer) <= MAX_FRAME_BYTES + 8 for reader in listener._readers.values())
    assert first.rows() == second.rows()
    to_server, to_client = forwarded(pieces)
    assert (to_server, to_client) == forwarded(split(pieces, dice))
    rest = sent(pieces[len(handshake()) :])
    assert to_client.endswith(rest[1])
    assert to_server.endswith(rest[0])


@given(st.binary(max_size=3000), st.sampled_from(Side), st.booleans())
def test_noise_breaks_nothing(noise: bytes, side: Side, greeted: bool) -> None:
    greeting = PROTOCOL if greeted and side is C else b""
    told([(side, greeting + noise)])
    assert forwarded([(side, greeting + noise)])[side] == greeting + noise


def test_bytes_that_are_no_frames_are_told_once_and_read_no_more() -> None:
    reader = FrameReader(of_client=False)
    assert reader.receive_data(b"\x01\x00\x01\xff\xff\xff\xff") == []
    assert "bytes" in str(reader.fault)
    assert reader.receive_data(b"x" * 100) == []
    listener = Listener()
    faults = listener.receive_data(S, b"HTTP/1.1 400") + listener.receive_data(S, b"more")
    assert [type(fault) for fault in faults] == [Fault]


@pytest.mark.parametrize(
    "method",
    [
        commands.Basic.Deliver("tag", 1 << 40, True, "ex", "key"),
        commands.Basic.GetOk(77, False, "ex", "key", 3),
        commands.Basic.Ack(12, True),
        commands.Basic.Nack(13, False, True),
        commands.Basic.Reject(14, True),
    ],
)
def test_a_tag_is_cut_out_as_pamqp_reads_it(method: Any) -> None:
    payload = frame.marshal(method, 1)[7:-1]
    _numbers, decoded, tag = methods.method(payload)
    assert tag == method.delivery_tag
    assert decoded.delivery_tag == 0
    others = [name for name in method.attributes() if name != "delivery_tag"]
    assert [getattr(decoded, name) for name in others] == [getattr(method, name) for name in others]


def test_a_body_in_many_frames_is_one_message() -> None:
    listener = Listener()
    for side, data in handshake():
        listener.receive_data(side, data)
    side, data = content(C, commands.Basic.Publish(exchange="", routing_key="q"), b"z" * 10_000, piece_bytes=100)
    (one,) = listener.receive_data(side, data)
    assert isinstance(one, Said)
    assert one.content is not None
    assert (one.content.size_bytes, one.content.head) == (10_000, b"z" * 48)
