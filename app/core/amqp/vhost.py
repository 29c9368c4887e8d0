"""A virtual host as the frames tell of it: its exchanges and queues, and how many messages each queue holds.

Counts are derived, never guessed: a publish adds to the queues that the declared bindings lead it to, a delivery moves a message
from ready to unacknowledged, an acknowledgement takes it away, a rejection or a lost channel puts it back. What the frames do not
show (a time to live that ran out, a length limit, another program's bindings) makes these counts differ from the broker's
own; `check` compares them, marks every difference and goes on from the broker's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.amqp.routing import PREDECLARED, Binding, Exchange, route
from app.core.amqp.wire import Content
from app.core.entries import Entries, as_json
from app.core.records import DEFAULT_EXCHANGE, LaneKind, MarkKind, State

Counts = Mapping[str, tuple[int, int, int]]
"""Queue → messages ready, unacknowledged, and consumers, as the broker itself counts them."""
REDELIVERED = "redelivered"
RETURNED, DEAD = "returned", "dead-lettered"
_SEARCHED = 256
"""How far into a queue a delivered message is looked for: priorities and requeues let one overtake others."""


@dataclass(slots=True)
class Message:
    """One published message; `number` counts them from 1 over the whole run, 0 is one whose publish was not seen."""

    number: int
    exchange: str
    key: str
    persistent: bool
    redelivered: bool = False


@dataclass(slots=True)
class Queue:
    """A queue, its two lanes (the lane itself counts ready, the one below it unacknowledged) and what is in it."""

    name: str
    lane: int
    unacked_lane: int
    durable: bool = False
    owner: int | None = None
    auto_delete: bool = False
    dead_letter: tuple[str, str | None] | None = None
    ready: deque[Message] = field(default_factory=deque)
    unacked: int = 0
    consumers: int = 0
    touched_ns: int = 0
    """When its counts last changed: only a queue at rest can be compared with the broker's own."""


