"""What a frame's payload says: pamqp decodes it, once for each different payload.

A program that publishes ten thousand messages sends ten thousand equal `basic.publish` frames, and `basic.deliver` and the
acknowledgements differ in their delivery tag only. So a payload is decoded without its tag and remembered, which makes a
message cost a dictionary look-up instead of a decoding. Decoded objects are shared: nobody may change them.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

from pamqp import frame, header

_CONTENT = {(60, 40), (60, 50), (60, 60), (60, 71)}
"""basic.publish, return, deliver, get-ok: a content header and body frames follow."""
_TAG_AT = {(60, 71): 4, (60, 80): 4, (60, 90): 4, (60, 120): 4}
_DELIVER = (60, 60)
_CLASS_METHOD = struct.Struct(">HH")
_TAG = struct.Struct(">Q")
_REMEMBERED_BYTES = 1024


class DecodeError(ValueError):
    """A payload that says nothing we understand; the message says what it claims to be."""


def carries_content(class_method: tuple[int, int]) -> bool:
    """Whether a content header follows this method."""
    return class_method in _CONTENT


def method(payload: bytes) -> tuple[tuple[int, int], Any, int]:
    """(class and method number, pamqp's object, delivery tag or 0). Of methods with a tag the object's own tag is 0."""
    if len(payload) < 4:
        raise DecodeError(f"a method frame of {len(payload)} bytes")
    numbers = _CLASS_METHOD.unpack_from(payload)
    at = _TAG_AT.get(numbers, 0)
    if numbers == _DELIVER and len(payload) > 4:
        at = 5 + payload[4]
    if not at or len(payload) < at + 8:
        return numbers, _decoded(payload, 1), 0
    (tag,) = _TAG.unpack_from(payload, at)
    return numbers, _decoded(payload[:at] + bytes(8) + payload[at + 8 :], 1), tag


def content_header(payload: bytes) -> tuple[int, Any]:
    """(size of the body in bytes, pamqp's properties)."""
    if len(payload) < 14:
        raise DecodeError(f"a content header of {len(payload)} bytes")
    (size,) = _TAG.unpack_from(payload, 4)
    return size, _decoded(payload[:4] + bytes(8) + payload[12:], 2).properties


def _decoded(payload: bytes, kind: int) -> Any:
    return _remembered(payload, kind) if len(payload) <= _REMEMBERED_BYTES else _decode(payload, kind)


def _decode(payload: bytes, kind: int) -> Any:
    data = struct.pack(">BHI", kind, 0, len(payload)) + payload + b"\xce"
    try:
        _size, _channel, decoded = frame.unmarshal(data)
    except Exception as error:  # tables that lie about lengths meet many: IndexError, KeyError, OverflowError, RecursionError
        what = "method {}.{}".format(*_CLASS_METHOD.unpack_from(payload)) if kind == 1 else "content header"
        raise DecodeError(f"{what} is not understood") from error
    if kind == 2 and not isinstance(decoded, header.ContentHeader):
        raise DecodeError("not a content header")
    return decoded


_remembered = lru_cache(maxsize=2048)(_decode)
