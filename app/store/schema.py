"""The database's one table, in SQLAlchemy Core so that SQLite and PostgreSQL read the same definition."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_s", Float, nullable=False),
    Column("started_s", Float),
    Column("ended_s", Float),
    Column("experiment", String(64)),
    Column("name", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(32)),
    Column("end_document", JSON),
    Column("size_bytes", BigInteger, nullable=False, default=0),
    Column("recording_sha256", String(64)),
    Column("delete_token_sha256", String(64), nullable=False),
    Column("deleted_s", Float),
    Index("runs_state", "state"),
    Index("runs_created", "created_s"),
)

meta = Table("meta", metadata, Column("key", String(32), primary_key=True), Column("value", Integer, nullable=False))

SCHEMA_VERSION = 1
