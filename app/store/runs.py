"""Runs as database rows: made, moved through their states, deleted, and put right after a crash.

All methods block (a few ms); the web calls them in a thread. Times are unix seconds; the caller gives them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Row, event, func, insert, make_url, select, update
from sqlalchemy.engine import Engine, create_engine

from app.core.records import Outcome
from app.store.recordings import repair, sha256_of
from app.store.schema import SCHEMA_VERSION, meta, metadata, runs


class State(StrEnum):
    """Where a run is. The last two are for good."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class RunUnknownError(LookupError):
    """There never was a run with this id."""


class RunDeletedError(LookupError):
    """There was such a run; its recording is gone for good."""


class StoreVersionError(RuntimeError):
    """The database was made by a version this one does not know."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row. `size_bytes` is the recording's once the run has ended; `end` is its END document, None without one."""

    id: str
    created_s: float
    started_s: float | None
    ended_s: float | None
    experiment: str | None
    name: str
    parameters: dict[str, Any]
    source_sha256: str
    state: State
    outcome: str | None
    end: dict[str, Any] | None
    size_bytes: int
    recording_sha256: str | None


class Store:
    """The runs under one data directory: `runs/<id>.sched` and a database (SQLite there, or PostgreSQL by URL).

    Call `open` first, then `recover` once before any run is made.
    """

    def __init__(self, data_dir: Path, database_url: str | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.runs_dir = self.data_dir / "runs"
        self._url = database_url or f"sqlite:///{self.data_dir / 'schedscope.db'}"
        self._engine: Engine | None = None

    def open(self) -> None:
        """Make folders and tables where they are missing. Raises StoreVersionError for a database of another version."""
        self.runs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = create_engine(_with_driver(self._url))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)
        try:
            _prepare(engine)
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine

    def close(self) -> None:
        """Give the connections back. `open` may follow."""
        if self._engine is not None:
            self._engine.dispose()

    def recording_path(self, run_id: str) -> Path:
        """Where the recording lies. `run_id` must be one this store gave out."""
        return self.runs_dir / f"{run_id}.sched"

    def create(
        self, *, experiment: str | None, name: str, parameters: Mapping[str, Any], source_sha256: str, now_s: float
    ) -> tuple[Run, str]:
        """A new queued run and its delete token, of which only a hash is kept."""
        token = secrets.token_urlsafe(24)
        row = {
            "id": secrets.token_urlsafe(12),
            "created_s": now_s,
            "experiment": experiment,
            "name": name,
            "parameters": dict(parameters),
            "source_sha256": source_sha256,
            "state": State.QUEUED,
            "size_bytes": 0,
            "delete_token_sha256": _hash(token),
        }
        with self._db.begin() as db:
            db.execute(insert(runs).values(row))
        return self.get(str(row["id"])), token

    def get(self, run_id: str) -> Run:
        """Raises RunUnknownError or RunDeletedError."""
        row = self._row(run_id)
        return Run(
            id=row.id,
            created_s=row.created_s,
            started_s=row.started_s,
            ended_s=row.ended_s,
            experiment=row.experiment,
            name=row.name,
            parameters=row.parameters,
            source_sha256=row.source_sha256,
            state=State(row.state),
            outcome=row.outcome,
            end=row.end_document,
            size_bytes=row.size_bytes,
            recording_sha256=row.recording_sha256,
        )

    def token_fits(self, run_id: str, token: str) -> bool:
        """Whether `token` is the one `create` gave out for this run. Raises as `get` does."""
        return hmac.compare_digest(self._row(run_id).delete_token_sha256, _hash(token))

    def mark_running(self, run_id: str, now_s: float) -> None:
        """The run's script has started."""
        self._change(run_id, state=State.RUNNING, started_s=now_s)

    def mark_ended(self, run_id: str, outcome: str, end: Mapping[str, Any] | None, size_bytes: int, now_s: float) -> Run:
        """Put the run to rest: note what its recording is, name the state. The recording must be `size_bytes` whole blocks."""
        self._change(
            run_id,
            state=State.INTERRUPTED if outcome == Outcome.INTERRUPTED else State.FINISHED,
            outcome=outcome,
            end_document=dict(end) if end is not None else None,
            size_bytes=size_bytes,
            recording_sha256=sha256_of(self.recording_path(run_id)) if size_bytes else None,
            ended_s=now_s,
        )
        return self.get(run_id)

    def delete(self, run_id: str, now_s: float) -> None:
        """Remove the recording; the id answers RunDeletedError from now on. Raises as `get` does."""
        self._row(run_id)
        self.recording_path(run_id).unlink(missing_ok=True)
        self._change(run_id, deleted_s=now_s, parameters={}, end_document=None, size_bytes=0)

    def recover(self, now_s: float) -> list[str]:
        """Put to rest what the last server left queued or running; the ids concerned.

        A recording whose worker managed to write its END keeps that outcome; any other is `interrupted` with what it has.
        """
        unfinished = select(runs.c.id).where(runs.c.state.in_((State.QUEUED, State.RUNNING)), runs.c.deleted_s.is_(None))
        with self._db.connect() as db:
            ids = [str(run_id) for run_id in db.scalars(unfinished)]
        for run_id in ids:
            whole = repair(self.recording_path(run_id), wait_s=15.0)
            outcome = str((whole.end or {}).get("outcome", Outcome.INTERRUPTED))
            self.mark_ended(run_id, outcome, whole.end, whole.size_bytes, now_s)
        return ids

    def expire(self, now_s: float, retention_s: float, max_bytes: int) -> list[str]:
        """Delete ended runs older than `retention_s`, then the oldest until recordings take at most `max_bytes`; their ids."""
        ended = runs.c.state.in_((State.FINISHED, State.INTERRUPTED)) & runs.c.deleted_s.is_(None)
        with self._db.connect() as db:
            total = int(db.scalar(select(func.coalesce(func.sum(runs.c.size_bytes), 0)).where(ended)) or 0)
            oldest = db.execute(select(runs.c.id, runs.c.created_s, runs.c.size_bytes).where(ended).order_by(runs.c.created_s))
            gone: list[str] = []
            for row in oldest:
                if row.created_s >= now_s - retention_s and total <= max_bytes:
                    break
                gone.append(row.id)
                total -= row.size_bytes
        for run_id in gone:
            self.delete(run_id, now_s)
        return gone

    @property
    def _db(self) -> Engine:
        assert self._engine is not None, "call open() first"
        return self._engine

    def _row(self, run_id: str) -> Row[Any]:
        with self._db.connect() as db:
            row = db.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        if row is None:
            raise RunUnknownError(run_id)
        if row.deleted_s is not None:
            raise RunDeletedError(run_id)
        return row

    def _change(self, run_id: str, **values: object) -> None:
        with self._db.begin() as db:
            db.execute(update(runs).where(runs.c.id == run_id).values(**values))


def _prepare(engine: Engine) -> None:
    metadata.create_all(engine)
    with engine.begin() as db:
        version = db.scalar(select(meta.c.value).where(meta.c.key == "schema"))
        if version is None:
            db.execute(insert(meta).values(key="schema", value=SCHEMA_VERSION))
        elif version != SCHEMA_VERSION:
            raise StoreVersionError(f"the database has schema {version}; this version reads {SCHEMA_VERSION}")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _with_driver(url: str) -> str:
    """`postgresql://` means psycopg 3, the driver this program installs; a URL that names its driver is left alone."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _tune_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
