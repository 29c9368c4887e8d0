"""Runs at rest: one append-only file each, and a database row that says what it is."""

from app.store.recordings import WholeRecording, block_ends, read_whole, repair, sha256_of
from app.store.runs import Run, RunDeletedError, RunUnknownError, State, Store

__all__ = [
    "Run",
    "RunDeletedError",
    "RunUnknownError",
    "State",
    "Store",
    "WholeRecording",
    "block_ends",
    "read_whole",
    "repair",
    "sha256_of",
]
