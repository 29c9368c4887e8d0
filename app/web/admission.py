"""Who may start a run now: so many a minute and so many waiting for one client, so many waiting in all.

Pure bookkeeping; the caller tells the time in seconds of any steady clock.
"""

from __future__ import annotations

import ipaddress
from collections import deque

from app.catalogue import FieldError
from app.web.problems import Problem, retry_later

_WINDOW_S = 60.0


def client_key(host: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Admission:
    """Counts starts per client within the last minute. `admit` either counts one more or raises the Problem to answer."""

    def __init__(self, runs_per_minute: int, waiting_per_client: int, queue_length: int) -> None:
        self._per_minute = runs_per_minute
        self._waiting = waiting_per_client
        self._queue_length = queue_length
        self._starts: dict[str, deque[float]] = {}

    def admit(self, client: str, now_s: float, waiting: int, queued: int, wait_s: float) -> None:
        """Count a start of `client`, who has `waiting` of the `queued` runs; `wait_s` is when a place should be free.

        Raises Problem 429 or 503, and then counts nothing.
        """
        self._forget_before(now_s - _WINDOW_S)
        starts = self._starts.get(client, deque())
        if len(starts) >= self._per_minute:
            detail = f"At most {self._per_minute} runs a minute for one client."
            error = FieldError("runs_per_minute", detail, self._per_minute)
            after_s = (starts[0] + _WINDOW_S - now_s) if starts else _WINDOW_S
            raise retry_later(429, "too-many-runs", "Too many runs", detail, after_s, error)
        self._check_waiting(waiting, queued, wait_s)
        self._starts.setdefault(client, deque()).append(now_s)

    def _check_waiting(self, waiting: int, queued: int, wait_s: float) -> None:
        problem: Problem | None = None
        if waiting >= self._waiting:
            detail = f"At most {self._waiting} runs of one client may wait; yours are still in the queue."
            error = FieldError("waiting_per_client", detail, self._waiting)
            problem = retry_later(429, "too-many-waiting", "Too many waiting runs", detail, wait_s, error)
        if queued >= self._queue_length:
            detail = f"{queued} runs are waiting, and the queue holds {self._queue_length}."
            error = FieldError("queue_length", detail, self._queue_length)
            problem = retry_later(503, "queue-full", "The queue is full", detail, wait_s, error)
        if problem is not None:
            raise problem

    def _forget_before(self, then_s: float) -> None:
        for client in list(self._starts):
            starts = self._starts[client]
            while starts and starts[0] <= then_s:
                starts.popleft()
            if not starts:
                del self._starts[client]
