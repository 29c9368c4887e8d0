"""The bytes of a recording: a magic word, then blocks, each a header and fixed-width little-endian columns.

    recording := MAGIC (8 bytes: b"SCHEDSC" and the format version) block*
    block     := header (24 bytes) payload
    header    := u32 stored_bytes | u8 kind | u8 encoding (0 plain, 1 zlib) | u16 zero | u32 rows | u32 plain_bytes | u64 t0_ns
    payload   := the block kind's columns one after another, each padded with zeros to a multiple of 8 bytes

Times are columns of u32 nanoseconds after the header's `t0_ns` (absolute CLOCK_MONOTONIC), so that a browser lays typed
arrays straight over an inflated payload. Blocks are only ever appended: a run that was cut off is readable up to its last
whole block. Strings, details and lanes are interned once and numbered from 0 in the order they appear; in each table
number 0 is predefined (the empty string, the empty detail, the machine) and is not written.
A recording without an END block is one still going on or interrupted.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.records import FORMAT_VERSION

MAGIC = b"SCHEDSC" + bytes([FORMAT_VERSION])
HEADER = struct.Struct("<IBBHIIQ")
MAX_BLOCK_BYTES = 16 * 1024 * 1024
_WORTH_DEFLATING_BYTES = 256


class BlockKind(IntEnum):
    """What a block holds: JSON, text, or the columns that `COLUMNS` lists."""

    HEADER = 1  # one JSON document: machine, interpreter, script, parameters, observers
    STRINGS = 2  # u32 length of each, then their UTF-8 bytes end to end
    DETAILS = 3
    LANES = 4
    STATES = 5
    FLOWS = 6
    COUNTERS = 7
    MARKS = 8
    OUTPUT = 9  # one u8 stream, padded; then the bytes the program wrote, at t0_ns
    END = 10  # one JSON document: outcome, exit code, end time, what was lost
    NAMES = 11  # lanes that are called something else from now on
    OBJECTS = 12  # of details: the lock, descriptor or thread they are about, and the lane that has it (0 nobody known)


COLUMNS: dict[BlockKind, tuple[tuple[str, str], ...]] = {
    BlockKind.DETAILS: (("value", "<f8"), ("text", "<u4"), ("file", "<u4"), ("line", "<u4")),
    BlockKind.LANES: (("t", "<u4"), ("parent", "<u4"), ("name", "<u4"), ("pid", "<u4"), ("tid", "<u4"), ("kind", "u1")),
    BlockKind.NAMES: (("lane", "<u4"), ("name", "<u4")),
    BlockKind.OBJECTS: (("detail", "<u4"), ("object", "<u4"), ("holder", "<u4")),
    BlockKind.STATES: (("t", "<u4"), ("lane", "<u4"), ("detail", "<u4"), ("state", "u1")),
    BlockKind.FLOWS: (("t", "<u4"), ("t2", "<u4"), ("from", "<u4"), ("to", "<u4"), ("detail", "<u4"), ("kind", "u1")),
    BlockKind.COUNTERS: (("value", "<f8"), ("t", "<u4"), ("lane", "<u4")),
    BlockKind.MARKS: (("t", "<u4"), ("lane", "<u4"), ("text", "<u4"), ("kind", "u1")),
}
"""Columns of each table, in the order they are stored. `value` is NaN where a detail has no number."""

Columns = Mapping[str, NDArray[Any]]


class RecordingError(ValueError):
    """The bytes are not a recording this version can read; the message says what was met and where."""


@dataclass(frozen=True, slots=True)
class Block:
    """One decoded block: `payload` is inflated, `t0_ns` absolute."""

    kind: BlockKind
    rows: int
    t0_ns: int
    payload: bytes

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of a table block, zero-copy. Raises RecordingError when the payload is too short for its rows."""
        out: dict[str, NDArray[Any]] = {}
        at = 0
        for name, dtype in COLUMNS[self.kind]:
            size = np.dtype(dtype).itemsize * self.rows
            if at + size > len(self.payload):
                raise RecordingError(f"block {self.kind.name}: column {name} needs {at + size} bytes, has {len(self.payload)}")
            out[name] = np.frombuffer(self.payload, dtype, self.rows, at)
            at += _padded(size)
        return out

    def document(self) -> dict[str, Any]:
        """The JSON document of a HEADER or END block."""
        try:
            document = json.loads(self.payload[: self.rows])
        except ValueError as error:
            raise RecordingError(f"block {self.kind.name}: not JSON: {error}") from error
        if not isinstance(document, dict):
            raise RecordingError(f"block {self.kind.name}: JSON is not an object")
        return document

    def strings(self) -> list[str]:
        """The strings of a STRINGS block, in order of their numbers."""
        lengths = np.frombuffer(self.payload, "<u4", self.rows).tolist() if self.rows * 4 <= len(self.payload) else None
        if lengths is None or sum(lengths) + _padded(self.rows * 4) > len(self.payload):
            raise RecordingError("block STRINGS: lengths exceed the payload")
        out, at = [], _padded(self.rows * 4)
        for length in lengths:
            out.append(self.payload[at : at + length].decode("utf-8", "replace"))
            at += length
        return out

    def output(self) -> tuple[int, bytes]:
        """The stream number and the bytes of an OUTPUT block."""
        return self.payload[0], self.payload[8 : 8 + self.rows]


