"""How true the picture is: the same run as Schedscope and as the kernel saw it, compared. `make fidelity`, root only.

GIL: intersection over union of each thread's holds with uprobes on take_gil (return) and drop_gil (entry). A probe costs the
thread a trap of some microseconds inside what we call the hold, so that holds of ten microseconds cannot agree better than that:
the median distance of the edges is printed beside it.
Cores: time on a core against sched_switch. Waits: every time off the cores longer than 50 µs must have a reason, and one that
agrees with the system call the thread was in.
"""

from __future__ import annotations

import bisect
import io
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from app.core import recording
from app.core.records import STATES, LaneKind, State
from app.core.spans import spans_of
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record
from bench.oracle import Oracle, Spans, Testimony, UnavailableError

LONG_NS = 50_000
HOLD_NS = 20_000
EXPERIMENTS = Path(__file__).resolve().parent.parent / "app/experiments"

_SERVER = """
import socket, threading
def client(port, n=400):
    with socket.create_connection(("127.0.0.1", port)) as s:
        for _ in range(n): s.sendall(b"x" * 64); s.recv(64)
"""
SCRIPTS: dict[str, tuple[str | Path, tuple[str, ...]]] = {
    "gil-cpu, 4 threads": (EXPERIMENTS / "gil_cpu.py", ()),
    "gil-io": (EXPERIMENTS / "gil_io.py", ()),
    "process-vs-thread": (EXPERIMENTS / "process_vs_thread.py", ()),
    "convoy: an echo beside a spinner": (
        _SERVER
        + """
def serve(listener):
    connection, _ = listener.accept()
    while data := connection.recv(64): connection.sendall(data)
def spins(n=6_000_000):
    while n: n -= 1
listener = socket.create_server(("127.0.0.1", 0))
threads = [threading.Thread(target=serve, args=[listener]), threading.Thread(target=spins)]
threads.append(threading.Thread(target=client, args=[listener.getsockname()[1], 40]))
for t in threads: t.start()
for t in threads: t.join()
""",
        (),
    ),
    "asyncio server under load": (
        _SERVER
        + """
import asyncio
async def serve(reader, writer):
    while data := await reader.read(64): writer.write(data)
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(asyncio.to_thread(client, port) for _ in range(4)))
asyncio.run(main())
""",
        (),
    ),
    "gevent server under load": (
        """
import gevent, gevent.socket
from gevent.server import StreamServer
def serve(connection, address):
    while data := connection.recv(64): connection.sendall(data)
def client(port, n=400):
    s = gevent.socket.create_connection(("127.0.0.1", port))
    for _ in range(n): s.sendall(b"x" * 64); s.recv(64); gevent.sleep(0.0005)
    s.close()
server = StreamServer(("127.0.0.1", 0), serve); server.start()
gevent.joinall([gevent.spawn(client, server.server_port) for _ in range(4)]); server.stop()
""",
        (),
    ),
}

