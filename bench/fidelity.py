"""How true the picture is: the same run as Schedscope and as the kernel saw it, compared. `make fidelity`, root only.

GIL: intersection over union of the holds with uprobes on take_gil (return) and drop_gil (entry), all threads, and the thread
on which they agree least. Cores: time on a core against sched_switch. Waits: every time off the cores longer than 50 µs must
have a reason, and one that agrees with the system call the thread was in. What the witness's own probes cost is measured in
the same run and told beside (bench.comparison).
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.core import recording
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record
from bench.comparison import HOLD_NS, Comparison, Overlap, compare
from bench.oracle import Oracle, Testimony, UnavailableError

GIL_GOAL, CORES_GOAL, REASONS_GOAL = 0.99, 0.995, 0.99
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


def watched(oracle: Oracle, script: Path, arguments: Iterable[str]) -> tuple[recording.Recording, Testimony]:
    """One run, seen by both."""
    out = io.BytesIO()
    target = PlainTarget([sys.executable, str(script), *arguments])
    oracle.begin()
    document = header.document(script_path=str(script), source=script.read_text(), interpreter=header.interpreter())
    record(target, out, document, Bounds())
    testimony = oracle.end()
    return recording.read([out.getvalue()]), testimony


_HEAD = """
                                    │ GIL: overlap of holds                       │ time on cores    │ off-CPU > 50 µs
                                    │   as  less   least    missed   edges apart  │   as   less the  │ with the right
script                              │ seen  probe  thread invented   take    drop │  seen  switch    │ reason"""


def _number(value: float | None) -> str:
    return "     –" if value is None else f"{value:6.4f}"


def _row(name: str, seen: Comparison) -> str:
    gil, cores = seen.gil.corrected(), seen.cores.corrected()
    take_ns, drop_ns = seen.gil.shifts_ns()
    alone = f"{seen.gil.missed(HOLD_NS)}+{seen.gil.invented(HOLD_NS)}"
    reasons = f"{seen.right}/{seen.waits}" + (f" = {seen.right / seen.waits:.1%}" if seen.waits else "")
    return (
        f"{name:35} │{_number(seen.gil.ratio)} {_number(gil.ratio)} {_number(gil.least)} {alone:>6}"
        f" {take_ns / 1000:6.2f} {drop_ns / 1000:6.2f} µs │{_number(seen.cores.ratio)} {_number(cores.ratio)}   │ {reasons}"
    )


def _notes(run: recording.Recording, seen: Comparison) -> Iterator[str]:
    """What a reader must know to believe the row, and what is short of a goal in it."""
    begin_ns, end_ns = seen.cores.shifts_ns()
    yield f"{sum(map(len, seen.gil.ours)):,} holds seen by us, {sum(map(len, seen.gil.theirs)):,} by the witness"
    if seen.gil.away_ns() > 10_000:
        yield f"{seen.gil.away_ns() / 1e6:.1f} ms off the core between the two stamps of one take or drop"
    yield f"a stay on a core begins {-begin_ns / 1000:.1f} µs and ends {end_ns / 1000:.1f} µs later for us: the switch itself"
    if seen.last_resort:
        yield f"{seen.last_resort} waits in no observed call"
    if seen.wrong:
        yield "wrong: " + ", ".join(f"{count} {what}" for what, count in seen.wrong.most_common(3))
    lost = (run.end or {}).get("switches_lost", 0)
    for count, what in (
        (seen.witness_gaps, "switches missing in the witness"),
        (seen.witness_lost, "events lost by the witness"),
    ):
        if count:
            yield f"{count} {what}"
    if lost:
        yield f"{lost} switches lost by us"


def _verdict(seen: Comparison) -> str:
    """Which goals are reached as seen, which only less the probes, which not at all."""
    words = []
    for what, overlap, goal in (("GIL", seen.gil, GIL_GOAL), ("cores", seen.cores, CORES_GOAL)):
        words.append(f"{what} {_reached(overlap, goal)}")
    words.append("reasons " + ("reached" if seen.right >= REASONS_GOAL * seen.waits else "NOT REACHED"))
    return ", ".join(words)


def _reached(overlap: Overlap, goal: float) -> str:
    if (overlap.ratio or 1) >= goal:
        return "reached"
    return "reached less the probes" if (overlap.corrected().ratio or 1) >= goal else "NOT REACHED"


def measure(_pairs: int) -> None:
    """Prints one row a script, or why there is no witness."""
    print(f"\nfidelity: Schedscope beside the kernel's own trace. Goals: GIL ≥ {GIL_GOAL}, missed and invented 0 above 20 µs,")
    print(
        f'cores ≥ {CORES_GOAL}, reasons ≥ {REASONS_GOAL:.0%}. "Less probe": the witness\'s edges moved by their median distance.'
    )
    try:
        Oracle()
        print(_HEAD)
        with tempfile.TemporaryDirectory() as folder:
            for name, (script, arguments) in SCRIPTS.items():
                _measure_one(Path(folder), name, script, arguments)
    except UnavailableError as error:
        print(f"  not measured: {error}")


def _measure_one(folder: Path, name: str, script: str | Path, arguments: Iterable[str]) -> None:
    path = script if isinstance(script, Path) else folder / "script.py"
    if isinstance(script, str):
        path.write_text(script)
    with Oracle() as oracle:
        run, testimony = watched(oracle, path, arguments)
    seen = compare(run, testimony)
    print(_row(name, seen))
    print(f"    {_verdict(seen)}", flush=True)
    for note in _notes(run, seen):
        print(f"    · {note}", flush=True)
