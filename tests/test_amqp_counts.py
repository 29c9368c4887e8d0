"""Counts as the frames tell them: what a queue holds, what is unacknowledged, what the broker says of it, and what became of a message."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands

from app.core import observations as obs
from app.core.records import LaneKind, MarkKind, State
from tests.amqp_talk import (
    TALK,
    C,
    S,
    ack,
    bound,
    consume,
    deliver,
    exchange,
    handshake,
    opened,
    publish,
    queue,
    said,
    told,
)

dices = st.integers(0, 1 << 32).map(random.Random)


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
