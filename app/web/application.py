"""The application: settings in, a FastAPI app out."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import mimetypes
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from app.catalogue import Catalogue
from app.store import Store
from app.web import api, assets, live, pages, problems, reference, rooms, sample_api, sharing
from app.web.clients import Clients
from app.web.hall import Hall
from app.web.middleware import BodyLimit, SecurityHeaders
from app.web.roomstate import Bounds, Rooms
from app.web.runs import RunManager
from app.web.samples import Samples
from app.web.settings import Settings
from app.web.state import ServerState
from app.web.workers import WORKER_COMMAND

_SWEEP_EVERY_S = 3600.0
_log = logging.getLogger("schedscope")


class DataInUseError(RuntimeError):
    """Another server has this data directory: it would take that one's runs for interrupted."""


def create_app(settings: Settings | None = None, *, worker_command: tuple[str, ...] = WORKER_COMMAND) -> FastAPI:
    """One server. Raises CatalogueError for a broken experiment header; its start raises DataInUseError.

    `worker_command` starts a process that speaks the worker protocol.
    """
    settings = settings or Settings.from_environment()
    store = Store(settings.data_dir, settings.database_url)
    manager = RunManager(store, settings, worker_command)
    catalogue, samples = Catalogue.load(settings.experiments_dir), Samples(settings.experiments_dir / "samples")
    bounds = Bounds(settings.rooms, settings.rooms_per_client, settings.room_members, settings.room_lifetime_s)
    server = ServerState(settings, catalogue, store, manager, Clients.of(settings.data_dir), samples, Hall(Rooms(bounds)))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        lock = await asyncio.to_thread(_lock_data, settings.data_dir)
        await asyncio.to_thread(store.open)
        for run_id in await asyncio.to_thread(store.recover, time.time()):
            _log.warning("run %s was left by the last server and is put to rest", run_id)
        manager.open()
        sweeper = asyncio.create_task(_sweep(store, settings))
        try:
            yield
        finally:
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper
            await manager.close()
            store.close()
            lock.close()

    app = FastAPI(title="Schedscope", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.server = server
    app.state.pages = pages.Pages(settings)
    app.include_router(api.router)
    app.include_router(sample_api.router)
    app.include_router(live.router)
    app.include_router(rooms.router)
    app.include_router(sharing.router)
    app.include_router(pages.router)
    app.include_router(assets.router)
    app.include_router(reference.router)
    # Whatever the machine's own table says, browsers refuse modules of another type.
    mimetypes.add_type("text/javascript", ".js")
    app.mount("/static", StaticFiles(directory=settings.static_dir, check_dir=False), name="static")
    problems.install(app, app.state.pages.error)
    app.add_middleware(BodyLimit, body_bytes=settings.body_bytes)
    app.add_middleware(SecurityHeaders)
    return app


async def _sweep(store: Store, settings: Settings) -> None:
    """Keep the promise of the retention time, now and every hour."""
    while True:
        try:
            gone = await asyncio.to_thread(store.expire, time.time(), settings.retention_s, settings.store_bytes)
            if gone:
                _log.info("%d runs were past their retention time", len(gone))
        except Exception:
            _log.exception("the sweep failed; the next one is in an hour")
        await asyncio.sleep(_SWEEP_EVERY_S)


def _lock_data(data_dir: Path) -> BinaryIO:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (data_dir / "lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DataInUseError(f"another server uses {data_dir}") from error
    return file
