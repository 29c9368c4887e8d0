"""A real broker for tests: one keeper for all of a session, runs with a lease of it, and what is left of Erlang on the machine."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from app.broker import installation
from app.broker.lease import KeptLease
from app.recorder.session import record
from app.worker import prepare
from tests.observed import Run

ROOT = Path(__file__).resolve().parent.parent
needs_broker = pytest.mark.skipif(installation.find() is None, reason="needs RabbitMQ")


@contextmanager
def leased(keeper: str, *, whole: bool = False) -> Iterator[KeptLease]:
    """A lease for as long as the block lasts."""
    lease = KeptLease(keeper, whole=whole)
    try:
        yield lease
    finally:
        lease.close()


class BrokerRun(Run):
    """A recorded run with a broker."""

    def __init__(self, data: bytes, end: dict[str, Any]) -> None:
        super().__init__(data)
        self.end = end

    def told(self, what: str) -> list[dict[str, Any]]:
        """The broker marks of one kind, in order, each with the name of its lane."""
        names = {lane["id"]: lane["name"] for lane in self.json["lanes"]}
        marks = [(names[row[1]], json.loads(row[3])) for row in self.json["marks"] if row[2] == "broker"]
        return [{"lane": name, **words} for name, words in marks if words["what"] == what]

    def disagreements(self) -> list[str]:
        return [row[3] for row in self.json["marks"] if row[2] == "disagreement"]

    def messages(self) -> list[tuple[str, str]]:
        """(from, to) of every step of a message, by lane kinds, in order of time."""
        kinds = {lane["id"]: lane["kind"] for lane in self.json["lanes"]}
        broker = {"channel", "exchange", "queue", "consumer"}
        rows = [(row[0], kinds[row[1]], kinds[row[3]]) for row in self.json["flows"] if row[4] == "message"]
        return [(a, b) for _t, a, b in sorted(rows, key=lambda row: row[0]) if {a, b} <= broker]

    def counted(self, kind: str, name: str) -> list[float]:
        """The counters of the lanes with this kind and name, value by value."""
        lanes = {lane["id"] for lane in self.json["lanes"] if (lane["kind"], lane["name"]) == (kind, name)}
        assert lanes
        return [row[2] for row in self.json["counters"] if row[1] in lanes]


def run_with(
    broker: dict[str, Any], source: str, argv: Sequence[str] = (), header: dict[str, Any] | None = None, **limits: float
) -> BrokerRun:
    """A script in the sandbox with this broker, run to its end; `header` is the HEADER document."""
    job = {
        "name": f"script-{os.getpid()}.py",
        "source": dedent(source),
        "argv": list(argv),
        "experiment": None,
        "limits": {"wall_s": 60, "cpu_s": 60} | limits,
        "trusted": False,
        "script_path": None,
        "python": None,
        "cwd": None,
        "slot": 700 + os.getpid() % 100,
        "broker": broker,
    }
    prepared = prepare(job)
    assert prepared.broker is not None
    out = io.BytesIO()
    end = record(prepared.target, out, header or {}, prepared.bounds, classify=prepared.classify, beside=[prepared.broker])
    return BrokerRun(out.getvalue(), end)


def erlang_processes() -> set[int]:
    """Every Erlang VM and port mapper of this machine."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{name}/comm").read_text().strip() in ("beam.smp", "epmd", "erl_child_setup"):
                found.add(int(name))
        except OSError:
            continue
    return found


def nodes_in(folder: str) -> set[int]:
    """Erlang's machines that work below this folder: those of one server, whoever else has some."""
    found = set()
    for pid in erlang_processes():
        with suppress(OSError):
            if os.readlink(f"/proc/{pid}/cwd").startswith(folder) and Path(f"/proc/{pid}/comm").read_text() == "beam.smp\n":
                found.add(pid)
    return found


def wait_until(happened: Callable[[], object]) -> None:
    """For what tells nobody that it has happened; pytest's own time limit ends it."""
    while not happened():
        time.sleep(0.01)
