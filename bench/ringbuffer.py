"""The kernel's trace buffer as it lies in memory: every event with its own nanosecond, which its text form rounds to microseconds.

A page is its time (8 bytes), how much of it is used (8), then events: a word of 5 bits type and 27 bits time since the event
before, then data (include/linux/ring_buffer.h, kernel/trace/ring_buffer.c; the layout of data is in each event's `format`).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PADDING, _EXTEND, _ABSOLUTE = 29, 30, 31
_USED = (1 << 20) - 1
_TOP = 0x1F << 59
"""An absolute time stamp has 59 bits; the others are the page's."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: CLOCK_MONOTONIC nanoseconds, core, its number (`id` of its folder), its bytes (common fields first)."""

    t_ns: int
    core: int
    number: int
    data: bytes


def events_of(page: bytes, core: int) -> Iterator[Event]:
    """The events of one page, oldest first."""
    t_ns, used = struct.unpack_from("<QQ", page)
    at, end = 16, min(len(page), 16 + (used & _USED))
    while at + 4 <= end:
        (word,) = struct.unpack_from("<I", page, at)
        kind, delta = word & 31, word >> 5
        if kind in (_EXTEND, _ABSOLUTE):
            (high,) = struct.unpack_from("<I", page, at + 4)
            whole = (high << 27) + delta
            t_ns = (t_ns & _TOP) | whole if kind == _ABSOLUTE else t_ns + whole
            at += 8
        elif kind == _PADDING:
            if delta == 0:
                return
            at += 4 + struct.unpack_from("<I", page, at + 4)[0]
        else:
            t_ns += delta
            begin, size = (at + 4, kind * 4) if kind else (at + 8, struct.unpack_from("<I", page, at + 4)[0] - 4)
            data = page[begin : begin + size]
            yield Event(t_ns, core, struct.unpack_from("<H", data)[0], data)
            at = begin + size


def read(instance: Path) -> list[Event]:
    """All events of an instance's cores, in order of time; reading takes them out of the buffer."""
    events: list[Event] = []
    size = int((instance / "buffer_subbuf_size_kb").read_text()) * 1024
    for folder in sorted((instance / "per_cpu").iterdir()):
        fd = os.open(folder / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK)
        try:
            while page := _page(fd, size):
                events.extend(events_of(page, int(folder.name.removeprefix("cpu"))))
        finally:
            os.close(fd)
    return sorted(events, key=lambda event: event.t_ns)


def _page(fd: int, size: int) -> bytes:
    try:
        return os.read(fd, size)
    except BlockingIOError:
        return b""


def offsets(instance: Path, event: str, *names: str) -> tuple[int, ...]:
    """Where these fields begin in the data of an event ("sched/sched_switch")."""
    found: dict[str, int] = {}
    for line in (instance / "events" / event / "format").read_text().splitlines():
        words = line.strip().split(";\t")
        if words[0].startswith("field:"):
            found[words[0].split()[-1].partition("[")[0]] = int(words[1].partition(":")[2])
    return tuple(found[name] for name in names)


def number(instance: Path, event: str) -> int:
    """The number that an event's data begins with."""
    return int((instance / "events" / event / "id").read_text())
