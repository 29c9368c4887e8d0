"""Lecture rooms over HTTP and WebSocket: a thin shell around `roomstate.py`.

A connection is sent the whole state of the room as one JSON text, at once and whenever it has changed, at most ten times a second:
a phone that comes back, or was slow, has missed nothing that still holds. What it may say, one JSON object a message, at most 4 kB:

| message | who |
|---|---|
| `{"token": "…"}` | whoever wants to present, once |
| `{"place": {…}}` (`roomstate.Place`) | the presenter: where everybody looks |
| `{"reveal": true}` | the presenter: the votes are shown |
| `{"vote": 2}` | anybody with our cookie: one vote for each browser, the last one counts |

What is refused is answered with `{"refused": {"field", "detail", "bound"}}` and changes nothing. Closing codes: 4400 no JSON object ·
4404 unknown room · 4408 took no message for too long · 4410 the room was closed · 4429 too many messages · 1013 the room is full.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, WebSocket
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocketDisconnect

from app.catalogue import FieldError
from app.web import language
from app.web.problems import Problem, unknown
from app.web.roomstate import Place, Room, RoomRefusedError
from app.web.state import ServerState, state_of

router = APIRouter()
_PAUSE_S = 0.1
_LOOK_S = 60.0
_WINDOW_S, _MOST_MESSAGES = 10.0, {False: 40, True: 200}


class NewRoom(BaseModel):
    """Where the room begins."""

    model_config = ConfigDict(extra="forbid")

    place: Place


class OpenedRoom(BaseModel):
    """`presenter_token` is shown this once; whoever has it moves the room. `code` and `url` are for everybody."""

    code: str
    url: str
    presenter_token: str
    closes_in_s: float


@router.post("/api/rooms", status_code=201)
async def open_room(request: Request, new: NewRoom) -> OpenedRoom:
    """Open a lecture room. 429 and 503 name the bound."""
    state = state_of(request)
    state.hall.sweep()
    now_s = time.monotonic()
    try:
        room, token = state.hall.rooms.open(state.clients.of_request(request).key, new.place, now_s)
    except RoomRefusedError as error:
        raise _problem(error) from error
    return OpenedRoom(code=room.code, url=f"/room/{room.code}", presenter_token=token, closes_in_s=room.closes_s - now_s)


def _problem(error: RoomRefusedError) -> Problem:
    return Problem(error.status, "room-refused", "Refused", str(error), [FieldError(error.field, str(error), error.bound)])


def _room(state: ServerState, code: str) -> Room:
    state.hall.sweep()
    room = state.hall.rooms.find(code)
    if room is None:
        raise unknown("room", code)
    return room


@router.get("/api/rooms/{code}")
async def get_room(request: Request, code: str) -> dict[str, Any]:
    """What everybody in the room is told."""
    state = state_of(request)
    room = _room(state, code)
    told: dict[str, Any] = json.loads(room.told(_answers(state, room), presenter=False))
    return told


@router.delete("/api/rooms/{code}", status_code=204)
async def close_room(
    request: Request, code: str, token: Annotated[str, Header(alias="X-Presenter-Token", max_length=100)] = ""
) -> None:
    """Close the room for good; everybody in it is told."""
    state = state_of(request)
    room = _room(state, code)
    if not room.is_presenter(token):
        detail = "The header X-Presenter-Token must be the token given when the room was opened."
        raise Problem(403, "bad-token", "Wrong token", detail, [FieldError("X-Presenter-Token", detail)])
    state.hall.rooms.close(room)
    state.hall.wake(room)


@router.get("/room", include_in_schema=False)
@router.get("/room/{code}", include_in_schema=False)
async def enter_room(request: Request, code: str = "") -> Response:
    """To where the teacher is; without a code that holds, to a form for one."""
    state = state_of(request)
    state.hall.sweep()
    room = state.hall.rooms.find(code)
    if room is None:
        context = {"code": code[:20], "wrong": bool(code)}
        page: Response = request.app.state.pages.render(request, "room.html", {"kind": "room"}, context, 404 if code else 200)
        return page
    path, _, query = room.place.path.partition("?")
    said = "&".join(part for part in query.split("&") if part and not part.startswith("lang="))
    address = f"{path}?{said}{'&' if said else ''}lang={language.choose(request)}&room={quote(room.code)}"
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def _answers(state: ServerState, room: Room) -> int:
    """How many answers the question at hand has; 0 without one."""
    found = state.catalogue.get(room.place.experiment or "")
    return len(found.header.question.answers) if found and found.header.question else 0


class _Left(Exception):
    """The connection ends: code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Member:
    """One connection to one room."""

    def __init__(self, socket: WebSocket, room: Room) -> None:
        self._socket, self._room, self._state = socket, room, state_of(socket)
        self._client = self._state.clients.of_request(socket)
        self._presents = False
        self._heard: list[float] = []

    async def listen(self) -> None:
        """Take what it says until it goes away. Raises _Left."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._count()
            try:
                said = json.loads(message.get("text") or "")
            except ValueError:
                said = None
            if not isinstance(said, dict):
                raise _Left(4400, "a message is one JSON object")
            try:
                self._do(said)
            except RoomRefusedError as error:
                refused = {"field": error.field, "detail": str(error), "bound": error.bound}
                await self._send(json.dumps({"refused": refused}))
            self._state.hall.wake(self._room)

    def _count(self) -> None:
        now_s = time.monotonic()
        self._heard = [at for at in self._heard if at > now_s - _WINDOW_S] + [now_s]
        if len(self._heard) > _MOST_MESSAGES[self._presents]:
            raise _Left(4429, f"at most {_MOST_MESSAGES[self._presents]} messages in {_WINDOW_S:.0f} s")

    def _do(self, said: dict[str, Any]) -> None:
        room = self._room
        if "token" in said:
            if not room.is_presenter(str(said["token"])):
                raise RoomRefusedError(403, "token", "this is not the token given when the room was opened")
            if not self._presents:
                self._presents = True
                room.leave()  # a presenter is nobody's audience
        elif "place" in said or "reveal" in said:
            self._drive(said)
        elif "vote" in said:
            self._vote(said["vote"])
        else:
            raise RoomRefusedError(422, "message", "expected one of token, place, reveal, vote")

    def _drive(self, said: dict[str, Any]) -> None:
        if not self._presents:
            raise RoomRefusedError(403, next(iter(said)), "only the holder of the presenter token moves the room")
        if "place" in said:
            try:
                self._room.move(Place.model_validate(said["place"]))
            except ValidationError as error:
                fault = error.errors()[0]
                raise RoomRefusedError(422, ".".join(["place", *map(str, fault["loc"])]), fault["msg"]) from error
        if "reveal" in said:
            self._room.reveal(said["reveal"] is True)

    def _vote(self, answer: object) -> None:
        if self._client.address is None:
            raise RoomRefusedError(403, "vote", "a vote needs this server's cookie")
        if not isinstance(answer, int) or isinstance(answer, bool):
            raise RoomRefusedError(422, "vote", "expected the number of an answer")
        self._room.vote(self._client.key, answer, _answers(self._state, self._room))

    async def tell(self) -> None:
        """Send the state whenever it has changed, until the room is closed. Raises _Left."""
        told: tuple[int, ...] = ()
        hall, room = self._state.hall, self._room
        while hall.rooms.find(room.code) is room:
            changed = hall.changed(room)
            now = (room.version, room.own_version, 1) if self._presents else (room.version,)
            if now != told:
                await self._send(room.told(_answers(self._state, room), presenter=self._presents))
                told = now
                await asyncio.sleep(_PAUSE_S)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await changed.wait()
                hall.sweep()
        raise _Left(4410, "the room was closed")

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._state.settings.viewer_timeout_s):
                await self._socket.send_text(text)
        except TimeoutError as error:
            raise _Left(4408, "took no message for too long") from error

    def gone(self) -> None:
        """It is not there any more."""
        if not self._presents:
            self._room.leave()
        self._state.hall.wake(self._room)


@router.websocket("/api/rooms/{code}/live")
async def live(socket: WebSocket, code: str) -> None:
    """Be in a room."""
    state = state_of(socket)
    await socket.accept()
    state.hall.sweep()
    room = state.hall.rooms.find(code)
    if room is None:
        await _close(socket, 4404, "unknown room")
        return
    try:
        room.enter(state.settings.room_members)
    except RoomRefusedError as error:
        await _close(socket, 1013, str(error))
        return
    member = _Member(socket, room)
    state.hall.wake(room)
    ended = _Left(1000, "")
    try:
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(member.tell())
            await member.listen()
            telling.cancel()
    except* _Left as group:
        ended = next(one for one in group.exceptions if isinstance(one, _Left))
    except* (WebSocketDisconnect, RuntimeError):
        pass  # it went away while it was told something
    finally:
        member.gone()
    await _close(socket, ended.code, str(ended))


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(5.0):
            await socket.close(code, reason)
