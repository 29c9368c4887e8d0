"""What viewers of one run watch: its state and how many bytes of its recording are whole.

A feed of a run that goes on changes; whoever waits on `changed` is woken. Bytes are read from the file, never kept per viewer.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from app.core.blocks import HEADER, MAGIC, MAX_BLOCK_BYTES, RecordingError
from app.store import Run, State, block_ends

_KEPT_SPANS = 4


@dataclass(frozen=True, slots=True)
class Status:
    """What a viewer is told. `position` is the place in the queue from 1; 0 once it has started.

    `waits_for` is `broker` while a run that has its slot waits for a node; "" otherwise.
    """

    state: State
    outcome: str | None
    position: int
    waits_for: str = ""

    @property
    def ended(self) -> bool:
        return self.state in (State.FINISHED, State.INTERRUPTED)


class Feed:
    """One run as its viewers see it. `publish` is the run manager's; everything else is the viewers'."""

    def __init__(self, path: Path, status: Status, size_bytes: int = 0) -> None:
        self.path = path
        self.status = status
        self.size_bytes = size_bytes
        self.changed = asyncio.Event()
        self._spans: OrderedDict[int, bytes] = OrderedDict()

    @classmethod
    def of_ended(cls, run: Run, path: Path) -> Feed:
        """The feed of a run that will not change any more."""
        return cls(path, Status(run.state, run.outcome, 0), run.size_bytes)

    def publish(self, status: Status | None = None, size_bytes: int | None = None) -> None:
        """Set what is new and wake every viewer."""
        self.status = status or self.status
        self.size_bytes = self.size_bytes if size_bytes is None else size_bytes
        self.changed.set()
        self.changed = asyncio.Event()

    async def span(self, offset: int, most_bytes: int) -> bytes:
        """Whole blocks from `offset` on: as many as fit into `most_bytes`, at least one. With the magic word at offset 0.

        Viewers at the live edge ask for the same span at the same time: the last few are kept. Raises RecordingError where
        no block begins at `offset`, FileNotFoundError once the run is deleted. Reading what has just been written does
        not wait for a disk; anything older is read in a thread.
        """
        known = self._spans.get(offset)
        if known is not None and (len(known) >= most_bytes or offset + len(known) == self.size_bytes):
            return known
        size_bytes = self.size_bytes
        if not self.status.ended and size_bytes - offset <= most_bytes:
            span = read_span(self.path, offset, size_bytes, most_bytes)
        else:
            span = await asyncio.to_thread(read_span, self.path, offset, size_bytes, most_bytes)
        self._spans[offset] = span
        while len(self._spans) > _KEPT_SPANS:
            self._spans.popitem(last=False)
        return span


def read_span(path: Path, offset: int, size_bytes: int, most_bytes: int) -> bytes:
    """Whole blocks of the first `size_bytes` of a recording, from `offset`, within `most_bytes` where one block allows it."""
    magic_bytes = len(MAGIC) if offset == 0 else 0
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(file, min(most_bytes, size_bytes - offset), offset)
        if data[:magic_bytes] != MAGIC[:magic_bytes]:
            raise RecordingError("not a recording")
        whole = magic_bytes + block_ends(memoryview(data)[magic_bytes:], len(data) - magic_bytes)
        if whole > magic_bytes:
            return data[:whole]
        if len(data) < magic_bytes + HEADER.size:
            raise RecordingError(f"no block begins at byte {offset}")
        whole = magic_bytes + HEADER.size + int(HEADER.unpack_from(data, magic_bytes)[0])
        if whole > MAX_BLOCK_BYTES + HEADER.size + magic_bytes or offset + whole > size_bytes:
            raise RecordingError(f"no block begins at byte {offset}")
        return os.pread(file, whole, offset)
    finally:
        os.close(file)


def is_boundary(path: Path, offset: int) -> bool:
    """Whether a block begins (or the recording ends) at `offset`: what a resuming viewer has to name."""
    if offset == 0:
        return True
    at = len(MAGIC)
    with path.open("rb") as file:
        while at < offset:
            file.seek(at)
            head = file.read(HEADER.size)
            if len(head) < HEADER.size:
                return False
            at += HEADER.size + int(HEADER.unpack(head)[0])
    return at == offset
