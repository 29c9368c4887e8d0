"""The probe's 32-byte records as NumPy sees them: the layout of `app/probe/probe.h`, for the room that must not read files.

A drained batch is one array of `RECORD`; `RING_HEADER` is the first page of a ring. `tests/test_probe_layout.py` compiles
the header and compares sizes and offsets.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

MAGIC = 0x474E495250534353
VERSION = 3
SLOTS_OFFSET_BYTES = 4096
PUBLISHED_EVEN_LAP = 0x80
NO_VALUE = 0xFFFF_FFFF_FFFF_FFFF
STRING_LAST = 0x80
MOVED_WRITE = 1 << 63
MOVED_FD_SHIFT = 40
MOVED_FD_MASK = (1 << 23) - 1
MOVED_BYTES_MASK = (1 << 40) - 1
"""The value of the RUNNING state after a call that read or wrote: direction, descriptor, bytes. A pipe's has the direction, too."""
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
    OBJECT = 10
    ABOUT = 11
    FAR_FLOW = 12


class Other(IntEnum):
    """`enum probe_other`: how an ABOUT record names who has the object."""

    NOBODY = 0
    LANE = 1
    THREAD = 2


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
