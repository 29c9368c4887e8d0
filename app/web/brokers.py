"""Where a run's RabbitMQ comes from: our own keeper's nodes, or the one that the server was given."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from app.broker import installation
from app.broker.installation import BrokerError
from app.broker.lease import KeeperProcess, KeptLease
from app.web.settings import Settings

_log = logging.getLogger("schedscope.runs")


class Brokers:
    """Our keeper starts with the server, where a node is to be kept warm, else with the first run that wants one. `close` last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeper = KeeperProcess()
        self._warming: asyncio.Task[None] | None = None
        self._closing = False

    def open(self) -> None:
        """Warm a node, where there is RabbitMQ; returns at once."""
        if self._settings.warm_broker and self._settings.broker_url is None and installation.find() is not None:
            self._warming = asyncio.create_task(asyncio.to_thread(self._warm))

    async def close(self) -> None:
        """Stop the keeper and its nodes."""
        self._closing = True
        await asyncio.to_thread(self._keeper.close)
        if self._warming is not None:
            await self._warming
            await asyncio.to_thread(self._keeper.close)  # had it only just been started

    def found_for(self, kind: str | None) -> dict[str, Any] | None:
        """What a worker is told of its run's broker; `kind` as `Job.broker`. It may wait: not for the event loop."""
        if kind is None:
            return None
        whole = kind == "whole"
        if self._settings.broker_url is not None:
            return {"url": self._settings.broker_url, "whole": whole}
        try:
            return {"keeper": self._keeper.socket_path(), "whole": whole}
        except BrokerError as error:
            return {"error": str(error)}

    def _warm(self) -> None:
        """Have a node started, so that the first run that wants one need not wait; what hinders it, that run is told."""
        try:
            KeptLease(self._keeper.socket_path(), whole=False).close()
        except BrokerError as error:
            if not self._closing:
                _log.warning("no broker is kept warm: %s", error)
