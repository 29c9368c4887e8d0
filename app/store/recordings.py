"""Recordings as files: where their whole blocks end, cutting off a torn tail, and who may write.

A recording is only ever appended to. The process that appends holds an exclusive `flock` on it, so that a server that
starts while the last one's worker is still writing its end waits for that end instead of cutting into it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.core.blocks import HEADER, MAGIC, MAX_BLOCK_BYTES, BlockKind, Decoder, RecordingError

_READ_BYTES = 1024 * 1024
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class WholeRecording:
    """What of a file is a recording. `size_bytes` is the offset just after the last whole block (0: not even the magic
    word is there); `end` is the END block's document, None while the run goes on or when it was cut off."""

    size_bytes: int
    end: dict[str, Any] | None


def block_ends(data: bytes | memoryview, limit: int) -> int:
    """How many of the first `limit` bytes of `data`, which begins at a block, are whole blocks.

    Raises RecordingError where a header cannot be one.
    """
    at = 0
    while at + HEADER.size <= limit:
        stored, kind, encoding, _zero, _rows, plain, _t0_ns = HEADER.unpack_from(data, at)
        if stored > MAX_BLOCK_BYTES or plain > MAX_BLOCK_BYTES or kind not in BlockKind._value2member_map_ or encoding > 1:
            raise RecordingError(f"no block begins {at} bytes on")
        if at + HEADER.size + stored > limit:
            break
        at += HEADER.size + stored
    return at


def read_whole(path: Path) -> WholeRecording:
    """Find the end of the last whole block by decoding the file. A missing or foreign file has size 0."""
    decoder = Decoder()
    end: dict[str, Any] | None = None
    whole_bytes = 0
    with suppress(FileNotFoundError, RecordingError), path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            decoder.receive_data(data)
            for block in decoder.blocks():
                whole_bytes = decoder.consumed_bytes
                end = block.document() if block.kind is BlockKind.END else end
        whole_bytes = decoder.consumed_bytes
    return WholeRecording(whole_bytes, end)


def repair(path: Path, wait_s: float = 0.0) -> WholeRecording:
    """Cut a recording after its last whole block, once its writer has let go (waits up to `wait_s` seconds).

    Raises BlockingIOError when the writer still holds it. A file without one whole block is removed.
    """
    if not path.exists():
        return WholeRecording(0, None)
    with path.open("rb+") as file:
        _take_lock(file, wait_s)
        whole = read_whole(path)
        if whole.size_bytes <= len(MAGIC):
            path.unlink()
            return WholeRecording(0, None)
        file.truncate(whole.size_bytes)
        os.fsync(file.fileno())
    return whole


def sha256_of(path: Path) -> str:
    """Of the file's bytes, hexadecimal: the name a finished recording goes by in caches."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_lock(file: BinaryIO, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
