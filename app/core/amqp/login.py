"""The handshake, passed on as if the script had known whom it talks to (AMQP 0-9-1, section 2.2.4; XML definitions of connection.*).

A plain script logs in as guest/guest into "/". Exactly that is replaced by the run's own user and virtual host; other
names pass on unchanged and the broker judges them, as it would without us. `frame_max` is lowered where it is above our
bound. The bytes are cut and joined around the fields concerned, so what we do not know of stays as it was.

    from_client / from_server   the bytes to pass on now; whole frames are waited for until `connection.open` has gone through
    rest_of_client / …_server   what is still held back when a side ends: nothing is ever lost
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.core.amqp.frames import END, MAX_FRAME_BYTES, METHOD, PROTOCOL, frame

_START_OK, _TUNE, _TUNE_OK, _OPEN, _OPEN_OK = (10, 11), (10, 30), (10, 31), (10, 40), (10, 41)
_HELD_BYTES = 2 * MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom, and into which virtual host, a script that says guest/guest and "/" is let in."""

    user: str
    password: str
    vhost: str


class Login:
    """One connection's handshake. After it both ways are open and bytes go through untouched."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._held = [bytearray(), bytearray()]
        self._open = [False, False]
        self._preamble = True

    def from_client(self, data: bytes) -> bytes:
        """Bytes for the broker."""
        if self._open[0]:
            return data
        held, out = self._held[0], b""
        held += data
        if self._preamble:
            if len(held) < len(PROTOCOL) and PROTOCOL.startswith(held):
                return b""
            if bytes(held[: len(PROTOCOL)]) != PROTOCOL:
                return self._give_up(0)
            self._preamble, out = False, PROTOCOL
            del held[: len(PROTOCOL)]
        return out + self._whole_frames(0)

    def from_server(self, data: bytes) -> bytes:
        """Bytes for the script."""
        if self._open[1]:
            return data
        self._held[1] += data
        return self._whole_frames(1)

    def rest_of_client(self) -> bytes:
        """The client has said all: what was held back."""
        return self._give_up(0)

    def rest_of_server(self) -> bytes:
        """The broker has said all: what was held back."""
        return self._give_up(1)

    def _give_up(self, way: int) -> bytes:
        """From now on this way is open; what was held back goes on as it came."""
        self._open[way] = True
        held = bytes(self._held[way])
        self._held[way].clear()
        return held

    def _whole_frames(self, way: int) -> bytes:
        held, out = self._held[way], b""
        while not self._open[way] and len(held) >= 7:
            kind, channel, size = struct.unpack_from(">BHI", held)
            if size > _HELD_BYTES or (len(held) >= size + 8 and held[size + 7] != END):
                break
            if len(held) < size + 8:
                return out
            payload = bytes(held[7 : size + 7])
            del held[: size + 8]
            if kind == METHOD and len(payload) >= 4:
                payload = self._changed(way, payload)
            out += frame(kind, channel, payload)
        if self._open[way] or len(held) >= 7:
            out += self._give_up(way)
        return out

    def _changed(self, way: int, payload: bytes) -> bytes:
        numbers = struct.unpack_from(">HH", payload)
        self._open[way] = numbers == (_OPEN, _OPEN_OK)[way]
        change = ({_START_OK: self._start_ok, _TUNE_OK: _tune, _OPEN: self._open_vhost}, {_TUNE: _tune})[way].get(numbers)
        if change is None:
            return payload
        try:
            return payload[:4] + change(payload[4:])
        except (IndexError, struct.error):
            return payload  # cut short: the broker will say what it thinks of it

    def _start_ok(self, fields: bytes) -> bytes:
        properties, rest = _long(fields)
        mechanism, rest = _short(rest)
        response, rest = _long(rest)
        if (mechanism, response) not in _GUEST:
            return fields
        plain = f"\0{self._identity.user}\0{self._identity.password}".encode()
        return _as_long(properties) + b"\x05PLAIN" + _as_long(plain) + rest

    def _open_vhost(self, fields: bytes) -> bytes:
        vhost, rest = _short(fields)
        if vhost != b"/":
            return fields
        name = self._identity.vhost.encode()
        return bytes([len(name)]) + name + rest


_GUEST = {
    (b"PLAIN", b"\0guest\0guest"),
    (b"AMQPLAIN", b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"),
    (b"AMQPLAIN", b"\x08PASSWORDS\0\0\0\x05guest\x05LOGINS\0\0\0\x05guest"),
}
"""guest/guest in both mechanisms that carry a password (AMQPLAIN: a field table, in either order)."""


def _tune(fields: bytes) -> bytes:
    channels, frame_max, heartbeat = struct.unpack_from(">HIH", fields)
    bounded = MAX_FRAME_BYTES if frame_max == 0 else min(frame_max, MAX_FRAME_BYTES)
    return struct.pack(">HIH", channels, bounded, heartbeat) + fields[8:]


def _short(data: bytes) -> tuple[bytes, bytes]:
    size = data[0]
    if len(data) < 1 + size:
        raise IndexError
    return data[1 : 1 + size], data[1 + size :]


def _long(data: bytes) -> tuple[bytes, bytes]:
    (size,) = struct.unpack_from(">I", data)
    if len(data) < 4 + size:
        raise IndexError
    return data[4 : 4 + size], data[4 + size :]


def _as_long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
