"""The run manager: the queue, the slots, and each run's way from a request to rest in the store."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from app.catalogue import Value
from app.core.records import Outcome
from app.store import Run, RunDeletedError, State, Store, WholeRecording, repair
from app.web.admission import Admission, Bounds, Waiting
from app.web.brokers import Brokers
from app.web.calibration import Calibrator
from app.web.clients import Client
from app.web.feed import Feed, Status
from app.web.settings import Settings
from app.web.workers import WORKER_COMMAND, Worker, WorkerDiedError, WorkerPool

_TYPICAL_RUN_S = 5.0
_PATIENCE_S = 60.0
_BROKER_PATIENCE_S = 300.0
"""A node takes seconds to start, more on a busy machine; and there may be two of them to wait for."""
_log = logging.getLogger("schedscope.runs")


@dataclass(frozen=True, slots=True)
class Job:
    """One script to run. `limits` overrides the sandbox's defaults by name. `trusted` runs it without a sandbox, as does a
    machine that has none with the catalogue's own: then `script_path` is run in `cwd` by `python` (None: this interpreter)."""

    name: str
    source: str
    argv: list[str]
    experiment: str | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    trusted: bool = False
    script_path: str | None = None
    python: str | None = None
    cwd: str | None = None
    stdin: str | None = None
    """What a trusted script reads as its standard input, as a path; None: nothing."""
    broker: str | None = None
    """`shared` for a virtual host of its own, `whole` for a node of its own, None for no broker."""
    calibrate: bool = False
    """Measure the cores before the run."""


