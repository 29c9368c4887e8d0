"""The broker's switch inside the sandbox: a script that wants to see a crash asks for it with one plain HTTP request.

    POST http://localhost:15670/crash    answered with 200 once the broker, killed with SIGKILL, accepts connections again;
                                         409 and the reason where it may not be killed

By hand one would `kill -9` the broker and start it again. A sandboxed script has no such right, and this says plainly that
it is the oscilloscope's doing and not RabbitMQ's.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from app.broker.installation import BrokerError

PORT = 15670
_REQUEST_BYTES = 8192
_WAIT_S = 10.0


class Switch:
    """Answers one request after another. `crash` raises BrokerError where it may not be done."""

    def __init__(self, listeners: Sequence[socket.socket], crash: Callable[[], None]) -> None:
        self._listeners, self._crash = list(listeners), crash
        self._threads = [threading.Thread(target=self._serve, args=(each,), daemon=True) for each in self._listeners]

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Answer no more."""
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _serve(self, listener: socket.socket) -> None:
        listener.setblocking(True)
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(_WAIT_S)
                status, words = self._answer(client)
                body = words.encode() + b"\n"
                head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                client.sendall(head.encode() + body)

    def _answer(self, client: socket.socket) -> tuple[str, str]:
        request = b""
        while b"\r\n\r\n" not in request and len(request) < _REQUEST_BYTES:
            piece = client.recv(_REQUEST_BYTES)
            if not piece:
                break
            request += piece
        words = request.split(b"\r\n", 1)[0].split()
        if len(words) < 2 or words[1] != b"/crash":
            return "404 Not Found", "there is only POST /crash here"
        if words[0] != b"POST":
            return "405 Method Not Allowed", "use POST"
        try:
            self._crash()
        except BrokerError as error:
            return "409 Conflict", str(error)
        return "200 OK", "the broker was killed and has started again"
