"""Who gets messages on one channel, and what of theirs waits for an acknowledgement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.core.amqp.vhost import Message, VirtualHost
from app.core.amqp.wire import Said
from app.core.entries import Entries
from app.core.records import LaneKind, MarkKind, State


@dataclass(slots=True)
class Consumer:
    """Who gets a queue's messages; `lane` shows it busy while it has messages it has not acknowledged."""

    tag: str
    queue: str
    lane: int
    no_ack: bool
    unacked: int = 0


@dataclass(slots=True)
class _Delivered:
    """A message that waits for its acknowledgement; without a consumer it was asked for by `basic.get`."""

    queue: str
    message: Message
    consumer: Consumer | None


class Deliveries:
    """Of the channel of `lane`. Every `t_ns` is when the tap saw it."""

    def __init__(self, lane: int, vhost: VirtualHost, entries: Entries) -> None:
        self._lane, self._vhost, self._entries = lane, vhost, entries
        self._consumers: dict[str, Consumer] = {}
        self._unacked: dict[int, _Delivered] = {}

    def consume(self, t_ns: int, tag: str, queue_name: str, no_ack: bool) -> None:
        """The broker has accepted a consumer of the queue."""
        queue = self._vhost.queue(t_ns, queue_name)
        queue.consumers += 1
        lane = self._entries.open_lane(t_ns, self._lane, LaneKind.CONSUMER, f"{queue.name} → {tag}")
        self._entries.state(t_ns, lane, State.OPEN)
        self._consumers[tag] = Consumer(tag, queue.name, lane, no_ack)
        self._mark(t_ns, lane, "basic.consume", queue=queue.name, no_ack=no_ack)

    def cancel(self, t_ns: int, tag: str, end: State) -> None:
        """The consumer gets nothing more; what it has not acknowledged it may still acknowledge."""
        consumer = self._consumers.pop(tag, None)
        if consumer is None:
            return
        self._entries.state(t_ns, consumer.lane, end)
        queue = self._vhost.queues.get(consumer.queue)
        if queue is not None:
            queue.consumers -= 1
            if queue.auto_delete and queue.consumers <= 0:
                self._vhost.delete_queue(t_ns, queue.name)

    def deliver(self, t_ns: int, said: Said) -> None:
        """A message for one of the consumers."""
        consumer = self._consumers.get(said.method.consumer_tag)
        if consumer is None:
            self._mark(t_ns, self._lane, "delivered to a consumer that was not seen", consumer=said.method.consumer_tag)
            return
        message = self._vhost.deliver(t_ns, consumer.queue, consumer.lane, said.method, acked=consumer.no_ack)
        if not consumer.no_ack:
            self._unacked[said.tag] = _Delivered(consumer.queue, message, consumer)
            self._counts(t_ns, consumer, 1)

    def got(self, t_ns: int, said: Said, queue: str, no_ack: bool) -> None:
        """A message that the channel itself has asked for."""
        message = self._vhost.deliver(t_ns, queue, self._lane, said.method, acked=no_ack)
        if not no_ack:
            self._unacked[said.tag] = _Delivered(queue, message, None)

    def settle(self, t_ns: int, said: Said) -> None:
        """An acknowledgement, a rejection, or a negative acknowledgement."""
        refused = said.name != "Basic.Ack"
        requeue = refused and bool(said.method.requeue)
        for tag in covered(said.tag, getattr(said.method, "multiple", False), self._unacked):
            delivered = self._unacked.pop(tag)
            lane = delivered.consumer.lane if delivered.consumer else self._lane
            words = {"tag": tag, "number": delivered.message.number} | ({"requeue": requeue} if refused else {})
            self._mark(t_ns, lane, said.name.lower(), **words)
            self._vhost.settle(t_ns, delivered.queue, delivered.message, requeue=requeue, dead=refused and not requeue)
            self._counts(t_ns, delivered.consumer, -1)

    def give_back(self, t_ns: int) -> None:
        """What was not acknowledged is in its queue again."""
        for delivered in reversed(self._unacked.values()):
            self._vhost.settle(t_ns, delivered.queue, delivered.message, requeue=True)
            self._counts(t_ns, delivered.consumer, -1)
        self._unacked.clear()

    def close(self, t_ns: int, end: State) -> None:
        """The channel is gone, and its consumers with it."""
        for tag in list(self._consumers):
            self.cancel(t_ns, tag, end)
        self.give_back(t_ns)

    def _counts(self, t_ns: int, consumer: Consumer | None, change: int) -> None:
        """A consumer with messages it has not acknowledged is busy."""
        if consumer is None:
            return
        before, consumer.unacked = consumer.unacked, max(0, consumer.unacked + change)
        if consumer.tag in self._consumers and bool(before) != bool(consumer.unacked):
            self._entries.state(t_ns, consumer.lane, State.RUNNING if consumer.unacked else State.OPEN)
        self._entries.counter(t_ns, consumer.lane, consumer.unacked)

    def _mark(self, t_ns: int, lane: int, what: str, **words: Any) -> None:
        self._entries.mark(t_ns, lane, MarkKind.BROKER, {"what": what, **words})


def covered(tag: int, multiple: bool, known: Iterable[int]) -> list[int]:
    """The tags an acknowledgement covers; with `multiple`, all up to it (0: all there are)."""
    if not multiple:
        return [tag] if tag in known else []
    return sorted(each for each in known if tag == 0 or each <= tag)
