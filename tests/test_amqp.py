"""The AMQP core: any split of the bytes says the same, nothing that comes over the wire breaks it, counts are what was sent."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame

from app.core import observations as obs
from app.core.amqp import methods
from app.core.amqp.frames import MAX_FRAME_BYTES, PROTOCOL, FrameReader
from app.core.amqp.login import Identity, Login
from app.core.amqp.routing import Binding, Exchange, route, topic_matches
from app.core.amqp.traffic import Traffic
from app.core.amqp.wire import Fault, Listener, Said, Side
from app.core.entries import Entries
from app.core.records import LaneKind, MarkKind, State
from app.core.tables import LaneTable, StringTable
from tests.amqp_talk import (
    C,
    Piece,
    S,
    ack,
    bound,
    consume,
    content,
    deliver,
    exchange,
    handshake,
    opened,
    publish,
    queue,
    said,
)

dices = st.integers(0, 1 << 32).map(random.Random)
IDENTITY = Identity("run-user", "secret", "run-vhost")
TALK: list[Piece] = [
    *handshake(),
    *queue("hello", durable=True),
    *exchange("animals", "topic"),
    *bound("hello", "animals", "*.orange.*"),
    publish("", "hello", b"Hello World!", delivery_mode=2, headers={"n": 1}),
    publish("animals", "quick.orange.rabbit", b"y" * 2500),
    publish("animals", "quick.brown.fox", b""),
    *consume("hello", "ctag"),
    deliver("ctag", 1, "hello", b"Hello World!"),
    deliver("ctag", 2, "quick.orange.rabbit", b"y" * 2500, "animals"),
    ack(1),
    said(C, commands.Basic.Reject(2, True)),
    deliver("ctag", 3, "quick.orange.rabbit", b"y" * 2500, "animals", redelivered=True),
    ack(0, multiple=True),
    said(C, commands.Channel.Close(200, "bye", 0, 0)),
    said(S, commands.Channel.CloseOk()),
    said(C, commands.Connection.Close(200, "bye", 0, 0), 0),
    said(S, commands.Connection.CloseOk(), 0),
]


class Told:
    """Entries with the questions tests ask."""

    def __init__(self) -> None:
        self.lanes, self.strings = LaneTable(), StringTable()
        self.entries = Entries(self.lanes, self.strings)
        self.traffic = Traffic(self.entries)
        self.traffic.connected(0, 1)
        self.now_ns = 0

    def hear(self, pieces: list[Piece]) -> None:
        for side, data in pieces:
            self.now_ns += 1
            self.traffic.data(self.now_ns, 1, side, data)

    def rows(self) -> list[tuple[Any, ...]]:
        """Everything told but its times, in order."""
        events, flows = self.entries.take_events(), self.entries.take_flows(1 << 62)
        told = [(*tuple(row)[1:7], None if row["value"] != row["value"] else row["value"]) for row in events]
        return [*map(repr, told), *(repr(tuple(row)[1:]) for row in flows), *self.strings._numbers]

    def depth(self, name: str) -> tuple[int, int]:
        found = self.traffic.vhost.queues[name]
        return len(found.ready), found.unacked


def told(pieces: list[Piece]) -> Told:
    out = Told()
    out.hear(pieces)
    return out


def split(pieces: list[Piece], sizes: random.Random) -> list[Piece]:
    """The same bytes in other pieces; what one side sends in a row may be joined."""
    out: list[Piece] = []
    for side, data in pieces:
        while data:
            size = sizes.choice((1, 2, 7, 8, 100, 4000))
            out.append((side, data[:size]))
            data = data[size:]
    return out


# --- bytes


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


# --- routing

words = st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=6)


def matches_by_definition(pattern: list[str], key: list[str]) -> bool:
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(matches_by_definition(pattern[1:], key[at:]) for at in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and matches_by_definition(pattern[1:], key[1:])


@given(words, st.lists(st.sampled_from(["a", "b"]), max_size=6))
def test_topics_match_as_they_are_defined(pattern: list[str], key: list[str]) -> None:
    assert topic_matches(".".join(pattern), ".".join(key)) == matches_by_definition(pattern, key)


def test_the_rabbit_and_the_fox() -> None:
    topics = Exchange("t", "topic", bindings=[Binding("Q1", False, "*.orange.*"), Binding("Q2", False, "*.*.rabbit")])
    topics.bindings.append(Binding("Q2", False, "lazy.#"))
    known = {"t": topics}

    def to(key: str) -> tuple[str, ...]:
        return route(known, {"Q1": 1, "Q2": 1}, "t", key, {}).queues

    assert to("quick.orange.rabbit") == ("Q1", "Q2")
    assert to("lazy.pink.rabbit") == ("Q2",)
    assert to("quick.brown.fox") == ()
    assert to("lazy.orange.male.rabbit") == ("Q2",)


@pytest.mark.parametrize(
    ("arguments", "headers", "matches"),
    [
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1}, False),
        ({"a": 1}, {"a": 1}, True),
        ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
        ({"x-match": "any", "a": 1}, {"a": 2}, False),
        ({"x-match": "all", "x-secret": 1}, {}, True),
        ({"x-match": "all-with-x", "x-secret": 1}, {}, False),
    ],
)
def test_headers(arguments: dict[str, Any], headers: dict[str, Any], matches: bool) -> None:
    known = {"h": Exchange("h", "headers", bindings=[Binding("Q", False, "", arguments)])}
    assert route(known, {"Q": 1}, "h", "", headers).queues == (("Q",) if matches else ())


def test_exchanges_that_feed_each_other_end() -> None:
    one, two = Exchange("1", "fanout"), Exchange("2", "fanout")
    one.bindings = [Binding("2", True, "")]
    two.bindings = [Binding("1", True, ""), Binding("Q", False, "")]
    found = route({"1": one, "2": two}, {"Q": 1}, "1", "", {})
    assert (found.queues, found.passed) == (("Q",), ("1", "2"))


# --- counts


def test_depth_follows_a_message() -> None:
    seen = told([*handshake(), *queue("q"), publish("", "q"), publish("", "q")])
    assert seen.depth("q") == (2, 0)
    seen.hear([*consume("q", "c"), deliver("c", 1, "q"), deliver("c", 2, "q")])
    assert seen.depth("q") == (0, 2)
    seen.hear([ack(1)])
    assert seen.depth("q") == (0, 1)
    seen.hear([said(C, commands.Basic.Nack(2, False, True))])
    assert seen.depth("q") == (1, 0)
    assert next(iter(seen.traffic.vhost.queues["q"].ready)).redelivered


def test_automatic_acknowledgement_leaves_nothing() -> None:
    seen = told([*handshake(), *queue("q"), publish("", "q"), *consume("q", "c", no_ack=True), deliver("c", 1, "q")])
    assert seen.depth("q") == (0, 0)


def test_a_lost_connection_gives_back_what_was_not_acknowledged() -> None:
    seen = told([*handshake(), *queue("q"), *(publish("", "q") for _ in range(3)), *consume("q", "c")])
    seen.hear([deliver("c", 1, "q"), deliver("c", 2, "q"), ack(1)])
    assert seen.depth("q") == (1, 1)
    (consumer,) = [lane for lane in range(seen.lanes.count) if seen.lanes.kind[lane] == LaneKind.CONSUMER]
    seen.traffic.disconnected(99, 1, "the client is gone")
    assert seen.depth("q") == (2, 0)
    events = seen.entries.take_events()
    of_consumer = events[(events["kind"] == obs.Kind.COUNTER) & (events["lane"] == consumer)]
    assert of_consumer["value"].tolist() == [1, 2, 1, 0]  # nobody is left who could acknowledge


def test_a_rejected_message_goes_to_its_queue_s_dead_letter_exchange() -> None:
    dead = {"x-dead-letter-exchange": "graves", "x-dead-letter-routing-key": "late"}
    seen = told(
        [
            *handshake(),
            *exchange("graves", "direct"),
            *queue("q", arguments=dead),
            *queue("dead"),
            *bound("dead", "graves", "late"),
        ]
    )
    seen.hear([publish("", "q"), *consume("q", "c"), deliver("c", 1, "q"), said(C, commands.Basic.Reject(1, False))])
    assert (seen.depth("q"), seen.depth("dead")) == ((0, 0), (1, 0))
    flows = seen.entries.take_flows(1 << 62)
    kinds = [
        (int(seen.lanes.kind[a]), int(seen.lanes.kind[b]), n)
        for a, b, n in zip(flows["from"], flows["to"], flows["value"].tolist(), strict=True)
    ]
    assert kinds[-2:] == [(LaneKind.QUEUE, LaneKind.EXCHANGE, 1), (LaneKind.EXCHANGE, LaneKind.QUEUE, 1)]


def test_a_transaction_counts_at_its_commit() -> None:
    begin = [said(C, commands.Tx.Select()), said(S, commands.Tx.SelectOk())]
    seen = told([*handshake(), *queue("q"), *begin, publish("", "q"), publish("", "q")])
    assert seen.depth("q") == (0, 0)
    seen.hear([said(C, commands.Tx.Commit()), said(S, commands.Tx.CommitOk())])
    assert seen.depth("q") == (2, 0)
    seen.hear([publish("", "q"), said(C, commands.Tx.Rollback()), said(S, commands.Tx.RollbackOk())])
    assert seen.depth("q") == (2, 0)


def test_a_refused_declaration_declares_nothing() -> None:
    refused = said(S, commands.Channel.Close(406, "PRECONDITION_FAILED", 50, 10))
    seen = told([*handshake(), said(C, commands.Queue.Declare(queue="q")), refused])
    assert seen.traffic.vhost.queues == {}
    channel = seen.traffic._connections[1].channels[1]
    assert seen.lanes.kind[channel.lane] == LaneKind.CHANNEL
    assert channel.closed


def test_what_the_broker_counts_differently_is_marked_and_taken_over() -> None:
    seen = told([*handshake(), *queue("q"), publish("", "q"), publish("", "q")])
    vhost = seen.traffic.vhost

    def marks() -> list[str]:
        names = {number: text for text, number in seen.strings._numbers.items()}
        rows = seen.entries.take_events()
        return [names[row["text"]] for row in rows if row["kind"] == obs.Kind.MARK and row["state"] == MarkKind.DISAGREEMENT]

    seconds = 1_000_000_000
    vhost.check(2 * seconds, 2 * seconds, {"q": (2, 0, 0)}, seconds)
    vhost.check(3 * seconds, 3 * seconds, {"q": (1, 0, 0)}, seconds)
    assert marks() == []  # it may still be on its way
    vhost.check(4 * seconds, 4 * seconds, {"q": (1, 0, 0)}, seconds)
    assert marks() == ['{"derived":{"ready":2,"unacked":0},"broker":{"ready":1,"unacked":0}}']
    assert seen.depth("q") == (1, 0)
    vhost.check(6 * seconds, 6 * seconds, {"q": (1, 0, 0)}, seconds)
    assert marks() == []


def test_a_moving_queue_is_not_compared() -> None:
    seen = told([*handshake(), *queue("q"), publish("", "q")])
    for _ in range(3):
        seen.traffic.vhost.check(50, 50, {"q": (9, 9, 0)}, 1000)
    assert seen.depth("q") == (1, 0)


def test_after_a_crash_only_what_the_broker_knows_is_there() -> None:
    both = [*queue("kept", durable=True), *queue("gone")]
    seen = told([*handshake(), *both, publish("", "kept", delivery_mode=2), publish("", "kept"), publish("", "gone")])
    seen.traffic.disconnected(90, 1, "the broker is gone")
    seen.traffic.vhost.restarted(100, {"kept": (1, 0, 0)})
    assert set(seen.traffic.vhost.queues) == {"kept"}
    assert seen.depth("kept") == (1, 0)


steps = st.lists(
    st.sampled_from(["publish", "deliver", "ack", "ack all", "requeue", "reject", "recover", "purge", "check", "reconnect"]),
    max_size=40,
)


@given(steps, dices)
def test_depth_is_never_negative(script: list[str], dice: random.Random) -> None:
    """Whatever is said in whatever order, also what no broker would say."""
    seen = told([*handshake(), *queue("q"), *consume("q", "c")])
    for step in script:
        tag = dice.randrange(6)
        pieces = {
            "publish": [publish("", "q")],
            "deliver": [deliver("c", tag, "q")],
            "ack": [ack(tag)],
            "ack all": [ack(tag, multiple=True)],
            "requeue": [said(C, commands.Basic.Nack(tag, False, True))],
            "reject": [said(C, commands.Basic.Reject(tag, False))],
            "recover": [said(C, commands.Basic.Recover(True)), said(S, commands.Basic.RecoverOk())],
            "purge": [said(C, commands.Queue.Purge(queue="q")), said(S, commands.Queue.PurgeOk(1))],
        }
        seen.hear(pieces.get(step, []))
        if step == "check":
            seen.traffic.vhost.check(seen.now_ns, seen.now_ns, {"q": (tag, 1, 1)}, 0, sure=True)
        if step == "reconnect":
            seen.traffic.disconnected(seen.now_ns, 1, "")
            seen.traffic.connected(seen.now_ns, 1)
            seen.hear([*handshake(), *consume("q", "c")])
        assert min(seen.depth("q")) >= 0
    events = seen.entries.take_events()
    counters = events[events["kind"] == obs.Kind.COUNTER]
    assert (counters["value"] >= 0).all()


def test_confirms_are_counted_on_the_channel() -> None:
    confirmed = [said(C, commands.Confirm.Select()), said(S, commands.Confirm.SelectOk())]
    seen = told([*handshake(), *queue("q"), *confirmed, publish("", "q"), publish("", "q"), publish("", "q")])
    channel = seen.traffic._connections[1].channels[1]
    seen.hear([said(S, commands.Basic.Ack(2, True))])
    events = seen.entries.take_events()
    of_channel = events[(events["kind"] == obs.Kind.COUNTER) & (events["lane"] == channel.lane)]
    assert of_channel["value"].tolist() == [1, 2, 3, 1]


def test_a_message_has_one_number_all_the_way() -> None:
    seen = told(TALK)
    flows = seen.entries.take_flows(1 << 62)
    kinds = [
        (int(seen.lanes.kind[a]), int(seen.lanes.kind[b]), int(n))
        for a, b, n in zip(flows["from"], flows["to"], flows["value"], strict=True)
    ]
    channel, exchange_, queue_, consumer = LaneKind.CHANNEL, LaneKind.EXCHANGE, LaneKind.QUEUE, LaneKind.CONSUMER
    assert [row for row in kinds if row[2] == 1] == [(channel, exchange_, 1), (exchange_, queue_, 1), (queue_, consumer, 1)]
    assert [row for row in kinds if row[2] == 2][-2:] == [(queue_, consumer, 2), (queue_, consumer, 2)]  # redelivered
    assert [row for row in kinds if row[2] == 3] == [(channel, exchange_, 3)]  # unroutable


def test_heartbeats_and_other_channels_are_no_events() -> None:
    seen = told([*handshake(), (C, b"\x08\0\0\0\0\0\0\xce"), said(C, commands.Queue.Declare(queue="x"), 9)])
    assert seen.traffic.vhost.queues == {}
    seen.hear(opened(9))
    assert len(seen.traffic._connections[1].channels) == 2


def test_a_blocked_connection_says_why() -> None:
    seen = told([*handshake(), said(S, commands.Connection.Blocked("low on disk"), 0)])
    rows = seen.entries.take_events()
    assert State.BLOCKED in rows["state"][rows["kind"] == obs.Kind.STATE]
    assert any(re.search("low on disk", text) for text in seen.strings._numbers)


def test_a_body_in_many_frames_is_one_message() -> None:
    listener = Listener()
    for side, data in handshake():
        listener.receive_data(side, data)
    side, data = content(C, commands.Basic.Publish(exchange="", routing_key="q"), b"z" * 10_000, piece_bytes=100)
    (one,) = listener.receive_data(side, data)
    assert isinstance(one, Said)
    assert one.content is not None
    assert (one.content.size_bytes, one.content.head) == (10_000, b"z" * 48)
