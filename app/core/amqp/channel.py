"""One channel: what its two ends have said, and what that does to the virtual host.

A synchronous method counts once the broker has answered it (`queue.declare` → `declare-ok`), because it may refuse; with
`nowait` it counts at once. In a transaction, publishes and acknowledgements count at the commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from app.core.amqp.deliveries import Deliveries, covered
from app.core.amqp.routing import Binding
from app.core.amqp.vhost import RETURNED, VirtualHost
from app.core.amqp.wire import Said, Side
from app.core.entries import Entries
from app.core.records import LaneKind, MarkKind, State


class Channel:
    """Use `take` for each thing said, `close` at the channel's or the connection's end."""

    def __init__(self, t_ns: int, number: int, connection: int, lane: int, vhost: VirtualHost, entries: Entries) -> None:
        self._connection, self._vhost, self._entries = connection, vhost, entries
        self.lane = entries.open_lane(t_ns, lane, LaneKind.CHANNEL, f"channel {number}")
        entries.state(t_ns, self.lane, State.OPEN)
        self._deliveries = Deliveries(self.lane, vhost, entries)
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
        self._deliveries.close(t_ns, end)
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
        self._in_transaction(t_ns, lambda at_ns: self._deliveries.settle(at_ns, said))

    def _in_transaction(self, t_ns: int, act: Callable[[int], None]) -> None:
        if self._transaction is None:
            act(t_ns)
        else:
            self._transaction.append(act)

    # --- what the broker says of its own

    def _got(self, t_ns: int, said: Said) -> None:
        asked = self._answer_to("Basic.Get")
        if asked is not None:
            self._deliveries.got(t_ns, said, asked.queue or self._last_queue, asked.no_ack)

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
        for tag in covered(said.tag, said.method.multiple, self._unconfirmed):
            self._unconfirmed.discard(tag)
        self._entries.counter(t_ns, self.lane, len(self._unconfirmed))
        what = "confirm" if said.name == "Basic.Ack" else "confirm refused"
        self._mark(t_ns, self.lane, what, tag=said.tag, **({"multiple": True} if said.method.multiple else {}))

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
        self._deliveries.consume(t_ns, tag, method.queue or self._last_queue, method.no_ack)

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

    def _mark(self, t_ns: int, lane: int, what: str, **words: Any) -> None:
        self._entries.mark(t_ns, lane, MarkKind.BROKER, {"what": what, **words})


_DONE_AT_ONCE: dict[str, Callable[[Channel, int, Said], None]] = {
    "Basic.Publish": Channel._publish,
    "Basic.Ack": Channel._acknowledge,
    "Basic.Nack": Channel._acknowledge,
    "Basic.Reject": Channel._acknowledge,
    "Basic.RecoverAsync": lambda channel, t_ns, _said: channel._deliveries.give_back(t_ns),
}
_TOLD: dict[str, Callable[[Channel, int, Said], None]] = {
    "Basic.Deliver": lambda channel, t_ns, said: channel._deliveries.deliver(t_ns, said),
    "Basic.GetOk": Channel._got,
    "Basic.GetEmpty": Channel._got_nothing,
    "Basic.Return": Channel._returned,
    "Basic.Ack": Channel._confirmed,
    "Basic.Nack": Channel._confirmed,
    "Basic.Cancel": lambda channel, t_ns, said: channel._deliveries.cancel(t_ns, said.method.consumer_tag, State.CANCELLED),
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
    "Basic.Cancel": lambda channel, t_ns, method, _: channel._deliveries.cancel(t_ns, method.consumer_tag, State.FINISHED),
    "Basic.Qos": Channel._prefetch,
    "Basic.Recover": lambda channel, t_ns, _method, _answer: channel._deliveries.give_back(t_ns),
    "Confirm.Select": Channel._confirm,
    "Tx.Select": Channel._begin,
    "Tx.Commit": Channel._commit,
    "Tx.Rollback": Channel._roll_back,
    "Channel.Close": lambda channel, t_ns, _method, _: channel.close(t_ns),
}
