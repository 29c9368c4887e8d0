"""Who wrote what another read: bytes come out of a pipe, a socketpair or a TCP connection in the order they went in.

    writes  ├── 4 ──┤├──── 25 ────┤├── 4 ──┤        by thread, in order of time
    reads   ├── 4 ──┤├── 20 ──┤├ 5 ┤                an arrow from the write that a read's first byte came from

Nothing is guessed: writes (or reads) of several threads that overlap in time have no known order, so they move the count on and
get no arrow; what has begun and not returned holds back whatever it might overlap; a stream out of which came more than is known
to have gone in has a writer that is not observed, and is given up, as all are once records were lost. Descriptors 0 to 2 are left
out, because programs that are not observed inherit them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.core import rows
from app.core.copies import MOVED

MAX_STREAMS = 64
"""Of more that hold bytes which nobody has read yet, the others are not followed."""
MAX_PENDING = 1 << 16
"""Reads and writes of one stream that have found no other end; a stream with more is given up."""
MAX_GAP_NS = (1 << 32) - 1
"""An arrow longer than this begins where it ends, as the format has no room for it."""
PATIENCE_NS = 1_000_000_000
"""How long the write of what has been read may keep us waiting: a call that cannot block is recorded when it is over, and its thread
may have lost the core in between."""

MESSAGE = np.dtype([("t", "<u8"), ("t2", "<u8"), ("from", "<u4"), ("to", "<u4")])
"""From the write's beginning to the read's return."""

_BOTH = re.compile(r"(socketpair:|TCP )(\S+) ↔ (\S+)")
_GROUP = np.dtype([("begin", "<u8"), ("end", "<u8"), ("lane", "<u4"), ("from", "<u8"), ("to", "<u8")])


def stream_of(description: str, writes: bool) -> str | None:
    """The stream that a call on a descriptor so described takes from or adds to, None where there is none to follow."""
    if description.startswith("pipe:"):
        return description
    both = _BOTH.fullmatch(description)
    if not both:
        return None
    kind, own, peer = both.groups()
    return f"{kind}{own} → {peer}" if writes else f"{kind}{peer} → {own}"


@dataclass
class _End:
    """One end of a stream: calls whose order is not settled yet, and how many bytes the settled ones moved."""

    rows: NDArray[np.void] = field(default_factory=lambda: np.empty(0, MOVED))
    groups: NDArray[np.void] = field(default_factory=lambda: np.empty(0, _GROUP))
    moved: int = 0
    settled_ns: int = 0

    def settle(self, until_ns: int, open_ns: int) -> None:
        """Puts in order what nothing that is still going on can overlap."""
        settled = min(until_ns, open_ns)
        while len(held := self.rows["begin"][self.rows["t"] > settled]) and int(held.min()) < settled:
            settled = int(held.min())
        ready = self.rows["t"] <= settled
        self.settled_ns = max(self.settled_ns, settled)
        calls, self.rows = rows.pick(self.rows, ready), rows.pick(self.rows, ~ready)
        if not len(calls):
            return
        calls = rows.in_order(calls, "begin")
        latest = np.maximum.accumulate(calls["t"])
        starts = np.flatnonzero(np.append(True, calls["begin"][1:] >= latest[:-1]))
        groups = np.zeros(len(starts), _GROUP)
        groups["begin"] = calls["begin"][starts]
        groups["end"] = np.maximum.reduceat(calls["t"], starts)
        lowest, highest = np.minimum.reduceat(calls["lane"], starts), np.maximum.reduceat(calls["lane"], starts)
        groups["lane"] = np.where(lowest == highest, lowest, 0)
        groups["to"] = self.moved + np.cumsum(np.add.reduceat(calls["bytes"], starts))
        groups["from"] = np.append(np.uint64(self.moved), groups["to"][:-1])
        self.moved = int(groups["to"][-1])
        self.groups = rows.join([self.groups, groups])


@dataclass
class _Stream:
    writes: _End = field(default_factory=_End)
    reads: _End = field(default_factory=_End)
    given_up: bool = False

    def end(self, writes: bool) -> _End:
        return self.writes if writes else self.reads

    @property
    def pending(self) -> int:
        """How many calls are not settled, or read what is not known to have been written."""
        return len(self.reads.rows) + len(self.writes.rows) + len(self.reads.groups)

    @property
    def is_empty(self) -> bool:
        """Whether all that went in is known to have come out: to begin anew then would be the same."""
        return not self.pending and self.reads.moved == self.writes.moved

    def match(self) -> NDArray[np.void]:
        """Arrows for the reads whose writes are known by now."""
        reads, writes = self.reads.groups, self.writes.groups
        late = reads["end"] + np.uint64(PATIENCE_NS) <= self.writes.settled_ns
        if (late & (reads["to"] > self.writes.moved)).any():
            self.given_up = True
            return np.empty(0, MESSAGE)
        known = reads["from"] < self.writes.moved
        found = rows.pick(reads, known)
        self.reads.groups = rows.pick(reads, ~known)
        if not len(found):
            return np.empty(0, MESSAGE)
        sources = rows.pick(writes, np.searchsorted(writes["to"], found["from"], side="right"))
        self.writes.groups = writes[np.searchsorted(writes["to"], found["to"][-1], side="right") :]
        out = np.zeros(len(found), MESSAGE)
        out["t"], out["from"], out["t2"], out["to"] = sources["begin"], sources["lane"], found["end"], found["lane"]
        out["t"] = np.where(out["t2"] - out["t"] > MAX_GAP_NS, out["t2"], out["t"])
        sure = (out["from"] != 0) & (out["to"] != 0) & (out["from"] != out["to"]) & (sources["begin"] <= found["end"])
        return rows.pick(out, sure)


def _by_end(moved: NDArray[np.void]) -> Iterator[tuple[int, bool, NDArray[np.void]]]:
    """What was moved, apart by the number of the description and the direction."""
    ends = moved["object"].astype(np.uint64) << np.uint64(1) | moved["writes"]
    order = np.argsort(ends, kind="stable")
    found, starts = np.unique(ends[order], return_index=True)
    bounds = pairwise([*starts.tolist(), len(order)])
    for end, (start, stop) in zip(found.tolist(), bounds, strict=True):
        yield end >> 1, bool(end & 1), rows.pick(moved, order[start:stop])


class Streams:
    """Follows the streams of a run; `take` is called with what has been moved since, in any order."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._names: dict[tuple[int, bool], str | None] = {}
        self._given_up: set[str] = set()
        self._lost = False
        self.left_out = False
        """Whether there were more than MAX_STREAMS at once."""

    def give_up(self) -> None:
        """Records were lost: no count is sure any more."""
        self._lost = True
        self._streams.clear()

    def take(self, moved: NDArray[np.void], going_on: NDArray[np.void], texts: list[str], until_ns: int) -> NDArray[np.void]:
        """Arrows as rows of MESSAGE. `going_on` are calls that have begun and not returned; `object` numbers `texts`."""
        for number, writes, calls in _by_end(moved):
            stream = self._stream(number, writes, texts)
            if stream:
                end = stream.end(writes)
                end.rows = rows.join([end.rows, calls])
        open_ns: dict[tuple[str | None, bool], int] = {}
        for row in going_on:
            key = self._name(int(row["object"]), bool(row["writes"]), texts), bool(row["writes"])
            open_ns[key] = min(open_ns.get(key, until_ns), int(row["begin"]))
        found = [np.empty(0, MESSAGE)]
        for name, stream in self._streams.items():
            if not stream.pending:
                continue
            for writes in (False, True):
                stream.end(writes).settle(until_ns, open_ns.get((name, writes), until_ns))
            found.append(stream.match())
            if stream.given_up or stream.pending + len(stream.writes.groups) > MAX_PENDING:
                self._given_up.add(name)
        self._streams = {name: stream for name, stream in self._streams.items() if name not in self._given_up}
        return rows.join(found)

    def _name(self, number: int, writes: bool, texts: list[str]) -> str | None:
        if (number, writes) not in self._names:
            self._names[number, writes] = stream_of(texts[number], writes)
        return self._names[number, writes]

    def _stream(self, number: int, writes: bool, texts: list[str]) -> _Stream | None:
        name = self._name(number, writes, texts)
        if name is None or name in self._streams:
            return self._streams.get(name) if name else None
        if self._lost or name in self._given_up:
            return None
        if len(self._streams) >= MAX_STREAMS:
            self._streams = {name: stream for name, stream in self._streams.items() if not stream.is_empty}
        if len(self._streams) >= MAX_STREAMS:
            self.left_out = True
            return None
        self._streams[name] = _Stream()
        return self._streams[name]
