"""All AMQP connections of one run, told apart by number: what each side sent goes in, the timeline's entries come out.

    connected → data in the order in which the tap saw it, over all connections → disconnected

Pure, and nothing that comes over the wire raises: it is hostile input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.amqp.channel import Channel
from app.core.amqp.vhost import VirtualHost
from app.core.amqp.wire import Fault, Listener, Said, Side
from app.core.entries import Entries
from app.core.records import LaneKind, MarkKind, State

MAX_CHANNELS = 2048
"""Of one connection: RabbitMQ's own default bound is 2,047; others are not drawn."""


@dataclass(slots=True)
class _Connection:
    number: int
    lane: int
    ends: str
    listener: Listener = field(default_factory=Listener)
    channels: dict[int, Channel] = field(default_factory=dict)
    closed: str | None = None
    """What was said at its orderly end, or None while there was none."""
    failed: bool = False
    spoken: bool = False


class Traffic:
    """Writes into `entries`; `vhost` is what all connections together have made of the virtual host."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.vhost = VirtualHost(entries)
        self._connections: dict[int, _Connection] = {}

    def connected(self, t_ns: int, number: int, ends: str = "") -> None:
        """A client has connected; `ends` names the two ends of its connection, ours first, as a probe in the client names them the
        other way round: so the bytes find the threads that write and read them."""
        lane = self._entries.open_lane(t_ns, 0, LaneKind.CONNECTION, f"connection {number}")
        self._entries.state(t_ns, lane, State.STARTING)
        self._connections[number] = _Connection(number, lane, ends)

    def data(self, t_ns: int, number: int, side: Side, data: bytes) -> None:
        """Bytes of one side of a connection, as it sent them."""
        connection = self._connections[number]
        heard = connection.listener.receive_data(side, data)
        self._moved(t_ns, connection, side, heard, len(data))
        for said in heard:
            if isinstance(said, Fault):
                self._fault(t_ns, connection, said)
            elif said.channel == 0:
                if said.name in _OF_CONNECTION:
                    _OF_CONNECTION[said.name](self, t_ns, connection, said)
            else:
                self._to_channel(t_ns, connection, said)

    def _moved(self, t_ns: int, connection: _Connection, side: Side, heard: list[Said | Fault], size_bytes: int) -> None:
        """The bytes count, all of them, but only the first and those that bring a message get an arrow from or to their thread."""
        if not connection.ends:
            return
        telling = not connection.spoken or any(isinstance(one, Said) and one.content is not None for one in heard)
        connection.spoken = True
        lane = connection.lane if telling else 0
        self._entries.moved(t_ns, lane, connection.ends, size_bytes, writes=side is Side.SERVER)

    def disconnected(self, t_ns: int, number: int, why: str) -> None:
        """The connection is gone; `why` names who ended it where no orderly end was said."""
        connection = self._connections.pop(number)
        orderly = connection.closed is not None and not connection.failed
        end = State.FINISHED if orderly else State.FAILED if connection.failed else State.KILLED
        for channel in connection.channels.values():
            channel.close(t_ns, end)
        for name in [queue.name for queue in self.vhost.queues.values() if queue.owner == number]:
            self.vhost.delete_queue(t_ns, name)
        self._entries.state(t_ns, connection.lane, end, connection.closed or why)

    def mark(self, t_ns: int, what: str, **words: Any) -> None:
        """Something about the broker as a whole, on the machine's lane."""
        self._entries.mark(t_ns, 0, MarkKind.BROKER, {"what": what, **words})

    def _fault(self, t_ns: int, connection: _Connection, fault: Fault) -> None:
        words = {"what": "not understood", "side": fault.side.name.lower(), "why": fault.why, "lost": fault.lost}
        self._entries.mark(t_ns, connection.lane, MarkKind.BROKER, words)

    def _to_channel(self, t_ns: int, connection: _Connection, said: Said) -> None:
        channel = connection.channels.get(said.channel)
        if channel is None or channel.closed:
            if said.name != "Channel.OpenOk" or said.channel >= MAX_CHANNELS:
                return
            channel = Channel(t_ns, said.channel, connection.number, connection.lane, self.vhost, self._entries)
            connection.channels[said.channel] = channel
        channel.take(t_ns, said)

    # --- what is said about a connection

    def _started(self, _t_ns: int, connection: _Connection, said: Said) -> None:
        product = (said.method.client_properties or {}).get("product")
        if isinstance(product, str):
            self._entries.mark(_t_ns, connection.lane, MarkKind.BROKER, {"what": "client", "product": product[:80]})

    def _opened(self, t_ns: int, connection: _Connection, _said: Said) -> None:
        self._entries.state(t_ns, connection.lane, State.OPEN)

    def _blocked(self, t_ns: int, connection: _Connection, said: Said) -> None:
        self._entries.state(t_ns, connection.lane, State.BLOCKED, said.method.reason)
        self._entries.mark(t_ns, connection.lane, MarkKind.BROKER, {"what": "connection.blocked", "text": said.method.reason})

    def _closing(self, t_ns: int, connection: _Connection, said: Said) -> None:
        connection.failed = said.method.reply_code not in (0, 200)
        connection.closed = f"{said.method.reply_code} {said.method.reply_text}"
        words: Mapping[str, Any] = {"code": said.method.reply_code, "text": said.method.reply_text}
        by = "broker" if said.side is Side.SERVER else "client"
        self._entries.mark(t_ns, connection.lane, MarkKind.BROKER, {"what": "connection.close", "by": by, **words})


_OF_CONNECTION: dict[str, Callable[[Traffic, int, _Connection, Said], None]] = {
    "Connection.StartOk": Traffic._started,
    "Connection.OpenOk": Traffic._opened,
    "Connection.Blocked": Traffic._blocked,
    "Connection.Unblocked": Traffic._opened,
    "Connection.Close": Traffic._closing,
}
