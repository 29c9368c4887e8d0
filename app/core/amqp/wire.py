"""One connection listened to: bytes of either side in, methods with their contents out.

It only listens. What it cannot read it says once for each side, and then that side is not read any more; a method or header
that is framed well but says nothing we understand is named and passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from app.core.amqp import methods
from app.core.amqp.frames import BODY, HEADER, METHOD, Frame, FrameReader

KEPT_BYTES = 48
"""Of each body: what the page shows of a message."""


class Side(IntEnum):
    """Who speaks."""

    CLIENT = 0
    SERVER = 1


@dataclass(frozen=True, slots=True)
class Content:
    """A message as it went over the wire: pamqp's properties, the body's size, its first `KEPT_BYTES`."""

    properties: Any
    size_bytes: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """One method, whole: `name` as pamqp calls it ("Basic.Publish"), `tag` the delivery tag where it has one."""

    side: Side
    channel: int
    name: str
    method: Any
    tag: int = 0
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that could not be read. `lost` says that this side is not read any more."""

    side: Side
    channel: int
    why: str
    lost: bool


class _Half:
    """A content that is still coming."""

    __slots__ = ("head", "method", "name", "properties", "size_bytes", "tag", "taken_bytes")

    def __init__(self, name: str, method: Any, tag: int) -> None:
        self.name, self.method, self.tag = name, method, tag
        self.properties: Any = None
        self.size_bytes, self.taken_bytes, self.head = 0, 0, b""


class Listener:
    """Both sides of one connection; each side's bytes in the order in which they were sent."""

    def __init__(self) -> None:
        self._readers = {Side.CLIENT: FrameReader(of_client=True), Side.SERVER: FrameReader(of_client=False)}
        self._halves: dict[tuple[int, int], _Half] = {}
        self._lost: set[Side] = set()

    def receive_data(self, side: Side, data: bytes) -> list[Said | Fault]:
        """What these bytes complete, in order."""
        reader = self._readers[side]
        out: list[Said | Fault] = []
        for frame in reader.receive_data(data):
            self._take(side, frame, out)
        if reader.fault is not None and side not in self._lost:
            self._lost.add(side)
            out.append(Fault(side, 0, reader.fault, True))
        return out

    def _take(self, side: Side, frame: Frame, out: list[Said | Fault]) -> None:
        kind, channel, payload = frame
        try:
            if kind == METHOD:
                self._take_method(side, channel, payload, out)
            elif kind == HEADER:
                self._take_header(side, channel, payload, out)
            elif kind == BODY:
                self._take_body(side, channel, payload, out)
        except methods.DecodeError as error:
            self._halves.pop((side, channel), None)
            out.append(Fault(side, channel, str(error), False))

    def _take_method(self, side: Side, channel: int, payload: bytes, out: list[Said | Fault]) -> None:
        numbers, method, tag = methods.method(payload)
        if methods.carries_content(numbers):
            self._halves[(side, channel)] = _Half(method.name, method, tag)
        else:
            out.append(Said(side, channel, method.name, method, tag))

    def _take_header(self, side: Side, channel: int, payload: bytes, out: list[Said | Fault]) -> None:
        half = self._halves.get((side, channel))
        if half is None:
            raise methods.DecodeError("a content header without a method before it")
        half.size_bytes, half.properties = methods.content_header(payload)
        if half.size_bytes == 0:
            self._finish(side, channel, half, out)

    def _take_body(self, side: Side, channel: int, payload: bytes, out: list[Said | Fault]) -> None:
        half = self._halves.get((side, channel))
        if half is None or half.properties is None:
            raise methods.DecodeError("a body without a header before it")
        if len(half.head) < KEPT_BYTES:
            half.head += payload[: KEPT_BYTES - len(half.head)]
        half.taken_bytes += len(payload)
        if half.taken_bytes >= half.size_bytes:
            self._finish(side, channel, half, out)

    def _finish(self, side: Side, channel: int, half: _Half, out: list[Said | Fault]) -> None:
        del self._halves[(side, channel)]
        content = Content(half.properties, half.size_bytes, half.head)
        out.append(Said(side, channel, half.name, half.method, half.tag, content))
