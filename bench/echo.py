"""Requests a second of an epoll echo server, recorded ÷ bare, under a client in a process of its own with several connections."""

from __future__ import annotations

import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record

GOAL = 0.9
CONNECTIONS, REQUESTS = 8, 30_000
SERVER = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1]))); listener.setblocking(False)
epoll = select.epoll(); epoll.register(listener, select.EPOLLIN)
open_, seen = {}, 0
while open_ or seen < int(sys.argv[2]):
    for fd, _events in epoll.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept(); seen += 1
            connection.setblocking(False); open_[connection.fileno()] = connection; epoll.register(connection, select.EPOLLIN)
        elif data := open_[fd].recv(4096): open_[fd].send(data)
        else: epoll.unregister(fd); open_.pop(fd).close()
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


def _rate(script: Path, client: Path, recorded: bool) -> float:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = [sys.executable, str(client), port, str(CONNECTIONS), str(REQUESTS)]
    command = [sys.executable, str(script), port, str(CONNECTIONS)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as asking:
        if recorded:
            document = header.document(script_path=str(script), source=SERVER, interpreter=header.interpreter())
            record(PlainTarget(command), io.BytesIO(), document, Bounds())
        else:
            subprocess.run(command, check=True)
        return float(asking.communicate()[0])


def measure(pairs: int) -> None:
    """Prints the median ratio of alternating pairs."""
    os.environ.pop("PYTHONUNBUFFERED", None)
    with tempfile.TemporaryDirectory() as folder:
        script, client = Path(folder) / "server.py", Path(folder) / "client.py"
        script.write_text(SERVER)
        client.write_text(CLIENT)
        rates = [(_rate(script, client, False), _rate(script, client, True)) for _ in range(pairs)]
    ratios = [recorded / bare for bare, recorded in rates]
    print(
        f"\nepoll echo server, {CONNECTIONS} connections: {statistics.median(bare for bare, _ in rates):,.0f} requests a second bare,"
        f" recorded ÷ bare {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}), goal ≥ {GOAL}"
    )