class VirtualHost:
    """Writes what happens into `entries`. Every `t_ns` is when the tap saw it."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._exchange_lanes: dict[str, int] = {}
        self.exchanges = {name: Exchange(name, kind) for name, kind in PREDECLARED.items()}
        self.queues: dict[str, Queue] = {}
        self._published = 0
        self._suspected: dict[str, tuple[Any, Any]] = {}
        self.disagreements = 0

    # --- topology

    def exchange_lane(self, t_ns: int, name: str) -> int:
        """The lane of an exchange, opened when it is first spoken of."""
        if name not in self._exchange_lanes:
            lane = self._entries.open_lane(t_ns, 0, LaneKind.EXCHANGE, name or DEFAULT_EXCHANGE)
            self._entries.state(t_ns, lane, State.OPEN)
            self._exchange_lanes[name] = lane
        return self._exchange_lanes[name]

    def declare_exchange(self, t_ns: int, name: str, kind: str, durable: bool, arguments: Mapping[str, Any]) -> None:
        """The broker has accepted the declaration; of one that is there already nothing changes."""
        if name not in self.exchanges:
            self.exchanges[name] = Exchange(name, kind, str(arguments.get("alternate-exchange") or ""))
        self._mark(t_ns, self.exchange_lane(t_ns, name), "exchange.declare", type=kind, durable=durable)

    def delete_exchange(self, t_ns: int, name: str) -> None:
        """Gone, with every binding from and to it."""
        self.exchanges.pop(name, None)
        for exchange in self.exchanges.values():
            exchange.bindings = [b for b in exchange.bindings if not (b.to_exchange and b.destination == name)]
        lane = self._exchange_lanes.pop(name, None)
        if lane is not None:
            self._entries.state(t_ns, lane, State.FINISHED)

    def queue(self, t_ns: int, name: str) -> Queue:
        """The queue, its lanes opened when it is first spoken of."""
        if name not in self.queues:
            lane = self._entries.open_lane(t_ns, 0, LaneKind.QUEUE, name)
            below = self._entries.open_lane(t_ns, lane, LaneKind.QUEUE, "unacked")
            self.queues[name] = Queue(name, lane, below)
            for each in (lane, below):
                self._entries.state(t_ns, each, State.OPEN)
            self._count(t_ns, self.queues[name], ready=True, unacked=True)
        return self.queues[name]

    def declare_queue(self, t_ns: int, name: str, declared: Any, owner: int) -> None:
        """The broker has accepted `declared` (pamqp's Queue.Declare) of connection `owner`."""
        fresh = name not in self.queues
        queue = self.queue(t_ns, name)
        if fresh:
            arguments = declared.arguments or {}
            queue.durable, queue.auto_delete = declared.durable, declared.auto_delete
            queue.owner = owner if declared.exclusive else None
            if "x-dead-letter-exchange" in arguments:
                queue.dead_letter = str(arguments["x-dead-letter-exchange"]), arguments.get("x-dead-letter-routing-key")
        words: dict[str, Any] = {name: getattr(declared, name) for name in ("durable", "exclusive", "auto_delete")}
        self._mark(
            t_ns, queue.lane, "queue.declare", **words, **({"arguments": declared.arguments} if declared.arguments else {})
        )

    def delete_queue(self, t_ns: int, name: str, end: State = State.FINISHED) -> None:
        """Gone, with its messages and bindings."""
        queue = self.queues.pop(name, None)
        for exchange in self.exchanges.values():
            exchange.bindings = [b for b in exchange.bindings if b.to_exchange or b.destination != name]
        if queue is not None:
            queue.ready.clear()
            queue.unacked = 0
            self._count(t_ns, queue, ready=True, unacked=True)
            for lane in (queue.lane, queue.unacked_lane):
                self._entries.state(t_ns, lane, end)

    def bind(self, t_ns: int, source: str, binding: Binding, *, bound: bool) -> None:
        """A binding from `source` has come (`bound`) or gone."""
        exchange = self.exchanges.setdefault(source, Exchange(source, "?"))
        exchange.bindings = [b for b in exchange.bindings if b != binding or b.arguments != binding.arguments]
        if bound:
            exchange.bindings.append(binding)
        words: dict[str, Any] = {"exchange" if binding.to_exchange else "queue": binding.destination, "key": binding.key}
        words |= {"arguments": dict(binding.arguments)} if binding.arguments else {}
        self._mark(t_ns, self.exchange_lane(t_ns, source), "bind" if bound else "unbind", **words)

    # --- messages

    def publish(self, t_ns: int, lane: int, method: Any, content: Content) -> Message:
        """A message left the channel of `lane` (pamqp's Basic.Publish); where it goes is seen at once."""
        self._published += 1
        properties = content.properties
        message = Message(self._published, method.exchange, method.routing_key, properties.delivery_mode == 2)
        words: dict[str, Any] = {"key": message.key, "bytes": content.size_bytes, "persistent": message.persistent}
        words |= {"mandatory": True} if method.mandatory else {}
        for name in ("correlation_id", "reply_to", "content_type", "priority", "expiration", "message_id", "headers"):
            value = getattr(properties, name)
            words |= {name: value} if value not in (None, "", {}) else {}
        words["head"] = content.head.decode("utf-8", "replace")
        exchange = self.exchange_lane(t_ns, message.exchange)
        self._entries.message(t_ns, lane, exchange, as_json(words), message.number)
        self._route(t_ns, message, message.exchange, message.key, properties.headers or {})
        return message

    def _route(self, t_ns: int, message: Message, exchange: str, key: str, headers: Mapping[str, Any]) -> None:
        found = route(self.exchanges, self.queues, exchange, key, headers)
        lane = self.exchange_lane(t_ns, exchange)
        if not found.known:
            self._mark(t_ns, lane, "not derived", key=key)
        elif not found.queues:
            self._mark(t_ns, lane, "unroutable", key=key, number=message.number)
        for name in found.queues:
            queue = self.queue(t_ns, name)
            queue.ready.append(message)
            self._entries.message(t_ns, lane, queue.lane, key, message.number)
            self._count(t_ns, queue, ready=True)

    def deliver(self, t_ns: int, queue_name: str, lane: int, method: Any, *, acked: bool) -> Message:
        """The broker has sent a message of the queue to the consumer (or channel) of `lane`; `acked` needs no acknowledgement."""
        queue = self.queue(t_ns, queue_name)
        message = self._found(queue, method.exchange, method.routing_key)
        words = {"tag": method.delivery_tag} | ({REDELIVERED: True} if method.redelivered else {})
        self._entries.message(t_ns, queue.lane, lane, as_json(words), message.number)
        queue.unacked += not acked
        self._count(t_ns, queue, ready=True, unacked=not acked)
        return message

    def _found(self, queue: Queue, exchange: str, key: str) -> Message:
        """The oldest ready message with this exchange and key; one whose publish was not seen, where there is none."""
        for at, message in enumerate(queue.ready):
            if (message.exchange, message.key) == (exchange, key):
                del queue.ready[at]
                return message
            if at == _SEARCHED:
                break
        return Message(0, exchange, key, persistent=False)

    def settle(self, t_ns: int, queue_name: str, message: Message, *, requeue: bool, dead: bool = False) -> None:
        """An unacknowledged message is acknowledged, goes back to the front of its queue (`requeue`), or is rejected (`dead`)."""
        queue = self.queues.get(queue_name)
        if queue is None:
            return
        queue.unacked = max(0, queue.unacked - 1)
        if requeue:
            message.redelivered = True
            at = next(
                (i for i, other in enumerate(queue.ready) if other.number > message.number or i == _SEARCHED), len(queue.ready)
            )
            queue.ready.insert(at, message)
        self._count(t_ns, queue, ready=requeue, unacked=True)
        if dead and queue.dead_letter is not None:
            exchange, key = queue.dead_letter
            again = Message(message.number, exchange, message.key if key is None else key, message.persistent)
            self._entries.message(t_ns, queue.lane, self.exchange_lane(t_ns, exchange), DEAD, message.number)
            self._route(t_ns, again, exchange, again.key, {})

    def purge(self, t_ns: int, name: str) -> None:
        """Every ready message is thrown away."""
        queue = self.queue(t_ns, name)
        queue.ready.clear()
        self._count(t_ns, queue, ready=True)
        self._mark(t_ns, queue.lane, "queue.purge")

    # --- counts

    def check(self, t_ns: int, asked_ns: int, counts: Counts, settle_ns: int, *, sure: bool = False) -> None:
        """Compare with the broker's own counts, asked for at `asked_ns` and answered at `t_ns`.

        Only of queues that have been at rest since `settle_ns` before the question: a moving one cannot be compared. What
        differs for the first time may still be on its way to us; it is marked when it differs the same way again, or at once
        when the caller is `sure`.
        """
        before, self._suspected = self._suspected, {}
        for name in [*counts, *(name for name in self.queues if name not in counts)]:
            queue, told = self.queues.get(name), counts.get(name)
            if queue is not None and queue.touched_ns > asked_ns - settle_ns:
                continue
            derived = None if queue is None else (len(queue.ready), queue.unacked)
            if derived == (None if told is None else told[:2]):
                continue
            self._suspected[name] = derived, told
            if sure or before.get(name, ()) == (derived, told):
                del self._suspected[name]
                self._disagree(t_ns, self.queue(t_ns, name), told)

    def agrees(self, counts: Counts) -> bool:
        """Whether the derived counts are the broker's own."""
        return {q.name: (len(q.ready), q.unacked) for q in self.queues.values()} == {n: row[:2] for n, row in counts.items()}

    def restarted(self, t_ns: int, counts: Counts) -> None:
        """After a crash the broker's own counts are all there is: what it does not know any more is gone."""
        for name in list(self.queues):
            if name not in counts:
                self.delete_queue(t_ns, name, State.KILLED)
        for exchange in self.exchanges.values():
            exchange.bindings = [b for b in exchange.bindings if b.to_exchange or b.destination in self.queues]
        for name, (ready, _unacked, _consumers) in counts.items():
            queue = self.queue(t_ns, name)
            survivors = [message for message in queue.ready if message.persistent]
            self._adopt(t_ns, queue, survivors, ready, 0)
            self._mark(t_ns, queue.lane, "recovered", ready=ready)

    def _disagree(self, t_ns: int, queue: Queue, told: tuple[int, int, int] | None) -> None:
        self.disagreements += 1
        derived = {"ready": len(queue.ready), "unacked": queue.unacked}
        words = {"derived": derived, "broker": None if told is None else {"ready": told[0], "unacked": told[1]}}
        self._entries.mark(t_ns, queue.lane, MarkKind.DISAGREEMENT, words)
        if told is None:
            self.delete_queue(t_ns, queue.name)
        else:
            self._adopt(t_ns, queue, list(queue.ready), told[0], told[1])

    def _adopt(self, t_ns: int, queue: Queue, messages: list[Message], ready: int, unacked: int) -> None:
        """Go on from the broker's counts: messages that are too many are the oldest, those that are missing were not seen."""
        kept = messages[max(0, len(messages) - ready) :]
        unseen = [Message(0, "", queue.name, persistent=False) for _ in range(ready - len(kept))]
        queue.ready = deque([*unseen, *kept])
        queue.unacked = unacked
        self._count(t_ns, queue, ready=True, unacked=True)

    def _count(self, t_ns: int, queue: Queue, *, ready: bool = False, unacked: bool = False) -> None:
        queue.touched_ns = t_ns
        for lane, changed, value in ((queue.lane, ready, len(queue.ready)), (queue.unacked_lane, unacked, queue.unacked)):
            if changed:
                self._entries.counter(t_ns, lane, value)

    def _mark(self, t_ns: int, lane: int, what: str, **words: Any) -> None:
        self._entries.mark(t_ns, lane, MarkKind.BROKER, {"what": what, **words})
