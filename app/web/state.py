"""What one server process holds, and how a request gets at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import HTTPConnection

from app.catalogue import Catalogue
from app.store import Store
from app.web.clients import Clients
from app.web.exports import Exporter
from app.web.hall import Hall
from app.web.runs import RunManager
from app.web.samples import Samples
from app.web.settings import Settings


@dataclass(slots=True)
class ServerState:
    """Made by `create_app`; `viewers` counts the live connections."""

    settings: Settings
    catalogue: Catalogue
    store: Store
    manager: RunManager
    clients: Clients
    samples: Samples
    hall: Hall
    exporter: Exporter = field(default_factory=Exporter)
    viewers: int = 0


def state_of(connection: HTTPConnection) -> ServerState:
    """The state of the server that this request or WebSocket came to."""
    return cast(ServerState, connection.app.state.server)
