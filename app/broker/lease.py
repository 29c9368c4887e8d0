"""A run's right to a broker, from the run's side: asked of a keeper, or given by a URL."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from app.broker.installation import BrokerError
from app.core.amqp.vhost import Counts

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Access:
    """Where the broker is, and as whom a run may use which part of it."""

    host: str
    port: int
    user: str
    password: str
    vhost: str


class Lease(Protocol):
    """What a run has. `counts` is None where the broker does not tell; `crash` raises BrokerError where it may not be killed."""

    access: Access
    description: str
    killable: bool

    def counts(self) -> Counts | None: ...
    def crash(self) -> None: ...
    def close(self) -> None: ...


class KeptLease:
    """A lease of a keeper's; it ends with `close`, or with this process. Raises BrokerError. Any thread may ask."""

    def __init__(self, path: str, *, whole: bool) -> None:
        self.killable = whole
        self._asking = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise BrokerError(f"nobody keeps a broker here any more: {error.strerror}") from error
        self._lines = self._socket.makefile("rwb")
        said = self._ask({"lease": "whole" if whole else "shared"})
        self.access = Access(said["host"], said["port"], said["name"], said["password"], said["name"])
        self.description = f"RabbitMQ {said['version']}, {'a node' if whole else 'a virtual host'} of its own"

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            with self._asking:
                self._lines.write(json.dumps(request).encode() + b"\n")
                self._lines.flush()
                said: dict[str, Any] = json.loads(self._lines.readline() or b'{"error": "the broker\'s keeper is gone"}')
        except OSError as error:
            raise BrokerError(f"the broker's keeper is gone: {error.strerror}") from error
        if "error" in said:
            raise BrokerError(said["error"])
        return said

    def counts(self) -> Counts | None:
        """Of every queue in the virtual host."""
        return {name: (row[0], row[1], row[2]) for name, row in self._ask({"counts": True})["counts"].items()}

    def crash(self) -> None:
        """SIGKILL to the node; returns once it has started again."""
        self._ask({"crash": True})

    def close(self) -> None:
        """Virtual host, queues, user: gone."""
        with suppress(OSError):
            self._lines.close()
        self._socket.close()


class GivenLease:
    """A broker that somebody else runs, by its URL. It is not killed, and it does not tell us its counts."""

    def __init__(self, url: str) -> None:
        self.access = parse_url(url)
        self.description = f"{self.access.host}:{self.access.port}, not ours"
        self.killable = False

    def counts(self) -> Counts | None:
        """Not known: that needs rights beyond AMQP."""
        return None

    def crash(self) -> None:
        """Never."""
        raise BrokerError("this broker is not ours to kill (--broker URL)")

    def close(self) -> None:
        """Nothing is to be given back."""


def parse_url(url: str) -> Access:
    """`amqp://user:password@host:port/vhost`, each part but the host optional as RabbitMQ's URI specification has it.

    Raises BrokerError naming what is wrong.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5672
    except ValueError as error:
        raise BrokerError(f"--broker {url}: {error}") from error
    if parts.scheme != "amqp" or not parts.hostname:
        raise BrokerError(f"--broker {url}: must be amqp://USER:PASSWORD@HOST:PORT/VHOST (without TLS)")
    vhost = unquote(parts.path[1:]) if len(parts.path) > 1 else "/"
    return Access(parts.hostname, port, unquote(parts.username or "guest"), unquote(parts.password or "guest"), vhost)


class KeeperProcess:
    """A keeper of our own, started when a lease is first asked for. `close` ends it; so does our own end."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._path = ""

    def socket_path(self) -> str:
        """Where leases are had. Raises BrokerError where RabbitMQ cannot be had."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                words = [sys.executable, "-m", "app.broker.keeper"]
                self._process = subprocess.Popen(
                    words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
                )
                assert self._process.stdout is not None
                said = json.loads(self._process.stdout.readline() or b'{"error": "the broker\'s keeper did not start"}')
                if "error" in said:
                    self._process.wait()
                    raise BrokerError(said["error"])
                self._path = said["socket"]
            return self._path

    def close(self) -> None:
        """Ends the keeper with every node of it, and waits for that."""
        with self._starting:
            if self._process is not None:
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._process.stdin.close()
                self._process.wait()
                self._process.stdout.close()
                self._process = None
