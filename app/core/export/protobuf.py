"""Protocol Buffers on the wire (protobuf.dev, "Encoding"), as much as a writer of traces needs."""

from __future__ import annotations

import struct

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative int64 in ten bytes."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field: int, number: int) -> bytes:
    """A field of an integer or enum type."""
    return varint(field << 3 | _VARINT) + varint(number)


def fixed64(field: int, number: int) -> bytes:
    """A field of type fixed64."""
    return varint(field << 3 | _FIXED64) + struct.pack("<Q", number & ((1 << 64) - 1))


def double(field: int, number: float) -> bytes:
    """A field of type double."""
    return varint(field << 3 | _FIXED64) + struct.pack("<d", number)


def message(field: int, *parts: bytes) -> bytes:
    """A field that holds a message made of these fields."""
    data = b"".join(parts)
    return varint(field << 3 | _BYTES) + varint(len(data)) + data


def string(field: int, text: str) -> bytes:
    """A field of type string."""
    return message(field, text.encode("utf-8", "replace"))
