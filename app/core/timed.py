"""Rows in order of time as blocks: each block's times are 32-bit offsets from its own beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core import blocks
from app.core.blocks import BlockKind

MAX_ROWS = 1 << 18
"""Rows of one block: bounds what a reader must hold to draw the first bar."""


def encode_timed(kind: BlockKind, t: NDArray[np.uint64], columns: Mapping[str, NDArray[Any] | None]) -> bytes:
    """One or more blocks of rows in order of time; a column given as None is another copy of the time column."""
    out = b""
    start = 0
    while start < len(t):
        t0 = t[start]
        stop = min(int(np.searchsorted(t, t0 + np.uint64(0xFFFF_FFFF), side="right")), start + MAX_ROWS)
        offsets = (t[start:stop] - t0).astype(np.uint32)
        rows = {name: offsets if column is None else column[start:stop] for name, column in columns.items()}
        out += blocks.encode_columns(kind, int(t0), {"t": offsets, **rows})
        start = stop
    return out


def encode_arrows(t: NDArray[np.uint64], t2: NDArray[np.uint64], columns: Mapping[str, NDArray[Any]]) -> bytes:
    """FLOWS blocks of arrows that take time, in order of `t`; none of them may be longer than 32 bits of nanoseconds."""
    out = b""
    start = 0
    while start < len(t):
        inside = np.maximum.accumulate(t2[start : start + MAX_ROWS]) - t[start] <= np.uint64(0xFFFF_FFFF)
        stop = start + (len(inside) if inside.all() else int(np.argmin(inside)))
        times = {"t": (t[start:stop] - t[start]).astype(np.uint32), "t2": (t2[start:stop] - t[start]).astype(np.uint32)}
        rows = {name: column[start:stop] for name, column in columns.items()}
        out += blocks.encode_columns(BlockKind.FLOWS, int(t[start]), times | rows)
        start = stop
    return out