FUTEX, NANOSLEEP, CLOCK_NANOSLEEP = 202, 35, 230
_BY_CALL = {
    FUTEX: {"gil-wait", "lock", "join", "no-gil", "running"},
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


def watched(oracle: Oracle, script: Path, arguments: Iterable[str]) -> tuple[recording.Recording, Testimony]:
    """One run, seen by both."""
    out = io.BytesIO()
    target = PlainTarget([sys.executable, str(script), *arguments])
    oracle.begin(target.pid)
    document = header.document(script_path=str(script), source=script.read_text(), interpreter=header.interpreter())
    record(target, out, document, Bounds())
    testimony = oracle.end()
    return recording.read([out.getvalue()]), testimony


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


def edges_ns(ours: Spans, theirs: Spans) -> list[int]:
    """How far apart the two see each take and each drop, where one hold of ours meets just one of theirs."""
    begins = [begin for begin, _end in theirs]
    apart: list[int] = []
    for begin, end in ours:
        first = bisect.bisect_left(begins, begin - HOLD_NS)
        near = [span for span in theirs[first : first + 3] if span[0] < end and span[1] > begin]
        if len(near) == 1:
            apart += [abs(near[0][0] - begin), abs(near[0][1] - end)]
    return apart


def _clip(spans: Spans, begin: int, end: int) -> Spans:
    return [(max(a, begin), min(b, end)) for a, b in spans if b > begin and a < end]


def compare(run: recording.Recording, seen: Testimony) -> str:
    """One line of figures."""
    spans = spans_of(run)
    threads = [lane for lane in run.lanes if lane.kind is LaneKind.THREAD]
    held: dict[int, Spans] = defaultdict(list)
    picked = spans.where(spans.kind == LaneKind.GIL).in_state(State.GIL_HELD)
    for begin, end, detail in zip(picked.begin.tolist(), picked.end.tolist(), picked.detail.tolist(), strict=True):
        held[int(run.details[detail][3])].append((begin, end))
    shared = union = missed = invented = on_shared = on_union = reasons = right = 0
    apart: list[int] = []
    strips = {lane.parent: lane.id for lane in run.lanes if lane.kind is LaneKind.CPU}
    for lane in threads:
        own = spans.of(lane.id)
        first = held[lane.tid][0][0] if held[lane.tid] else int(own.begin[0])
        last = int(own.end[-1])
        ours, theirs = _clip(sorted(held[lane.tid]), first, last), _clip(seen.held[lane.tid], first, last)
        both = common(ours, theirs)
        shared, union = shared + both, union + total(ours) + total(theirs) - both
        apart += edges_ns(ours, theirs)
        missed, invented = missed + alone(theirs, ours, HOLD_NS), invented + alone(ours, theirs, HOLD_NS)
        if lane.id in strips:
            strip = spans.of(strips[lane.id]).in_state(State.ON_CPU)
            ours = _clip(list(zip(strip.begin.tolist(), strip.end.tolist(), strict=True)), first, last)
            theirs = _clip(seen.on_cpu[lane.tid], first, last)
            both = common(ours, theirs)
            on_shared, on_union = on_shared + both, on_union + total(ours) + total(theirs) - both
        counted = _reasons(run, spans, lane.id, strips.get(lane.id), seen, lane.tid, first, last)
        reasons, right = reasons + counted[0], right + counted[1]
    edge = f", edges {statistics.median(apart) / 1000:.1f} µs apart" if apart else ""
    gil = f"GIL {shared / union:.4f} (missed {missed}, invented {invented}{edge})" if union else "GIL –"
    cores = f"cores {on_shared / on_union:.4f}" if on_union else "cores –"
    waits = f"off-CPU > 50 µs: {right}/{reasons} right ({right / reasons:.1%})" if reasons else "no long waits"
    return f"{gil} · {cores} · {waits}" + (f" · the witness lost {seen.lost}" if seen.lost else "")


def _reasons(
    run: recording.Recording, spans: object, lane: int, strip: int | None, seen: Testimony, tid: int, first: int, last: int
) -> tuple[int, int]:
    own = spans.of(lane)  # type: ignore[attr-defined]
    below = spans.of(strip) if strip else None  # type: ignore[attr-defined]
    asked = right = 0
    for begin, end, preempted, call in seen.off_cpu[tid]:
        if end - begin <= LONG_NS or begin < first or end > last:
            continue
        asked += 1
        middle = (begin + end) // 2
        if preempted:
            right += below is not None and _state_at(below, middle) is State.PREEMPTED
            continue
        state = _state_at(own, middle)
        name = STATES[state].name
        right += name in _BY_CALL.get(call, set()) - ({"running", "no-gil"} if call == FUTEX else set())
    return asked, right


def _state_at(spans: object, t_ns: int) -> State:
    at = bisect.bisect_right(spans.begin.tolist(), t_ns) - 1  # type: ignore[attr-defined]
    return State(int(spans.state[at])) if at >= 0 else State.UNOBSERVED  # type: ignore[attr-defined]


def measure(_pairs: int) -> None:
    """Prints one line a script, or why there is no witness."""
    print("\nfidelity: Schedscope beside the kernel's own trace (goals: GIL ≥ 0.99, cores ≥ 0.995, reasons ≥ 99 %)")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, (script, arguments) in SCRIPTS.items():
                path = script if isinstance(script, Path) else Path(folder) / "script.py"
                if isinstance(script, str):
                    path.write_text(script)
                with Oracle() as oracle:
                    print(f"  {name:34} {compare(*watched(oracle, path, arguments))}", flush=True)
    except UnavailableError as error:
        print(f"  not measured: {error}")
