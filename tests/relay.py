"""A TCP relay that can be cut: what a lecture room's wireless does to a connection."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Relay:
    """Forwards each connection to `port` of this machine until `cut`; while it is down it refuses new ones."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.down = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """End every connection at once, without a goodbye; how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        return len(pairs)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.down:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=_forward, args=(near, far), daemon=True).start()


def _forward(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with selectors.DefaultSelector() as ready:
        for one in other:
            ready.register(one, selectors.EVENT_READ)
        with contextlib.suppress(OSError):
            while True:
                for key, _ in ready.select():
                    one = key.fileobj
                    assert isinstance(one, socket.socket)
                    data = one.recv(65536)
                    if not data:
                        raise ConnectionResetError
                    other[one].sendall(data)
    for one in other:
        one.close()


@contextmanager
def relay(url: str) -> Iterator[Relay]:
    """A relay to a server."""
    one = Relay(int(url.rsplit(":", 1)[1]))
    try:
        yield one
    finally:
        one.close()
