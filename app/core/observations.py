"""The probe's 32-byte records as NumPy sees them: the layout of `app/probe/probe.h`, for the room that must not read files.

A drained batch is one array of `RECORD`; `RING_HEADER` is the first page of a ring. `tests/test_probe_layout.py` compiles
the header and compares sizes and offsets.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

MAGIC = 0x474E495250534353
VERSION = 1
SLOTS_OFFSET_BYTES = 4096
PUBLISHED_EVEN_LAP = 0x80
NO_VALUE = 0xFFFF_FFFF_FFFF_FFFF
STRING_LAST = 0x80
FUTEX_OWNER_DIED = 0x40000000  # linux/futex.h


class Kind(IntEnum):
    """`enum probe_kind`: what a record says."""

    STATE = 1
    STRING = 2
    LANE = 3
    NAME = 4
    FLOW = 5
    MARK = 6
    COUNTER = 7
    GIL = 8
    KERNEL = 9


RECORD = np.dtype(
    [
        ("t_ns", "<u8"),
        ("lane", "<u4"),
        ("kind", "u1"),
        ("state", "u1"),
        ("file", "<u2"),
        ("line", "<u4"),
        ("text", "<u4"),
        ("value", "<u8"),
    ]
)

RING_HEADER = np.dtype(
    {
        "names": ["magic", "version", "slots", "pid", "ppid", "t_start_ns", "program", "alive", "head", "tail", "dropped"],
        "formats": ["<u8", "<u4", "<u4", "<i4", "<i4", "<u8", "S128", "<u4", "<u8", "<u8", "<u8"],
        "offsets": [0, 8, 12, 16, 20, 24, 32, 160, 256, 320, 384],
        "itemsize": 448,
    }
)