def _padded(size_bytes: int) -> int:
    return (size_bytes + 7) & ~7


def encode(kind: BlockKind, rows: int, t0_ns: int, payload: bytes) -> bytes:
    """One block as stored: deflated where that makes it smaller."""
    stored, encoding = payload, 0
    if len(payload) >= _WORTH_DEFLATING_BYTES:
        deflated = zlib.compress(payload, 1)
        if len(deflated) < len(payload):
            stored, encoding = deflated, 1
    return HEADER.pack(len(stored), kind, encoding, 0, rows, len(payload), t0_ns) + stored


def encode_columns(kind: BlockKind, t0_ns: int, columns: Columns) -> bytes:
    """A table block. Every column that `COLUMNS` names must be there and of one length; values must fit their types."""
    parts: list[bytes] = []
    rows = len(columns[COLUMNS[kind][0][0]])
    for name, dtype in COLUMNS[kind]:
        data = np.ascontiguousarray(columns[name], dtype=dtype).tobytes()
        parts += (data, bytes(_padded(len(data)) - len(data)))
    return encode(kind, rows, t0_ns, b"".join(parts))


def encode_document(kind: BlockKind, t0_ns: int, document: Mapping[str, Any]) -> bytes:
    """A HEADER or END block; `rows` is the length of the JSON in bytes."""
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return encode(kind, len(data), t0_ns, data + bytes(_padded(len(data)) - len(data)))


def encode_strings(strings: list[str]) -> bytes:
    """A STRINGS block of new strings, numbered after those already written."""
    data = [s.encode("utf-8", "replace") for s in strings]
    lengths = np.array([len(d) for d in data], "<u4").tobytes()
    payload = lengths + bytes(_padded(len(lengths)) - len(lengths)) + b"".join(data)
    return encode(BlockKind.STRINGS, len(strings), 0, payload + bytes(_padded(len(payload)) - len(payload)))


def encode_output(t_ns: int, stream: int, data: bytes) -> bytes:
    """An OUTPUT block: what the program wrote to one stream, as it came."""
    payload = bytes([stream]) + bytes(7) + data
    return encode(BlockKind.OUTPUT, len(data), t_ns, payload + bytes(_padded(len(payload)) - len(payload)))


class Decoder:
    """Bytes in, blocks out, under any chunking.

    Call `receive_data` with each piece as it comes, then iterate `blocks()`; `consumed_bytes` is the offset just after the
    last whole block, which is where a reader that lost its connection resumes. Raises RecordingError for bytes that are not
    a recording, a newer version, or a block over MAX_BLOCK_BYTES; after that the decoder is done for.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False
        self.consumed_bytes = 0

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the recording, in order."""
        self._buffer += data

    def blocks(self) -> Iterator[Block]:
        """Every whole block received and not yet handed out."""
        if not self._started:
            if len(self._buffer) < len(MAGIC):
                return
            self._check_magic()
        while len(self._buffer) >= HEADER.size:
            stored, kind, encoding, _zero, rows, plain, t0_ns = HEADER.unpack_from(self._buffer)
            self._check_header(stored, kind, encoding, plain)
            if len(self._buffer) < HEADER.size + stored:
                return
            payload = bytes(self._buffer[HEADER.size : HEADER.size + stored])
            del self._buffer[: HEADER.size + stored]
            at = self.consumed_bytes
            self.consumed_bytes += HEADER.size + stored
            yield Block(BlockKind(kind), rows, t0_ns, _inflate(payload, encoding, plain, at))

    def _check_magic(self) -> None:
        head = bytes(self._buffer[: len(MAGIC)])
        if head[:7] != MAGIC[:7]:
            raise RecordingError("not a Schedscope recording: the first bytes are not SCHEDSC")
        if head[7] != FORMAT_VERSION:
            raise RecordingError(f"recording format {head[7]} is not one this version reads (it reads {FORMAT_VERSION})")
        del self._buffer[: len(MAGIC)]
        self.consumed_bytes = len(MAGIC)
        self._started = True

    def _check_header(self, stored: int, kind: int, encoding: int, plain: int) -> None:
        at = f"at byte {self.consumed_bytes}"
        if stored > MAX_BLOCK_BYTES or plain > MAX_BLOCK_BYTES:
            raise RecordingError(f"block {at}: {max(stored, plain)} bytes, over the bound of {MAX_BLOCK_BYTES}")
        if kind not in BlockKind._value2member_map_ or encoding not in (0, 1):
            raise RecordingError(f"block {at}: unknown kind {kind} or encoding {encoding}")


def _inflate(stored: bytes, encoding: int, plain_bytes: int, at: int) -> bytes:
    if encoding == 0:
        payload = stored
    else:
        engine = zlib.decompressobj()
        try:
            payload = engine.decompress(stored, plain_bytes + 1)
        except zlib.error as error:
            raise RecordingError(f"block at byte {at}: {error}") from error
    if len(payload) != plain_bytes:
        raise RecordingError(f"block at byte {at}: {len(payload)} bytes instead of {plain_bytes}")
    return payload
