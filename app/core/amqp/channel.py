"""One channel: what its two ends have said, and what that does to the virtual host.

A synchronous method counts once the broker has answered it (`queue.declare` → `declare-ok`), because it may refuse; with
`nowait` it counts at once. In a transaction, publishes and acknowledgements count at the commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.amqp.routing import Binding
from app.core.amqp.vhost import RETURNED, Message, VirtualHost
from app.core.amqp.wire import Said, Side
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
    """A message that waits for its acknowledgement."""

    queue: str
    message: Message
    consumer: Consumer | None


class Channel:
    """Use `take` for each thing said, `close` at the channel's or the connection's end."""

    def __init__(self, t_ns: int, number: int, connection: int, lane: int, vhost: VirtualHost, entries: Entries) -> None:
        self._connection, self._vhost, self._entries = connection, vhost, entries
        self.lane = entries.open_lane(t_ns, lane, LaneKind.CHANNEL, f"channel {number}")
        entries.state(t_ns, self.lane, State.OPEN)
        self._consumers: dict[str, Consumer] = {}
        self._unacked: dict[int, _Delivered] = {}
        self._asked: deque[Any] = deque()
        self._last_queue = ""
        self._confirming = False
        self._sequence = 0
        self._unconfirmed: set[int] = set()
        self._transaction: list[Callable[[int], None]] | None = None
        self.closed = False

    def take(self, t_ns: int, said: Said) -> None:
        """One method of either side."""
        if said.side is Side.CLIENT:
            self._ask(t_ns, said)
        elif said.name in _TOLD:
            _TOLD[said.name](self, t_ns, said)
        elif said.name.endswith("Ok"):
            self._answered(t_ns, said)

    def close(self, t_ns: int, end: State = State.FINISHED, text: str = "") -> None:
        """Its consumers are gone; what they have not acknowledged goes back."""
        if self.closed:
            return
        self.closed = True
        for tag in list(self._consumers):
            self._cancel(t_ns, tag, end)
        for delivered in reversed(self._unacked.values()):
            self._vhost.settle(t_ns, delivered.queue, delivered.message, requeue=True)
        self._unacked.clear()
        self._entries.state(t_ns, self.lane, end, text)

    # --- what the client says

    def _ask(self, t_ns: int, said: Said) -> None:
        method = said.method
        if said.name in _DONE_AT_ONCE:
            _DONE_AT_ONCE[said.name](self, t_ns, said)
        elif getattr(method, "nowait", False):
            self._done(t_ns, method, None)
        elif method.synchronous:
            self._asked.append(method)

    def _publish(self, t_ns: int, said: Said) -> None:
        if self._confirming:
            self._sequence += 1
            self._unconfirmed.add(self._sequence)
            self._entries.counter(t_ns, self.lane, len(self._unconfirmed))
        content = said.content
        assert content is not None
        self._in_transaction(t_ns, lambda at_ns: self._publish_now(at_ns, said))

    def _publish_now(self, t_ns: int, said: Said) -> None:
        assert said.content is not None
        self._vhost.publish(t_ns, self.lane, said.method, said.content)

    def _acknowledge(self, t_ns: int, said: Said) -> None:
        self._in_transaction(t_ns, lambda at_ns: self._settle(at_ns, said))

    def _settle(self, t_ns: int, said: Said) -> None:
        refused = said.name != "Basic.Ack"
        requeue = refused and bool(said.method.requeue)
        for tag in self._tags(said.tag, getattr(said.method, "multiple", False), self._unacked):
            delivered = self._unacked.pop(tag)
            self._vhost.settle(t_ns, delivered.queue, delivered.message, requeue=requeue, dead=refused and not requeue)
            self._at_rest(t_ns, delivered.consumer, -1)
            lane = delivered.consumer.lane if delivered.consumer else self.lane
            self._mark(
                t_ns,
                lane,
                said.name.lower(),
                tag=tag,
                number=delivered.message.number,
                **({"requeue": requeue} if refused else {}),
            )

    def _recover(self, t_ns: int, _said: Said) -> None:
        for delivered in reversed(self._unacked.values()):
            self._vhost.settle(t_ns, delivered.queue, delivered.message, requeue=True)
            self._at_rest(t_ns, delivered.consumer, -1)
        self._unacked.clear()

    @staticmethod
    def _tags(tag: int, multiple: bool, known: Any) -> list[int]:
        """The tags an acknowledgement covers; with `multiple`, all up to it (0: all there are)."""
        if not multiple:
            return [tag] if tag in known else []
        return sorted(each for each in known if tag == 0 or each <= tag)

    def _in_transaction(self, t_ns: int, act: Callable[[int], None]) -> None:
        if self._transaction is None:
            act(t_ns)
        else:
            self._transaction.append(act)

    # --- what the broker says of its own

    def _deliver(self, t_ns: int, said: Said) -> None:
        consumer = self._consumers.get(said.method.consumer_tag)
        if consumer is None:
            self._mark(t_ns, self.lane, "delivered to a consumer that was not seen", consumer=said.method.consumer_tag)
            return
        message = self._vhost.deliver(t_ns, consumer.queue, consumer.lane, said.method, acked=consumer.no_ack)
        if not consumer.no_ack:
            self._unacked[said.tag] = _Delivered(consumer.queue, message, consumer)
            self._at_rest(t_ns, consumer, 1)

    def _got(self, t_ns: int, said: Said) -> None:
        asked = self._answer_to("Basic.Get")
        if asked is None:
            return
        queue = asked.queue or self._last_queue
        message = self._vhost.deliver(t_ns, queue, self.lane, said.method, acked=asked.no_ack)
        if not asked.no_ack:
            self._unacked[said.tag] = _Delivered(queue, message, None)

    def _got_nothing(self, t_ns: int, _said: Said) -> None:
        asked = self._answer_to("Basic.Get")
        if asked is not None:
            self._mark(t_ns, self.lane, "basic.get-empty", queue=asked.queue or self._last_queue)

    def _returned(self, t_ns: int, said: Said) -> None:
        lane = self._vhost.exchange_lane(t_ns, said.method.exchange)
        self._entries.message(t_ns, lane, self.lane, RETURNED, 0)
        words = {"code": said.method.reply_code, "text": said.method.reply_text, "key": said.method.routing_key}
        self._mark(t_ns, self.lane, "basic.return", **words)

    def _confirmed(self, t_ns: int, said: Said) -> None:
        for tag in self._tags(said.tag, said.method.multiple, self._unconfirmed):
            self._unconfirmed.discard(tag)
        self._entries.counter(t_ns, self.lane, len(self._unconfirmed))
        what = "confirm" if said.name == "Basic.Ack" else "confirm refused"
        self._mark(t_ns, self.lane, what, tag=said.tag, **({"multiple": True} if said.method.multiple else {}))

    def _cancelled(self, t_ns: int, said: Said) -> None:
        self._cancel(t_ns, said.method.consumer_tag, State.CANCELLED)

    def _closed_by_broker(self, t_ns: int, said: Said) -> None:
        text = f"{said.method.reply_code} {said.method.reply_text}"
        self._mark(t_ns, self.lane, "channel.close", code=said.method.reply_code, text=said.method.reply_text)
        self.close(t_ns, State.FAILED, text)

    # --- what the broker has agreed to

    def _answered(self, t_ns: int, said: Said) -> None:
        asked = self._answer_to(said.name.removesuffix("Ok"))
        if asked is not None:
            self._done(t_ns, asked, said.method)

    def _answer_to(self, name: str) -> Any:
        """The oldest question of that name; those before it will not be answered any more."""
        while self._asked:
            asked = self._asked.popleft()
            if asked.name == name:
                return asked
        return None

    def _done(self, t_ns: int, method: Any, answer: Any) -> None:
        if method.name in _AGREED:
            _AGREED[method.name](self, t_ns, method, answer)

    def _queue_declared(self, t_ns: int, method: Any, answer: Any) -> None:
        self._last_queue = answer.queue if answer is not None else method.queue
        if not method.passive:
            self._vhost.declare_queue(t_ns, self._last_queue, method, self._connection)

    def _exchange_declared(self, t_ns: int, method: Any, _answer: Any) -> None:
        if not method.passive:
            self._vhost.declare_exchange(t_ns, method.exchange, method.exchange_type, method.durable, method.arguments or {})

    def _bound(self, t_ns: int, method: Any, _answer: Any) -> None:
        queue = method.queue or self._last_queue
        key = method.routing_key or ("" if method.queue else queue)
        binding = Binding(queue, False, key, method.arguments or {})
        self._vhost.bind(t_ns, method.exchange, binding, bound=method.name == "Queue.Bind")

    def _exchange_bound(self, t_ns: int, method: Any, _answer: Any) -> None:
        binding = Binding(method.destination, True, method.routing_key, method.arguments or {})
        self._vhost.bind(t_ns, method.source, binding, bound=method.name == "Exchange.Bind")

    def _consuming(self, t_ns: int, method: Any, answer: Any) -> None:
        tag = answer.consumer_tag if answer is not None else method.consumer_tag
        queue = self._vhost.queue(t_ns, method.queue or self._last_queue)
        queue.consumers += 1
        lane = self._entries.open_lane(t_ns, self.lane, LaneKind.CONSUMER, f"{queue.name} → {tag}")
        self._entries.state(t_ns, lane, State.OPEN)
        self._consumers[tag] = Consumer(tag, queue.name, lane, method.no_ack)
        self._mark(t_ns, lane, "basic.consume", queue=queue.name, no_ack=method.no_ack)

    def _stopped_consuming(self, t_ns: int, method: Any, _answer: Any) -> None:
        self._cancel(t_ns, method.consumer_tag, State.FINISHED)

    def _cancel(self, t_ns: int, tag: str, end: State) -> None:
        consumer = self._consumers.pop(tag, None)
        if consumer is None:
            return
        self._entries.state(t_ns, consumer.lane, end)
        queue = self._vhost.queues.get(consumer.queue)
        if queue is not None:
            queue.consumers -= 1
            if queue.auto_delete and queue.consumers <= 0:
                self._vhost.delete_queue(t_ns, queue.name)

    def _prefetch(self, t_ns: int, method: Any, _answer: Any) -> None:
        self._mark(t_ns, self.lane, "basic.qos", prefetch=method.prefetch_count)

    def _confirm(self, t_ns: int, _method: Any, _answer: Any) -> None:
        self._confirming = True
        self._mark(t_ns, self.lane, "confirm.select")

    def _begin(self, t_ns: int, _method: Any, _answer: Any) -> None:
        self._transaction = []
        self._mark(t_ns, self.lane, "tx.select")

    def _commit(self, t_ns: int, _method: Any, _answer: Any) -> None:
        acts, self._transaction = self._transaction or [], []
        for act in acts:
            act(t_ns)
        self._mark(t_ns, self.lane, "tx.commit")

    def _roll_back(self, t_ns: int, _method: Any, _answer: Any) -> None:
        self._transaction = []
        self._mark(t_ns, self.lane, "tx.rollback")

    # --- writing

    def _at_rest(self, t_ns: int, consumer: Consumer | None, change: int) -> None:
        """A consumer with messages it has not acknowledged is busy."""
        if consumer is None:
            return
        before, consumer.unacked = consumer.unacked, max(0, consumer.unacked + change)
        if consumer.tag in self._consumers and bool(before) != bool(consumer.unacked):
            self._entries.state(t_ns, consumer.lane, State.RUNNING if consumer.unacked else State.OPEN)
        self._entries.counter(t_ns, consumer.lane, consumer.unacked)

    def _mark(self, t_ns: int, lane: int, what: str, **words: Any) -> None:
        self._entries.mark(t_ns, lane, MarkKind.BROKER, {"what": what, **words})


_DONE_AT_ONCE: dict[str, Callable[[Channel, int, Said], None]] = {
    "Basic.Publish": Channel._publish,
    "Basic.Ack": Channel._acknowledge,
    "Basic.Nack": Channel._acknowledge,
    "Basic.Reject": Channel._acknowledge,
    "Basic.RecoverAsync": Channel._recover,
}
_TOLD: dict[str, Callable[[Channel, int, Said], None]] = {
    "Basic.Deliver": Channel._deliver,
    "Basic.GetOk": Channel._got,
    "Basic.GetEmpty": Channel._got_nothing,
    "Basic.Return": Channel._returned,
    "Basic.Ack": Channel._confirmed,
    "Basic.Nack": Channel._confirmed,
    "Basic.Cancel": Channel._cancelled,
    "Channel.Close": Channel._closed_by_broker,
}
_AGREED: dict[str, Callable[[Channel, int, Any, Any], None]] = {
    "Queue.Declare": Channel._queue_declared,
    "Queue.Bind": Channel._bound,
    "Queue.Unbind": Channel._bound,
    "Queue.Delete": lambda channel, t_ns, method, _: channel._vhost.delete_queue(t_ns, method.queue or channel._last_queue),
    "Queue.Purge": lambda channel, t_ns, method, _: channel._vhost.purge(t_ns, method.queue or channel._last_queue),
    "Exchange.Declare": Channel._exchange_declared,
    "Exchange.Delete": lambda channel, t_ns, method, _: channel._vhost.delete_exchange(t_ns, method.exchange),
    "Exchange.Bind": Channel._exchange_bound,
    "Exchange.Unbind": Channel._exchange_bound,
    "Basic.Consume": Channel._consuming,
    "Basic.Cancel": Channel._stopped_consuming,
    "Basic.Qos": Channel._prefetch,
    "Basic.Recover": lambda channel, t_ns, method, _: channel._recover(t_ns, method),
    "Confirm.Select": Channel._confirm,
    "Tx.Select": Channel._begin,
    "Tx.Commit": Channel._commit,
    "Tx.Rollback": Channel._roll_back,
    "Channel.Close": lambda channel, t_ns, _method, _: channel.close(t_ns),
}
