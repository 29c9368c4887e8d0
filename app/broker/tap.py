"""The tap: accepts the script's connections, passes every byte on to the leased broker and back, and keeps a copy for the timeline.

A thread of its own forwards and never decodes: it asks for the bytes' meaning only during the handshake, which it rewrites
(core/amqp/login.py). What was seen waits in a queue for the session to fetch; when that gets long nothing more is read from
anybody, and TCP tells the senders to wait. So too when one side does not take what the other sent: back-pressure goes
from end to end, and what the tap holds is bounded. And so when a run's scripts send their broker more than `RATE_BYTES_S`, which
the recording then says: others may be on the same node, and frames are at most `MAX_FRAME_BYTES` long for the same reason.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.broker.allowance import Allowance
from app.core.amqp import GONE, UNREACHABLE
from app.core.amqp.login import Identity, Login
from app.core.amqp.wire import Side

READ_BYTES = 65536
SEEN_BYTES = 4 << 20
"""What may wait to be fetched before nothing more is read."""
RATE_BYTES_S, BURST_BYTES = 16 << 20, 32 << 20
"""What all scripts of a run together may send their broker: a second, and at once."""
CONNECTIONS = 256
_PAUSE_S = 0.002
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing the tap saw: `what` is connected, data, disconnected, or slowed (the first time that the rate was exceeded);
    `words` names the ends of a new connection, or says who ended it and how."""

    t_ns: int
    connection: int
    what: str
    side: Side = Side.CLIENT
    data: bytes = b""
    words: str = ""


class _End:
    """One side of a link: its socket and what is still to be sent to it."""

    __slots__ = ("finished", "listening", "pending", "said_all", "socket", "watched")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.pending = bytearray()
        self.said_all = False  # it will send nothing more
        self.finished = False  # it was told that nothing more will come
        self.watched = 0


class _Link:
    """A script's connection and the broker's."""

    def __init__(self, number: int, client: socket.socket, server: socket.socket, identity: Identity) -> None:
        self.number = number
        self.ends = (_End(client), _End(server))
        self.login = Login(identity)
        self.connecting = True
        self.ended_by: str | None = None


