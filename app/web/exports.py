"""Exports, each made by `schedscope export` in a process of its own.

Turning a large recording into another format takes seconds of one core and much memory: in this process it would hold up every live viewer.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path

from app import resources
from app.web.problems import Problem

_PIECE_BYTES = 256 * 1024


class Exporter:
    """Makes at most `at_once` exports at a time; further ones wait."""

    def __init__(self, at_once: int = 2) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def export(self, recording: Path, kind: str, *options: str) -> AsyncIterator[bytes]:
        """The export in pieces; `options` are more of the command's. Raises Problem 500 when it cannot be made; a client that goes away ends the process."""
        pieces = self._pieces(recording, kind, options)
        try:
            first = await anext(pieces)
        except StopAsyncIteration:
            raise Problem(500, "export-failed", "Export failed", "The recording could not be read.") from None

        async def all_pieces() -> AsyncIterator[bytes]:
            yield first
            async for piece in pieces:
                yield piece

        return all_pieces()

    async def _pieces(self, recording: Path, kind: str, options: tuple[str, ...]) -> AsyncIterator[bytes]:
        async with self._slots:
            command = (sys.executable, "-m", "app", "export", "--format", kind, *options, str(recording))
            process = await asyncio.create_subprocess_exec(*command, cwd=resources.IMPORT_ROOT, stdin=DEVNULL, stdout=PIPE)
            assert process.stdout is not None
            try:
                while piece := await process.stdout.read(_PIECE_BYTES):
                    yield piece
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
