"""The live view: one viewer is one offset in one file.

Binary messages are whole blocks of the recording, in order, from the offset the viewer named; the first from offset 0 begins with
the magic word. A block larger than a message comes in several, each but the last of them full. Text messages are JSON:
`{"state", "outcome", "position", "behind_bytes"}`, and `now_ns` while the run goes on, `waits_for: "broker"` while its script cannot start yet: one at once, one whenever the state or the place in the queue changes,
some while the viewer lags, and a last one with `behind_bytes` 0 before the connection closes with 1000. The viewer sends nothing.

Closing codes: 1000 all sent · 4400 no block begins at `from` · 4404 unknown run · 4408 took no message for too long (come back with
`from`) · 4410 deleted · 1013 too many viewers.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from app.core.blocks import RecordingError
from app.store import RunDeletedError, RunUnknownError
from app.web.feed import Feed, Status, is_boundary
from app.web.settings import Settings
from app.web.state import state_of

router = APIRouter()
_TELL_EVERY_S = 0.25


class ViewerStuckError(Exception):
    """The viewer took no message for as long as the settings allow."""


class Viewer:
    """Sends one feed to one connection. `offset` is what the viewer has been given."""

    def __init__(self, socket: WebSocket, feed: Feed, offset: int, settings: Settings) -> None:
        self._socket, self._feed, self._settings = socket, feed, settings
        self.offset = offset
        self._told: tuple[Status, int] | None = None
        self._told_at_s = 0.0

    async def follow(self) -> None:
        """Send until the run has ended and everything is sent. Raises ViewerStuckError, RecordingError, FileNotFoundError."""
        while True:
            changed, status = self._feed.changed, self._feed.status
            behind_bytes = self._feed.size_bytes - self.offset
            await self._tell(status, behind_bytes)
            if behind_bytes > 0:
                await self._send_span()
            elif status.ended:
                return
            else:
                await changed.wait()

    async def _tell(self, status: Status, behind_bytes: int) -> None:
        """Say how things are: when they have changed, and every now and then while the viewer is behind.

        A change that comes with bytes waits until they are sent, so that "finished" is heard after the last bar.
        """
        told_status, told_behind = self._told or (None, 0)
        if behind_bytes > 0 and told_status is not None:
            due = time.monotonic() - self._told_at_s >= _TELL_EVERY_S and behind_bytes > self._settings.message_bytes
        else:
            due = status != told_status or told_behind > 0
        if not due:
            return
        self._told, self._told_at_s = (status, behind_bytes), time.monotonic()
        message: dict[str, object] = {
            "state": status.state,
            "outcome": status.outcome,
            "position": status.position,
            "behind_bytes": behind_bytes,
        }
        if status.waits_for:
            message["waits_for"] = status.waits_for
        if not status.ended:  # on the recording's clock: a viewer that joins a silent run knows how far it is
            message["now_ns"] = time.monotonic_ns()
        await self._patiently({"type": "websocket.send", "text": json.dumps(message)})

    async def _send_span(self) -> None:
        most = self._settings.message_bytes
        span = await self._feed.span(self.offset, most)
        for at in range(0, len(span), most):
            await self._patiently({"type": "websocket.send", "bytes": span[at : at + most] if len(span) > most else span})
        self.offset += len(span)

    async def _patiently(self, message: dict[str, object]) -> None:
        try:
            async with asyncio.timeout(self._settings.viewer_timeout_s):
                await self._socket.send(message)
        except TimeoutError as error:
            raise ViewerStuckError from error


@router.websocket("/api/runs/{run}/live")
async def live(socket: WebSocket, run: str, offset: Annotated[int, Query(alias="from", ge=0)] = 0) -> None:
    """Follow a run from a byte offset of its recording on."""
    state = state_of(socket)
    state.viewers += 1
    try:
        await socket.accept()
        crowded = state.viewers > state.settings.viewers
        ended = (1013, "too many viewers; try again later") if crowded else await _serve(socket, run, offset)
        await _close(socket, *ended)
    finally:
        state.viewers -= 1


async def _serve(socket: WebSocket, run: str, offset: int) -> tuple[int, str]:
    """Follow the run; the closing code and its reason."""
    state = state_of(socket)
    try:
        feed = await state.manager.feed(run)
        if offset > feed.size_bytes or not await asyncio.to_thread(is_boundary, feed.path, offset):
            return 4400, f"no block begins at byte {offset}"
        await _until_gone(socket, Viewer(socket, feed, offset, state.settings))
    except RunUnknownError:
        return 4404, "unknown run"
    except (RunDeletedError, FileNotFoundError):
        return 4410, "deleted"
    except RecordingError as error:
        return 4400, str(error)
    except ViewerStuckError:
        return 4408, "took no message for too long"
    return 1000, "all sent"


async def _until_gone(socket: WebSocket, viewer: Viewer) -> None:
    """Follow until the end or until the viewer goes away, whichever is first."""
    following = asyncio.create_task(viewer.follow())
    gone = asyncio.create_task(_wait_gone(socket))
    try:
        await asyncio.wait((following, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (following, gone):
            task.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect):
            await following
        await asyncio.wait((gone,))


async def _wait_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Close, or, where even that does not get through, drop the connection."""
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(1.0 if code == 4408 else 10.0):
            await socket.close(code, reason)
            return
    abort = socket.scope.get("extensions", {}).get("schedscope.abort")
    if abort is not None:
        abort["call"]()