class Tap:
    """Runs from `start` to `close`. Takes over the listening sockets; `fetch` may be called from another thread."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        broker: tuple[str, int],
        identity: Identity,
        allowance: Allowance | None = None,
    ) -> None:
        self._allowance = allowance or Allowance(RATE_BYTES_S, BURST_BYTES)
        self._slowed = False
        self._listeners, self._broker, self._identity = list(listeners), broker, identity
        self._selector = selectors.DefaultSelector()
        self._links: set[_Link] = set()
        self._seen: deque[Seen] = deque()
        self._seen_bytes = self._fetched_bytes = 0  # each has one writer
        self._numbers = 0
        self._wake_read, self._wake_write = os.pipe()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        for listener in self._listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def fetch(self, at_most_bytes: int) -> list[Seen]:
        """What was seen since the last call, in order; the rest stays for the next."""
        out: list[Seen] = []
        size = 0
        while self._seen and size < at_most_bytes:
            seen = self._seen.popleft()
            size += len(seen.data)
            out.append(seen)
        self._fetched_bytes += size
        return out

    @property
    def waiting(self) -> bool:
        """Something was seen that has not been fetched."""
        return bool(self._seen)

    @property
    def idle(self) -> bool:
        """Nobody is connected and nothing waits to be fetched."""
        return not self._links and not self._seen

    def close(self) -> None:
        """Every connection is dropped, every socket closed."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake_write, b"x")
        if self._thread.ident is not None:
            self._thread.join()
        for link in list(self._links):
            self._drop(link, "the run is over")
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- the thread

    def _run(self) -> None:
        while not self._closing:
            if self._seen_bytes - self._fetched_bytes > SEEN_BYTES or self._too_fast():
                time.sleep(_PAUSE_S)
                continue
            for key, ready in self._selector.select():
                if key.data is not None and not self._closing:
                    key.data(key.fileobj, ready)

    def _too_fast(self) -> bool:
        spent = self._allowance.spent(time.monotonic())
        if spent and not self._slowed:
            self._slowed = True
            self._seen.append(Seen(time.monotonic_ns(), 0, "slowed"))
        return spent

    def _saw(self, link: _Link, what: str, side: Side = Side.CLIENT, data: bytes = b"", words: str = "") -> None:
        self._seen.append(Seen(time.monotonic_ns(), link.number, what, side, data, words))
        self._seen_bytes += len(data)

    def _accept(self, listener: Any, _ready: int) -> None:
        try:
            client, peer = listener.accept()
        except OSError:
            return
        if len(self._links) >= CONNECTIONS:
            client.close()
            return
        family = socket.AF_INET6 if ":" in self._broker[0] else socket.AF_INET
        server = socket.socket(family)
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._numbers += 1
        link = _Link(self._numbers, client, server, self._identity)
        self._links.add(link)
        self._saw(link, "connected", words=f"TCP {_address(client.getsockname())} ↔ {_address(peer)}")
        with suppress(OSError):
            if server.connect_ex(self._broker) not in (0, errno.EINPROGRESS):
                self._drop(link, UNREACHABLE)
                return
        self._watch(link)

    def _watch(self, link: _Link) -> None:
        """Read from a side only while the other has taken everything; write where something is left."""
        for side, end in zip(Side, link.ends, strict=True):
            other = link.ends[1 - side]
            wanted = 0
            if not end.said_all and not other.pending and not link.connecting:
                wanted |= selectors.EVENT_READ
            if end.pending or (link.connecting and side is Side.SERVER):
                wanted |= selectors.EVENT_WRITE
            if wanted != end.watched:
                self._register(end, wanted, self._ready_for(link, side))

    def _register(self, end: _End, wanted: int, ready: Callable[[Any, int], None]) -> None:
        if not end.watched:
            self._selector.register(end.socket, wanted, ready)
        elif not wanted:
            self._selector.unregister(end.socket)
        else:
            self._selector.modify(end.socket, wanted, ready)
        end.watched = wanted

    def _ready_for(self, link: _Link, side: Side) -> Callable[[Any, int], None]:
        def ready(_socket: Any, mask: int) -> None:
            if link not in self._links:
                return
            if link.connecting:
                self._connected(link)
            elif mask & selectors.EVENT_WRITE:
                self._flush(link, side)
            elif mask & selectors.EVENT_READ:
                self._read(link, side)
            if link in self._links:
                self._watch(link)

        return ready

    def _connected(self, link: _Link) -> None:
        error = link.ends[Side.SERVER].socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        link.connecting = False
        if error:
            self._drop(link, f"{UNREACHABLE}: {os.strerror(error)}")

    def _read(self, link: _Link, side: Side) -> None:
        try:
            data = link.ends[side].socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._drop(link, _GONE[side])
            return
        if data:
            self._saw(link, "data", side, data)
            if side is Side.CLIENT:
                self._allowance.take(len(data), time.monotonic())
            onward = link.login.from_client(data) if side is Side.CLIENT else link.login.from_server(data)
        else:
            link.ends[side].said_all = True
            link.ended_by = link.ended_by or _GONE[side]
            onward = link.login.rest_of_client() if side is Side.CLIENT else link.login.rest_of_server()
        link.ends[1 - side].pending += onward
        self._flush(link, Side(1 - side))

    def _flush(self, link: _Link, side: Side) -> None:
        end = link.ends[side]
        try:
            while end.pending:
                sent = end.socket.send(end.pending)
                del end.pending[:sent]
        except BlockingIOError:
            return
        except OSError:
            self._drop(link, _GONE[side])
            return
        if link.ends[1 - side].said_all and not end.finished:
            end.finished = True
            with suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)
        if all(each.said_all and not each.pending for each in link.ends):
            self._drop(link, link.ended_by or "", hard=False)

    def _drop(self, link: _Link, words: str, *, hard: bool = True) -> None:
        """Close both sockets; `hard` resets them, as a broker or client that died would."""
        self._links.discard(link)
        for end in link.ends:
            if end.watched:
                self._selector.unregister(end.socket)
                end.watched = 0
            if hard:
                with suppress(OSError):
                    end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            end.socket.close()
        self._saw(link, "disconnected", words=link.ended_by or words)


def _address(name: tuple[str, int, *tuple[int, ...]]) -> str:
    """As the probe writes it: own words for the same thing would not match."""
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


_GONE = {Side.CLIENT: "the client is gone", Side.SERVER: GONE}
