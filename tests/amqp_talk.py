"""AMQP conversations made for tests: frames as a client and a broker would send them, in order of time."""

from __future__ import annotations

from typing import Any

from pamqp import body, commands, frame, header

from app.core.amqp.frames import PROTOCOL
from app.core.amqp.traffic import Traffic
from app.core.amqp.wire import Side
from app.core.entries import Entries
from app.core.tables import LaneTable, StringTable

Piece = tuple[Side, bytes]
C, S = Side.CLIENT, Side.SERVER


def said(side: Side, method: Any, channel: int = 1) -> Piece:
    return side, frame.marshal(method, channel)


def content(side: Side, method: Any, data: bytes, channel: int = 1, piece_bytes: int = 1000, **properties: Any) -> Piece:
    """A method with its header and body frames."""
    head = header.ContentHeader(0, len(data), commands.Basic.Properties(**properties))
    parts = [method, head, *(body.ContentBody(data[at : at + piece_bytes]) for at in range(0, len(data), piece_bytes))]
    return side, b"".join(frame.marshal(part, channel) for part in parts)


def handshake(user: str = "guest", password: str = "guest", vhost: str = "/", frame_max: int = 0) -> list[Piece]:
    """From the protocol header to an open channel."""
    return [
        (C, PROTOCOL),
        said(S, commands.Connection.Start(server_properties={"product": "RabbitMQ"}), 0),
        said(
            C,
            commands.Connection.StartOk(
                client_properties={"product": "talk", "capabilities": {"basic.nack": True}},
                mechanism="PLAIN",
                response=f"\0{user}\0{password}",
                locale="en_US",
            ),
            0,
        ),
        said(S, commands.Connection.Tune(2047, frame_max, 60), 0),
        said(C, commands.Connection.TuneOk(2047, frame_max, 60), 0),
        said(C, commands.Connection.Open(vhost), 0),
        said(S, commands.Connection.OpenOk(), 0),
        *opened(1),
    ]


def opened(channel: int) -> list[Piece]:
    return [said(C, commands.Channel.Open(), channel), said(S, commands.Channel.OpenOk(), channel)]


def queue(name: str, messages: int = 0, **how: Any) -> list[Piece]:
    return [
        said(C, commands.Queue.Declare(queue=name, **how)),
        said(S, commands.Queue.DeclareOk(queue=name, message_count=messages, consumer_count=0)),
    ]


def exchange(name: str, kind: str, **how: Any) -> list[Piece]:
    declared = commands.Exchange.Declare(exchange=name, exchange_type=kind, **how)
    return [said(C, declared), said(S, commands.Exchange.DeclareOk())]


def bound(name: str, source: str, key: str = "", **arguments: Any) -> list[Piece]:
    binding = commands.Queue.Bind(queue=name, exchange=source, routing_key=key, arguments=arguments or None)
    return [said(C, binding), said(S, commands.Queue.BindOk())]


def publish(exchange: str, key: str, data: bytes = b"x", channel: int = 1, **properties: Any) -> Piece:
    return content(C, commands.Basic.Publish(exchange=exchange, routing_key=key), data, channel, **properties)


def consume(name: str, tag: str, *, no_ack: bool = False) -> list[Piece]:
    asked = commands.Basic.Consume(queue=name, consumer_tag=tag, no_ack=no_ack)
    return [said(C, asked), said(S, commands.Basic.ConsumeOk(consumer_tag=tag))]


def deliver(tag: str, number: int, key: str, data: bytes = b"x", exchange: str = "", *, redelivered: bool = False) -> Piece:
    return content(S, commands.Basic.Deliver(tag, number, redelivered, exchange, key), data)


def ack(number: int, *, multiple: bool = False) -> Piece:
    return said(C, commands.Basic.Ack(number, multiple))


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
