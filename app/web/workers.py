"""Worker processes from the server's side: started ahead of time, given one job each, listened to line by line.

The protocol is in ARCHITECTURE.md ("Worker protocol"). As many workers are kept as runs may go on at once, and one more: so the
next run never waits for an interpreter to start, and none is started while a run begins, when it would disturb the timeline.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from app import resources

_LINE_BYTES = 4 * 1024 * 1024
_START_S = 30.0
_log = logging.getLogger("schedscope.workers")

WORKER_COMMAND = (sys.executable, "-m", "app.worker")


class WorkerDiedError(RuntimeError):
    """The worker ended, or said something unreadable, before it said how the run ended."""


class Worker:
    """One worker process: `wait_ready`, then `send` the job, then iterate `messages` to the last one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str]) -> Worker:
        """Start the interpreter. It is in a session of its own: a Ctrl-C in the server's terminal is the server's."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=resources.IMPORT_ROOT,
            start_new_session=True,
            limit=_LINE_BYTES,
        )
        return cls(process)

    async def wait_ready(self) -> None:
        """Raises WorkerDiedError when the worker does not come up."""
        try:
            async with asyncio.timeout(_START_S):
                message = await self._receive()
        except TimeoutError as error:
            raise WorkerDiedError(f"not ready after {_START_S} s") from error
        if message.get("ready") is not True:
            raise WorkerDiedError(f"said {message!r} instead of being ready")

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, message: Mapping[str, Any]) -> None:
        """One JSON line: the job, later perhaps `{"cancel": true}`. To a worker that is gone it is not an error."""
        assert self._process.stdin is not None
        with suppress(ConnectionError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What the worker says, up to and with the message that has an `outcome`. Raises WorkerDiedError without one."""
        while True:
            message = await self._receive()
            yield message
            if "outcome" in message:
                return

    def hang_up(self) -> None:
        """Close the worker's stdin: it kills its run, if it has one, and ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def end(self, patience_s: float = 10.0) -> None:
        """Hang up and wait for the end; a worker that does not end is killed, its run with it."""
        self.hang_up()
        try:
            async with asyncio.timeout(patience_s):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
            message = json.loads(line) if line else None
        except ValueError as error:
            raise WorkerDiedError(f"unreadable message: {error}") from error
        if not isinstance(message, dict):
            raise WorkerDiedError("ended without saying how the run ended")
        return message


class WorkerPool:
    """Keeps `count` workers in all, idle ones ready. `take` hands one out, `replace` makes up for one that is used up."""

    def __init__(self, count: int, command: Sequence[str] = WORKER_COMMAND) -> None:
        self._count = count
        self._command = command
        self._spares: list[asyncio.Task[Worker]] = []
        self._closed = False

    def open(self) -> None:
        """Begin to start the workers; returns at once."""
        for _ in range(self._count):
            self.replace()

    async def take(self) -> Worker:
        """A ready worker, the one started first; a dead spare is passed over. Raises WorkerDiedError when none comes up."""
        while self._spares:
            with suppress(WorkerDiedError, OSError):
                worker = await self._spares.pop(0)
                if worker.alive:
                    return worker
                await worker.end()
        return await self._ready_worker()

    def replace(self) -> None:
        """Start one spare."""
        if not self._closed:
            spare = asyncio.create_task(self._ready_worker())
            spare.add_done_callback(_log_failure)
            self._spares.append(spare)

    def retire(self) -> None:
        """Start no more spares; those there are may still be taken."""
        self._closed = True

    async def close(self) -> None:
        """End every spare. Workers that were handed out belong to those who took them."""
        self.retire()
        spares, self._spares = self._spares, []
        for spare in spares:
            if not spare.done():
                spare.cancel()
        outcomes = await asyncio.gather(*spares, return_exceptions=True)
        await asyncio.gather(*[worker.end() for worker in outcomes if isinstance(worker, Worker)])

    async def _ready_worker(self) -> Worker:
        worker = await Worker.start(self._command)
        try:
            await worker.wait_ready()
        except BaseException:
            await worker.end(patience_s=0.0)
            raise
        return worker


def _log_failure(spare: asyncio.Task[Worker]) -> None:
    if not spare.cancelled() and spare.exception() is not None:
        _log.error("a worker did not come up: %s", spare.exception())
