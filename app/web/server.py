"""The application behind a socket: uvicorn, set up for many slow viewers."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import webbrowser
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.web.application import create_app
from app.web.runs import Job
from app.web.settings import Settings
from app.web.state import ServerState

_VIEWER_SAYS_BYTES = 4096


class ViewerProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose connection the application can drop.

    A viewer that takes nothing cannot be told goodbye either: closing waits behind what it does not take. ASGI has no word
    for hanging up, so it goes as an extension.
    """

    async def run_asgi(self) -> None:
        """Offer the extension to the application."""
        self.scope.setdefault("extensions", {})["schedscope.abort"] = {"call": self.transport.abort}
        await super().run_asgi()


class Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[str], Awaitable[None]]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; then `on_listening` gets the URL."""
        await super().startup(sockets)
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            await self._on_listening(f"http://{shown}:{port}")


def configure(app: Any, host: str, port: int, *, access_log: bool = True) -> uvicorn.Config:
    """Blocks are deflated already, so WebSocket messages are not; a silent viewer is found out by the pings."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        ws=ViewerProtocol,
        ws_per_message_deflate=False,
        ws_max_size=_VIEWER_SAYS_BYTES,
        ws_ping_timeout=60.0,
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=access_log,
        log_level="info" if access_log else "warning",
    )


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises what `create_app` does, RuntimeError when the server cannot start."""

    async def say_where(url: str) -> None:
        print(f"Schedscope on {url}", flush=True)

    _run(Server(configure(create_app(settings), host, port), say_where))


def serve_run(settings: Settings, host: str, port: int, job: Job, *, open_browser: bool) -> None:
    """Serve, start one run of the machine's owner, show its page. Until SIGINT or SIGTERM; raises as `serve` does."""
    app = create_app(settings)

    async def start_run(url: str) -> None:
        server: ServerState = app.state.server
        run, _token = await server.manager.submit(job, client=None)
        page = f"{url}/runs/{run.id}"
        print(f"Live page: {page}   (Ctrl-C ends it)", flush=True)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, page)

    _run(Server(configure(app, host, port, access_log=False), start_run))


def _run(server: Server) -> None:
    _allow_many_files()
    # uvicorn stops in order and then raises the signal again; by then there is nothing left to be ended by it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run()
    if not server.started:
        raise RuntimeError("the server could not start; the reason is above")


def _allow_many_files() -> None:
    """A viewer is a descriptor, and the usual 1,024 are fewer than one lecture hall needs."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
