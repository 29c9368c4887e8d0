"""What a run is told about its broker, made into a lease and listening sockets: the worker's way in."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from app.broker.installation import BrokerError
from app.broker.lease import GivenLease, KeptLease, Lease


def broker_of(told: Mapping[str, Any] | None) -> Lease | None:
    """A lease for `{"keeper": path, "whole": bool}`, `{"url": …}` or `{"error": words}`; None for a run without a broker.

    Raises BrokerError. May wait for a node to start.
    """
    if not told:
        return None
    if "error" in told:
        raise BrokerError(told["error"])
    if "url" in told:
        if told.get("whole"):
            raise BrokerError("this experiment kills its broker, and the one of --broker URL is not ours to kill")
        return GivenLease(told["url"])
    return KeptLease(told["keeper"], whole=bool(told.get("whole")))


def local_listeners(*ports: int) -> list[list[socket.socket]]:
    """For a run without a sandbox: sockets on this machine's own loopback. Raises BrokerError where a port is taken."""
    found: list[list[socket.socket]] = []
    for port in ports:
        try:
            found.append([socket.create_server(("127.0.0.1", port))])
        except OSError as error:
            for listener in (each for sockets in found for each in sockets):
                listener.close()
            words = "a broker of this machine's own? With --sandbox the script gets a network of its own"
            raise BrokerError(f"port {port} of this machine is taken, and the script will want it ({words})") from error
    return found
