"""Who may start a run now: so many a minute and so many waiting for one browser, for one address, and in all.

A browser without our cookie (a program) is bounded as its address is a browser. Looking at runs is never bounded here.
Pure bookkeeping; the caller tells the time in seconds of any steady clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from app.catalogue import FieldError
from app.web.clients import Client
from app.web.problems import Problem, retry_later

_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """The settings of these names."""

    runs_per_minute: int
    waiting_per_client: int
    runs_per_minute_per_address: int
    waiting_per_address: int
    queue_length: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many runs wait: of the client, of its address, in all. `wait_s` is when a place should be free."""

    client: int
    address: int
    queued: int
    wait_s: float


class Admission:
    """Counts starts within the last minute. `admit` either counts one more or raises the Problem to answer."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._starts: dict[str, deque[float]] = {}

    def admit(self, client: Client, now_s: float, waiting: Waiting) -> None:
        """Count a start. Raises Problem 429 or 503 with the time to come back, and then counts nothing."""
        self._forget_before(now_s - _WINDOW_S)
        keys = {client.key: ("runs_per_minute", self._bounds.runs_per_minute, "for one client")}
        if client.address is not None:
            bound = self._bounds.runs_per_minute_per_address
            keys[client.address] = ("runs_per_minute_per_address", bound, "for all behind one address")
        for key, (field, most, whom) in keys.items():
            self._check_starts(key, now_s, field, most, whom)
        self._check_waiting(client, waiting)
        for key in keys:
            self._starts.setdefault(key, deque()).append(now_s)

    def _check_starts(self, key: str, now_s: float, field: str, most: int, whom: str) -> None:
        starts = self._starts.get(key, deque())
        if len(starts) < most:
            return
        detail = f"At most {most} runs a minute {whom}."
        # The oldest that still counts against the bound leaves the window first.
        after_s = starts[len(starts) - most] + _WINDOW_S - now_s if most else _WINDOW_S
        raise retry_later(429, "too-many-runs", "Too many runs", detail, after_s, FieldError(field, detail, most))

    def _check_waiting(self, client: Client, waiting: Waiting) -> None:
        bounds = self._bounds
        if waiting.queued >= bounds.queue_length:
            detail = f"{waiting.queued} runs are waiting, and the queue holds {bounds.queue_length}."
            error = FieldError("queue_length", detail, bounds.queue_length)
            raise retry_later(503, "queue-full", "The queue is full", detail, waiting.wait_s, error)
        if waiting.client >= bounds.waiting_per_client:
            detail = f"At most {bounds.waiting_per_client} runs of one client may wait; yours are still in the queue."
            raise self._too_many_waiting("waiting_per_client", detail, bounds.waiting_per_client, waiting.wait_s)
        if client.address is not None and waiting.address >= bounds.waiting_per_address:
            detail = f"At most {bounds.waiting_per_address} runs from one address may wait."
            raise self._too_many_waiting("waiting_per_address", detail, bounds.waiting_per_address, waiting.wait_s)

    @staticmethod
    def _too_many_waiting(field: str, detail: str, bound: int, wait_s: float) -> Problem:
        return retry_later(429, "too-many-waiting", "Too many waiting runs", detail, wait_s, FieldError(field, detail, bound))

    def _forget_before(self, then_s: float) -> None:
        for client in list(self._starts):
            starts = self._starts[client]
            while starts and starts[0] <= then_s:
                starts.popleft()
            if not starts:
                del self._starts[client]
