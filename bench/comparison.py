"""Two accounts of one run laid over each other: how long they agree, how far apart their edges lie, who was right about waits.

Pure. The probes of the witness lie inside what they measure: every edge is moved by about the same time. So each overlap is
told twice: as seen, and less that: the witness's edges moved by the median distance found in the same run, and time left out
in which the thread was off its core between the two stamps of one edge. What is left then is what the two disagree about.
"""

from __future__ import annotations

import bisect
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from app.core.recording import Recording
from app.core.records import STATES, LaneKind, State
from app.core.spans import Spans as Columns
from app.core.spans import spans_of
from bench.oracle import Spans, Testimony

LONG_NS = 50_000
HOLD_NS = 20_000
WORTH_NS = 1_000_000
"""The single thread that agrees least is looked for among those that were seen for at least so long."""

FUTEX, NANOSLEEP, CLOCK_NANOSLEEP = 202, 35, 230
_BY_CALL: dict[int, set[str]] = {
    FUTEX: {"gil-wait", "lock", "join"},
    NANOSLEEP: {"sleep"},
    CLOCK_NANOSLEEP: {"sleep"},
    7: {"poll"},
    271: {"poll"},
    23: {"poll", "sleep"},
    270: {"poll"},
    232: {"poll"},
    281: {"poll"},
    61: {"child"},
    247: {"child"},
    0: {"read", "pipe", "file"},
    45: {"read"},
    47: {"read"},
    1: {"write", "pipe", "file"},
    44: {"write"},
    46: {"write"},
    43: {"accept"},
    288: {"accept"},
    42: {"connect"},
}
"""x86-64 system call → states of a thread that name it. A futex is a lock, a join or the GIL."""
_OTHER = {"running", "no-gil"}
"""What a thread is shown as, off its core, in a page fault and in calls that are not observed: the last resort."""


@dataclass
class Overlap:
    """Two accounts of the same thing, thread by thread."""

    ours: list[Spans] = field(default_factory=list)
    theirs: list[Spans] = field(default_factory=list)
    off: list[Spans] = field(default_factory=list)
    """When each thread was off the cores, as the witness has it; empty where that is the question."""

    def add(self, ours: Spans, theirs: Spans, off: Spans) -> None:
        """One thread's."""
        self.ours.append(ours)
        self.theirs.append(theirs)
        self.off.append(off)

    @property
    def ratio(self) -> float | None:
        """Intersection over union of all threads, None where neither saw anything."""
        shared = sum(common(a, b) for a, b in zip(self.ours, self.theirs, strict=True))
        union = sum(map(total, self.ours)) + sum(map(total, self.theirs)) - shared
        return shared / union if union else None

    @property
    def least(self) -> float | None:
        """That of the thread on which they agree least, of those that count (WORTH_NS)."""
        ratios = []
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            shared = common(ours, theirs)
            union = total(ours) + total(theirs) - shared
            if union >= WORTH_NS:
                ratios.append(shared / union)
        return min(ratios, default=None)

    def shifts_ns(self) -> tuple[int, int]:
        """How much later the witness sees a begin, and how much earlier an end: medians."""
        begins: list[int] = []
        ends: list[int] = []
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            for (begin, end), (their_begin, their_end) in pairs(ours, theirs):
                begins.append(their_begin - begin)
                ends.append(end - their_end)
        if not begins:
            return 0, 0
        return int(statistics.median(begins)), int(statistics.median(ends))

    def corrected(self) -> Overlap:
        """The same less what the witness's probes cost, and less what passed off the core between two stamps of one edge."""
        begin_ns, end_ns = self.shifts_ns()
        out = Overlap()
        for ours, theirs, off in zip(self.ours, self.theirs, self.off, strict=True):
            away = _away(ours, theirs, off)
            moved = [(b - begin_ns, e + end_ns) for b, e in theirs]
            out.add(without(ours, away), without(moved, away), off)
        return out

    def away_ns(self) -> int:
        """How long threads were off their cores between two stamps of one edge."""
        return sum(total(_away(*one)) for one in zip(self.ours, self.theirs, self.off, strict=True))

    def missed(self, longer_ns: int) -> int:
        """How many spans longer than this only the witness saw."""
        return sum(alone(theirs, ours, longer_ns) for ours, theirs in zip(self.ours, self.theirs, strict=True))

    def invented(self, longer_ns: int) -> int:
        """How many spans longer than this only we saw."""
        return sum(alone(ours, theirs, longer_ns) for ours, theirs in zip(self.ours, self.theirs, strict=True))


@dataclass
class Comparison:
    """One run as both saw it. `waits` counts long waits, `right` those with the right reason (of these `last_resort` in no
    call that is observed: page faults, mappings, directories), `wrong` names the others."""

    gil: Overlap = field(default_factory=Overlap)
    cores: Overlap = field(default_factory=Overlap)
    waits: int = 0
    right: int = 0
    last_resort: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    witness_lost: int = 0
    witness_gaps: int = 0
    """How often one of its switches is missing; what lies between is left out on both sides."""


def total(spans: Spans) -> int:
    """Their summed length."""
    return sum(end - begin for begin, end in spans)


def common(one: Spans, other: Spans) -> int:
    """How long both hold; each is in order and does not overlap itself."""
    i = j = shared = 0
    while i < len(one) and j < len(other):
        shared += max(0, min(one[i][1], other[j][1]) - max(one[i][0], other[j][0]))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return shared


