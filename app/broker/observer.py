"""A run's broker as its session sees it: the tap's copies become entries of the timeline, counts are checked with the broker.

Made before the script starts, `drain` at every turn of the session, `finish` when the script is dead, `close` at last.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence

from app.broker.installation import BrokerError
from app.broker.lease import Lease
from app.broker.switch import Switch
from app.broker.tap import RATE_BYTES_S, Seen, Tap
from app.core.amqp.login import Identity
from app.core.amqp.traffic import Traffic
from app.core.amqp.vhost import Counts
from app.core.entries import Entries

AMQP_PORT = 5672
CHECK_S = 0.5
SETTLE_NS = 200_000_000
"""How long a queue must have been at rest before its counts are compared with the broker's."""
TURN_BYTES = 128 << 10
"""What one turn of the session decodes at most, some milliseconds of work: the rings must be drained meanwhile too."""
_FINISH_S = 1.0
_Told = Callable[[Traffic], None]


class BrokerObserver:
    """Takes over the lease and the listening sockets: of AMQP, and of the switch."""

    def __init__(self, lease: Lease, amqp: Sequence[socket.socket], switch: Sequence[socket.socket] = ()) -> None:
        self._lease = lease
        self.description = lease.description
        access = lease.access
        self._tap = Tap(amqp, (access.host, access.port), Identity(access.user, access.password, access.vhost))
        self._switch = Switch(switch, self._crash)
        self._told: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        self._traffic: Traffic | None = None
        self._closing = threading.Event()
        self._crashing = threading.Lock()
        self._checker = threading.Thread(target=self._check, name="broker counts", daemon=True)
        self._tap.start()
        self._switch.start()
        self._checker.start()

    def drain(self, entries: Entries) -> int:
        """Write what has come since the last turn; how many things that were."""
        if self._traffic is None:
            self._traffic = Traffic(entries)
        seen = self._tap.fetch(TURN_BYTES)
        for each in seen:
            _take(self._traffic, each)
        while not self._told.empty() and not self._tap.waiting:  # what others say is about what has been written by then
            self._told.get()(self._traffic)
        return len(seen)

    def finish(self, entries: Entries) -> None:
        """The script is dead: what is still on its way, then a last comparison, which waits a moment for the broker to notice."""
        deadline = time.monotonic() + _FINISH_S
        while (self.drain(entries) or not self._tap.idle) and time.monotonic() < deadline:
            time.sleep(0.002)
        assert self._traffic is not None
        try:
            with self._crashing:
                self._compare(entries, self._traffic, deadline)
        except BrokerError as error:
            self._traffic.mark(time.monotonic_ns(), "counts unknown", text=str(error))

    def _compare(self, entries: Entries, traffic: Traffic, deadline: float) -> None:
        asked_ns, counts = time.monotonic_ns(), self._lease.counts()
        while counts is not None and not traffic.vhost.agrees(counts) and time.monotonic() < deadline:
            time.sleep(0.02)
            self.drain(entries)
            asked_ns, counts = time.monotonic_ns(), self._lease.counts()
        if counts is not None:
            traffic.vhost.check(time.monotonic_ns(), asked_ns, counts, settle_ns=0, sure=True)

    def close(self) -> None:
        """Every connection is dropped and the lease given back."""
        self._closing.set()
        self._switch.close()
        self._tap.close()
        self._lease.close()
        self._checker.join()

    # --- other threads

    def _check(self) -> None:
        told = ""  # a node that is gone is said to be gone once, not at every question
        while not self._closing.wait(CHECK_S):
            try:
                with self._crashing:
                    asked_ns, counts = time.monotonic_ns(), self._lease.counts()
            except BrokerError as error:
                if not self._closing.is_set() and told != str(error):
                    told = str(error)
                    self._told.put(_unknown(time.monotonic_ns(), told))
                continue
            if counts is None:
                return
            told = ""
            self._told.put(_checked(asked_ns, time.monotonic_ns(), counts))

    def _crash(self) -> None:
        with self._crashing:
            t_ns = time.monotonic_ns()
            if self._lease.killable:  # told at once: to be back takes it seconds
                self._told.put(lambda traffic: traffic.mark(t_ns, "broker killed"))
            self._lease.crash()
            back_ns, counts = time.monotonic_ns(), self._lease.counts()
        self._told.put(lambda traffic: _restarted(traffic, back_ns, counts))


def _take(traffic: Traffic, seen: Seen) -> None:
    if seen.what == "data":
        traffic.data(seen.t_ns, seen.connection, seen.side, seen.data)
    elif seen.what == "connected":
        traffic.connected(seen.t_ns, seen.connection, seen.words)
    elif seen.what == "slowed":
        traffic.mark(seen.t_ns, "slowed", mib_s=RATE_BYTES_S >> 20)
    else:
        traffic.disconnected(seen.t_ns, seen.connection, seen.words)


def _checked(asked_ns: int, t_ns: int, counts: Counts) -> _Told:
    return lambda traffic: traffic.vhost.check(t_ns, asked_ns, counts, SETTLE_NS)


def _unknown(t_ns: int, why: str) -> _Told:
    return lambda traffic: traffic.mark(t_ns, "counts unknown", text=why)


def _restarted(traffic: Traffic, t_ns: int, counts: Counts | None) -> None:
    traffic.mark(t_ns, "broker restarted")
    if counts is not None:
        traffic.vhost.restarted(t_ns, counts)
