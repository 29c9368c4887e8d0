"""Frames out of the bytes of one direction, under any chunking (AMQP 0-9-1, section 2.3.5).

frame := u8 type | u16 channel | u32 size | payload | 0xCE          a client's first 8 bytes are "AMQP" and a version
"""

from __future__ import annotations

import struct

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
PROTOCOL = b"AMQP\x00\x00\x09\x01"
END = 0xCE
OVERHEAD_BYTES = 8
MAX_FRAME_BYTES = 131072
"""RabbitMQ's own default `frame_max`, which the tap lets nobody raise: what a frame may make us hold."""
_HEAD = struct.Struct(">BHI")

Frame = tuple[int, int, bytes]
"""Type, channel, payload."""


class FrameReader:
    """One direction of a connection. Once bytes are met that are no frame, `fault` says so and nothing more is read."""

    def __init__(self, *, of_client: bool) -> None:
        self._buffer = bytearray()
        self._preamble = of_client
        self.fault: str | None = None

    def receive_data(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete, in order. Holds at most one frame that is not whole."""
        if self.fault is not None:
            return []
        buffer = self._buffer
        buffer += data
        at = 0
        if self._preamble:
            if len(buffer) < len(PROTOCOL) and PROTOCOL.startswith(buffer):
                return []
            if bytes(buffer[: len(PROTOCOL)]) != PROTOCOL:
                return self._give_up("not AMQP 0-9-1: it does not begin with that protocol's header")
            self._preamble, at = False, len(PROTOCOL)
        frames: list[Frame] = []
        while len(buffer) - at >= _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(buffer, at)
            if size > MAX_FRAME_BYTES or kind not in (METHOD, HEADER, BODY, HEARTBEAT):
                frames += self._give_up(f"no frame: type {kind}, {size} bytes")
                return frames
            end = at + _HEAD.size + size
            if len(buffer) <= end:
                break
            if buffer[end] != END:
                frames += self._give_up(f"a frame of {size} bytes does not end with 0xCE")
                return frames
            frames.append((kind, channel, bytes(buffer[at + _HEAD.size : end])))
            at = end + 1
        del buffer[:at]
        return frames

    def _give_up(self, why: str) -> list[Frame]:
        self.fault = why
        self._buffer.clear()
        return []


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """The bytes of one frame."""
    return _HEAD.pack(kind, channel, len(payload)) + payload + bytes([END])