def alone(spans: Spans, other: Spans, longer_ns: int) -> int:
    """How many spans longer than this touch none of the other's."""
    begins = [begin for begin, _end in other]
    count = 0
    for begin, end in spans:
        if end - begin <= longer_ns:
            continue
        at = bisect.bisect_right(begins, end) - 1
        count += not (at >= 0 and other[at][1] >= begin)
    return count


def pairs(ours: Spans, theirs: Spans) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Each span of ours that meets just one of theirs, which meets no other of ours."""
    begins = [begin for begin, _end in theirs]
    met: list[tuple[tuple[int, int], int]] = []
    for span in ours:
        first = bisect.bisect_right(begins, span[0]) - 1
        near = [at for at in range(max(0, first), min(len(theirs), first + 3)) if _touch(span, theirs[at])]
        met += [(span, at) for at in near] if len(near) == 1 else []
    often = Counter(at for _span, at in met)
    return [(span, theirs[at]) for span, at in met if often[at] == 1]


def _away(ours: Spans, theirs: Spans, off: Spans) -> Spans:
    edges: Spans = []
    for one, other in pairs(ours, theirs):
        edges += [(min(a, b), max(a, b)) for a, b in zip(one, other, strict=True) if a != b]
    edges = merged(edges)
    return without(edges, _gaps(merged(off), edges))


def _gaps(spans: Spans, around: Spans) -> Spans:
    """Between the spans, over all of `around`."""
    if not around:
        return []
    ends = [around[0][0] - 1, *(end for _begin, end in spans)]
    begins = [*(begin for begin, _end in spans), around[-1][1] + 1]
    return [(end, begin) for end, begin in zip(ends, begins, strict=True) if end < begin]


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and one[1] > other[0]


def clip(spans: Spans, begin: int, end: int) -> Spans:
    """Only what lies between."""
    return [(max(a, begin), min(b, end)) for a, b in spans if b > begin and a < end]


def without(spans: Spans, doubt: Spans) -> Spans:
    """What of them lies outside `doubt`; both in order, neither overlaps itself."""
    out: Spans = []
    for begin, end in spans:
        for out_begin, out_end in doubt[max(0, bisect.bisect_right(doubt, (begin, 0)) - 1) :]:
            if out_begin >= end:
                break
            if out_end <= begin:
                continue
            if out_begin > begin:
                out.append((begin, out_begin))
            begin = min(end, out_end)
        if begin < end:
            out.append((begin, end))
    return out


def merged(spans: Spans) -> Spans:
    """In order, without overlaps."""
    out: Spans = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def compare(run: Recording, seen: Testimony) -> Comparison:
    """Lays both accounts over each other, from the moment each thread was ours to see to its end."""
    spans = spans_of(run)
    held = _holds(run, spans)
    gils = {lane.pid: lane.t_ns for lane in run.lanes if lane.kind is LaneKind.GIL}
    strips = {lane.parent: lane for lane in run.lanes if lane.kind is LaneKind.CPU}
    doubt = merged(seen.doubt)
    out = Comparison(witness_lost=seen.lost, witness_gaps=len(seen.doubt))
    for lane in run.lanes:
        own = spans.of(lane.id)
        if lane.kind is not LaneKind.THREAD or not len(own.begin):
            continue
        first, last = max(lane.t_ns, gils.get(lane.pid, 0)), int(own.end[-1])
        off = [(begin, end) for begin, end, _preempted, _call in seen.off_cpu[lane.tid]]
        out.gil.add(clip(held[lane.tid], first, last), clip(seen.held[lane.tid], first, last), off)
        below = spans.of(strips[lane.id].id) if lane.id in strips else None
        if below is not None:
            on = below.in_state(State.ON_CPU)
            ours = list(zip(on.begin.tolist(), on.end.tolist(), strict=True))
            theirs = without(clip(seen.on_cpu[lane.tid], first, last), doubt)
            out.cores.add(without(clip(ours, first, last), doubt), theirs, [])
        _count_reasons(out, own, below, [wait for wait in seen.off_cpu[lane.tid] if wait[0] >= first and wait[1] <= last])
    return out


def _holds(run: Recording, spans: Columns) -> dict[int, Spans]:
    held: dict[int, Spans] = defaultdict(list)
    picked = spans.where(spans.kind == LaneKind.GIL).in_state(State.GIL_HELD)
    for begin, end, detail in zip(picked.begin.tolist(), picked.end.tolist(), picked.detail.tolist(), strict=True):
        held[int(run.details[detail][3])].append((begin, end))
    return held


def _count_reasons(
    out: Comparison, own: Columns, below: Columns | None, waits: list[tuple[int, int, bool, int | None]]
) -> None:
    for begin, end, preempted, call in waits:
        if end - begin <= LONG_NS:
            continue
        out.waits += 1
        middle = (begin + end) // 2
        if preempted:
            right, what = below is not None and _state_at(below, middle) is State.PREEMPTED, "preempted"
        else:
            right = STATES[_state_at(own, middle)].name in _expected(call)
            out.last_resort += right and call not in _BY_CALL
            what = "page fault" if call is None else f"system call {call}"
        out.right += right
        if not right:
            strip = "-" if below is None else STATES[_state_at(below, middle)].name
            out.wrong[f"{what} shown as {STATES[_state_at(own, middle)].name}/{strip}"] += 1


def _expected(call: int | None) -> set[str]:
    return _OTHER if call is None else _BY_CALL.get(call, _OTHER)


def _state_at(spans: Columns, t_ns: int) -> State:
    at = int(np.searchsorted(spans.begin, t_ns, side="right")) - 1
    return State(int(spans.state[at])) if at >= 0 else State.UNOBSERVED
