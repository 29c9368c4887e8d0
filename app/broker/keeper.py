"""The process that keeps RabbitMQ nodes for a server or a single run: `python -m app.broker.keeper`.

It prints one JSON line, `{"socket": path}`, and serves leases there. One connection is one lease, one JSON line each way:

    {"lease": "shared" | "whole"}  → {"host", "port", "name", "password", "version"}: virtual host and user are both called `name`
    {"counts": true}               → {"counts": {queue: [ready, unacknowledged, consumers]}}
    {"crash": true}                → {"crashed": true} once the node, killed with SIGKILL, accepts connections again
    anything that fails            → {"error": words}

A lease ends when its connection does, by whatever death. The keeper ends with its standard input, whose other end its
parent holds; its nodes end with it (node.py); what a killed keeper leaves in the temporary folder, the next one removes.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.broker.installation import BrokerError, must_find
from app.broker.pool import Grant, Pool

PREFIX = "schedscope-broker-"
_Request = dict[str, Any]


class Keeper:
    """Serves leases. The main thread only starts processes: they die with the thread that started them."""

    def __init__(self) -> None:
        installation = must_find()
        remove_left_behind()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.folder.chmod(0o711)  # a node's user finds its own folder below, and reads no other
        self._lock = (self.folder / "lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._wanted: queue.Queue[tuple[Future[Any], Callable[[], Any]] | None] = queue.Queue()
        self._listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        self._listener.bind(str(self.folder / "socket"))
        os.umask(before)
        self._listener.listen(64)
        self.pool = Pool(installation, self.folder, subprocess.Popen)
        self.pool._spawn = self._spawn  # from here on other threads ask for processes

    def _spawn(self, *words: Any, **options: Any) -> subprocess.Popen[bytes]:
        done: Future[subprocess.Popen[bytes]] = Future()
        self._wanted.put((done, lambda: subprocess.Popen(*words, **options)))
        return done.result()

    def serve(self) -> None:
        """Until standard input ends or a signal comes."""
        for target in (self._accept, self._await_end_of_parent):
            threading.Thread(target=target, daemon=True).start()
        while (wanted := self._wanted.get()) is not None:
            done, start = wanted
            try:
                done.set_result(start())
            except OSError as error:
                done.set_exception(BrokerError(f"RabbitMQ cannot be started: {error}"))

    def stop(self, *_signal: object) -> None:
        """Let `serve` return."""
        self._wanted.put(None)

    def close(self) -> None:
        """Nothing is left: no process, no folder."""
        self.pool.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _await_end_of_parent(self) -> None:
        while os.read(0, 4096):
            pass
        self.stop()

    def _accept(self) -> None:
        while True:
            connection, _address = self._listener.accept()
            threading.Thread(target=self._serve_lease, args=(connection,), daemon=True).start()

    def _serve_lease(self, connection: socket.socket) -> None:
        grant: Grant | None = None
        with connection, connection.makefile("rwb") as lines, suppress(OSError):
            for line in lines:
                try:
                    grant, answer = self._answer(grant, json.loads(line))
                except OSError as error:
                    answer = {"error": f"the node is gone ({error.strerror or error})" if grant else str(error)}
                except (BrokerError, ValueError, KeyError) as error:
                    answer = {"error": str(error)}
                lines.write(json.dumps(answer).encode() + b"\n")
                lines.flush()
        if grant is not None:
            self.pool.revoke(grant)

    def _answer(self, grant: Grant | None, request: _Request) -> tuple[Grant | None, dict[str, Any]]:
        if grant is None:
            grant = self.pool.grant(whole=request["lease"] == "whole")
            said = {"name": grant.name, "password": grant.password, "version": grant.node.version}
            return grant, {"host": "127.0.0.1", "port": grant.node.port} | said
        if request.get("crash"):
            self.pool.crash(grant)
            return grant, {"crashed": True}
        return grant, {"counts": dict(_parsed(self.pool.counts(grant)))}


def _parsed(lines: bytes) -> list[tuple[str, list[int]]]:
    rows = [line.split() for line in lines.splitlines()]
    return [(base64.b64decode(name).decode("utf-8", "replace"), [int(n) for n in numbers]) for name, *numbers in rows]


def remove_left_behind() -> None:
    """Folders of keepers that were killed: theirs is the lock that nobody holds any more."""
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        with suppress(OSError), (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Keep until told to stop; 1 where there is no RabbitMQ to keep."""
    try:
        keeper = Keeper()
    except (BrokerError, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, keeper.stop)
    print(json.dumps({"socket": str(keeper.folder / "socket")}), flush=True)
    try:
        keeper.serve()
    finally:
        keeper.close()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # threads may still wait for a lease