@dataclass(slots=True)
class _Entry:
    """A run that has not ended: its row, what it is to do, and who watches."""

    run: Run
    job: Job
    client: Client | None
    feed: Feed
    worker: Worker | None = None
    task: asyncio.Task[None] | None = None
    slot: int = -1
    cancelled: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class RunManager:
    """Owns every run that has not ended. `open` first, `close` last; all methods belong to one event loop."""

    def __init__(self, store: Store, settings: Settings, worker_command: tuple[str, ...] = WORKER_COMMAND) -> None:
        self._store = store
        self._settings = settings
        self._admission = Admission(Bounds(**{spec.name: getattr(settings, spec.name) for spec in fields(Bounds)}))
        self._calibrator = Calibrator()
        self._brokers = Brokers(settings)
        self._pool = WorkerPool(settings.slots + 1, worker_command)
        self._entries: dict[str, _Entry] = {}
        self._queue: deque[_Entry] = deque()
        self._free_slots = list(range(settings.slots))
        self._admitting = asyncio.Lock()
        self._closing = False

    def open(self) -> None:
        """Warm the workers and, where there is RabbitMQ, a node; returns at once."""
        self._pool.open()
        self._brokers.open()

    async def submit(self, job: Job, client: Client | None) -> tuple[Run, str]:
        """Queue a run of `client` (None: the machine's owner, whom no bound concerns); the run and its delete token.

        Raises Problem 429 or 503.
        """
        async with self._admitting:  # a hundred requests at once are counted one after another
            if client is not None:
                self._admission.admit(client, time.monotonic(), self._waiting(client))
            run, token = await asyncio.to_thread(
                self._store.create,
                experiment=job.experiment,
                name=job.name,
                parameters=job.parameters,
                source_sha256=hashlib.sha256(job.source.encode()).hexdigest(),
                now_s=time.time(),
            )
            feed = Feed(self._store.recording_path(run.id), Status(State.QUEUED, None, len(self._queue) + 1))
            entry = _Entry(run, job, client, feed)
            self._entries[run.id] = entry
            self._queue.append(entry)
        self._start_next()
        return entry.run, token

    async def feed(self, run_id: str) -> Feed:
        """What a viewer of this run watches. Raises RunUnknownError or RunDeletedError."""
        entry = self._entries.get(run_id)
        if entry is not None:
            return entry.feed
        return Feed.of_ended(await asyncio.to_thread(self._store.get, run_id), self._store.recording_path(run_id))

    async def get(self, run_id: str) -> tuple[Run, Status]:
        """The row as it is now, and the run's status. Raises RunUnknownError or RunDeletedError."""
        entry = self._entries.get(run_id)
        if entry is not None:
            return replace(entry.run, state=entry.feed.status.state, size_bytes=entry.feed.size_bytes), entry.feed.status
        run = await asyncio.to_thread(self._store.get, run_id)
        return run, Status(run.state, run.outcome, 0)

    async def cancel(self, run_id: str) -> None:
        """End the run and wait until it has come to rest. Of a run that has ended, nothing."""
        entry = self._entries.get(run_id)
        if entry is None:
            return
        entry.cancelled = True
        if entry in self._queue:
            self._queue.remove(entry)
            self._tell_positions()
            await self._rest(entry, Outcome.CANCELLED, None, 0)
        elif entry.worker is not None:
            await entry.worker.send({"cancel": True})
        await entry.ended.wait()

    async def delete(self, run_id: str) -> None:
        """Cancel the run if it goes on, then remove it for good. Raises RunUnknownError or RunDeletedError."""
        await self.cancel(run_id)
        await asyncio.to_thread(self._store.delete, run_id, time.time())

    async def close(self) -> None:
        """Interrupt what goes on, keep what it recorded, end every worker."""
        self._closing = True
        self._pool.retire()
        while self._queue:
            await self._rest(self._queue.popleft(), Outcome.INTERRUPTED, None, 0)
        for entry in list(self._entries.values()):
            if entry.worker is not None:
                entry.worker.hang_up()
        await asyncio.gather(*[entry.task for entry in self._entries.values() if entry.task], return_exceptions=True)
        await self._pool.close()
        await self._brokers.close()

    def statistics(self) -> dict[str, int]:
        """How busy the server is."""
        return {
            "running": self._settings.slots - len(self._free_slots),
            "queued": len(self._queue),
            "slots": self._settings.slots,
        }

    def _waiting(self, client: Client) -> Waiting:
        others = [entry.client for entry in self._queue if entry.client is not None]
        own = sum(other.key == client.key for other in others)
        same_address = sum(other.address == client.address for other in others)
        return Waiting(own, same_address, len(self._queue), self._wait_s())

    def _wait_s(self) -> float:
        return _TYPICAL_RUN_S * (1 + len(self._queue) // self._settings.slots)

    def _start_next(self) -> None:
        while self._queue and self._free_slots and not self._closing:
            entry = self._queue.popleft()
            entry.slot = self._free_slots.pop(0)
            entry.feed.publish(Status(State.RUNNING, None, 0))
            entry.task = asyncio.create_task(self._carry(entry))
        self._tell_positions()

    def _tell_positions(self) -> None:
        for position, entry in enumerate(self._queue, 1):
            if entry.feed.status.position != position:
                entry.feed.publish(replace(entry.feed.status, position=position))

    async def _carry(self, entry: _Entry) -> None:
        """One run from its slot to its rest; whatever happens, the slot is given back and the viewers are told."""
        message: dict[str, Any] | None = None
        try:
            entry.worker = await self._pool.take()
            async with asyncio.timeout(self._patience_s(entry.job)):
                message = await self._listen(entry, entry.worker)
        except (WorkerDiedError, TimeoutError) as error:
            _log.error("run %s: %s", entry.run.id, str(error) or "its worker does not end it")
        except Exception:
            _log.exception("run %s", entry.run.id)
        try:
            if message is None and entry.worker is not None:
                await entry.worker.end(patience_s=0.0)  # what it still held is let go before its recording is repaired
            await self._settle(entry, message)
        finally:
            if entry.worker is not None:
                await entry.worker.end()
            self._pool.replace()
            self._free_slots.append(entry.slot)
            self._start_next()

    async def _listen(self, entry: _Entry, worker: Worker) -> dict[str, Any]:
        """Give the job to the worker and pass on what it says; its last message."""
        alone = len(self._free_slots) == self._settings.slots - 1
        calibration = await self._calibrator.cores(alone) if entry.job.calibrate else None
        broker = await asyncio.to_thread(self._brokers.found_for, entry.job.broker)
        await worker.send(self._job_message(entry) | {"calibration": calibration, "broker": broker})
        if entry.cancelled:
            await worker.send({"cancel": True})
        if self._closing:
            worker.hang_up()
        async for message in worker.messages():
            if "waits_for" in message:
                entry.feed.publish(replace(entry.feed.status, waits_for=str(message["waits_for"])))
            elif "started" in message:
                entry.feed.publish(replace(entry.feed.status, waits_for=""))
                entry.run = replace(entry.run, started_s=time.time())
                await asyncio.to_thread(self._store.mark_running, entry.run.id, time.time())
            elif "outcome" in message:
                return message
            elif "size_bytes" in message:
                entry.feed.publish(size_bytes=int(message["size_bytes"]))
        raise WorkerDiedError("ended without an outcome")

    async def _settle(self, entry: _Entry, message: Mapping[str, Any] | None) -> None:
        """Put the run to rest as the worker said, or, where it said nothing, with the whole blocks that are there."""
        if message is not None:
            await self._rest(entry, str(message["outcome"]), message["end"], int(message["size_bytes"]))
            return
        try:
            whole = await asyncio.to_thread(repair, entry.feed.path, 5.0)
        except OSError:
            _log.exception("run %s: its recording cannot be repaired now; the next start of the server will", entry.run.id)
            whole = WholeRecording(entry.feed.size_bytes, None)
        await self._rest(entry, Outcome.FAULT, whole.end, whole.size_bytes)

    async def _rest(self, entry: _Entry, outcome: str, end: Mapping[str, Any] | None, size_bytes: int) -> None:
        """Write down the end and tell the viewers, who are told even where the database cannot be."""
        try:
            entry.run = await asyncio.to_thread(self._store.mark_ended, entry.run.id, outcome, end, size_bytes, time.time())
        except RunDeletedError:
            pass
        except Exception:
            _log.exception("run %s could not be put to rest; the next start of the server will do it", entry.run.id)
        del self._entries[entry.run.id]
        state = State.INTERRUPTED if outcome == Outcome.INTERRUPTED else State.FINISHED
        entry.feed.publish(Status(state, outcome, 0), size_bytes)
        entry.ended.set()

    def _patience_s(self, job: Job) -> float | None:
        """A whole run's, with its wait for a broker, which is not the script's time; None for one without a limit."""
        wall_s = job.limits.get("wall_s")
        before_s = _BROKER_PATIENCE_S if job.broker else 0.0
        return None if wall_s is None else float(wall_s) + _PATIENCE_S + before_s

    def _job_message(self, entry: _Entry) -> dict[str, Any]:
        job = entry.job
        return {
            "run": entry.run.id,
            "recording": str(entry.feed.path),
            "name": job.name,
            "source": job.source,
            "argv": job.argv,
            "experiment": job.experiment,
            "parameters": dict(job.parameters),
            "limits": dict(job.limits),
            "trusted": job.trusted,
            "script_path": job.script_path,
            "python": job.python,
            "cwd": job.cwd,
            "stdin": job.stdin,
            "slot": entry.slot,
        }
