"""An epoll echo server recorded ÷ bare, under a client in a process of its own with several connections: requests a second, and CPU
time of the server a request.

Server, client and recorder share the machine's cores; the CPU time is what observation itself adds to the server.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import command, pairs

GOAL = 0.9
CONNECTIONS, REQUESTS = 8, 400_000
PAIRS = 15
"""At least: many short pairs find a quiet moment sooner than a few long ones."""
SERVER = """
import select, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1]))); listener.setblocking(False)
epoll = select.epoll(); epoll.register(listener, select.EPOLLIN)
open_, seen, begin = {}, 0, time.process_time()
while open_ or seen < int(sys.argv[2]):
    for fd, _events in epoll.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept(); seen += 1
            connection.setblocking(False); open_[connection.fileno()] = connection; epoll.register(connection, select.EPOLLIN)
        elif data := open_[fd].recv(4096): open_[fd].send(data)
        else: epoll.unregister(fd); open_.pop(fd).close()
with open(sys.argv[3], "w") as told: told.write(str(time.process_time() - begin))
"""
CLIENT = """
import select, socket, sys, time
port, connections, requests = map(int, sys.argv[1:])
def connect():
    while True:
        try: return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError: time.sleep(0.01)
sockets = {s.fileno(): s for s in (connect() for _ in range(connections))}
epoll = select.epoll()
for fd in sockets: epoll.register(fd, select.EPOLLIN)
begin, done, sent = time.perf_counter(), 0, len(sockets)
for s in sockets.values(): s.sendall(b"x" * 64)
while done < requests:
    for fd, _events in epoll.poll():
        sockets[fd].recv(4096); done += 1
        if sent < requests: sockets[fd].sendall(b"x" * 64); sent += 1
print(requests / (time.perf_counter() - begin))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Requests a second as the client saw them; CPU seconds of the server a request."""

    rate: float
    cpu_s: float


def _served(folder: Path, recorded: bool) -> Served:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    told = folder / "told"
    words = [sys.executable, str(folder / "client.py"), port, str(CONNECTIONS), str(REQUESTS)]
    script = [str(folder / "server.py"), port, str(CONNECTIONS), str(told)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as asking:
        if recorded:
            command.recorded(script, folder / "run.sched")
        else:
            command.bare(script)
        rate = float(asking.communicate()[0])
    return Served(rate, float(told.read_text()) / REQUESTS)


def measure(pair_count: int) -> None:
    """Prints the median ratios of alternating pairs."""
    count = max(pair_count, PAIRS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server.py").write_text(SERVER)
        (folder / "client.py").write_text(CLIENT)
        results = pairs.alternate(lambda: _served(folder, False), lambda: _served(folder, True), count)
    rates = pairs.ratios([(bare.rate, seen.rate) for bare, seen in results])
    cpu = pairs.ratios([(bare.cpu_s, seen.cpu_s) for bare, seen in results])
    print(
        f"\nepoll echo server, {CONNECTIONS} connections, recorded ÷ bare, median of {count} alternating pairs (middle half):\n"
        f"  requests a second {pairs.shown(rates)}, goal ≥ {GOAL}; bare {statistics.median(bare.rate for bare, _ in results):,.0f}\n"
        f"  the server's CPU time a request {pairs.shown(cpu)}; bare {1e6 * statistics.median(bare.cpu_s for bare, _ in results):.1f} µs"
    )
