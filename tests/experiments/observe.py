"""Runs an experiment as the catalogue describes it, once for each set of parameters, and asks its recording what was seen."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import pytest

from app.catalogue import Experiment, read_experiment
from app.core.recording import Lane
from app.core.records import LaneKind
from app.recorder import interpreters, probe
from app.recorder.session import Bounds
from tests.observed import Run, observe

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "app/experiments"
ENDS = ("finished", "failed", "cancelled", "killed")

Span = tuple[int, int]
"""Begin and end in absolute nanoseconds."""

needs_probe = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


class Seen(Run):
    """One run of an experiment, with the questions that experiments ask."""

    def __init__(self, data: bytes, source: str) -> None:
        super().__init__(data)
        self.source = source

    def named(self, kind: LaneKind, word: str) -> list[Lane]:
        """The lanes of a kind whose name contains the word, in order of their numbers."""
        return [lane for lane in self.lanes(kind) if word in lane.name]

    def one(self, kind: LaneKind, word: str) -> Lane:
        """The only such lane."""
        (lane,) = self.named(kind, word)
        return lane

    def stays(self, lane: Lane, *states: str) -> list[Span]:
        """Every stay of a lane in one of these states, joined where they touch."""
        return joined((t, end) for state in states for t, end, _detail in self.waits(lane.id, state))

    def on_core(self, thread: Lane, *states: str) -> list[Span]:
        """When a thread's strip of CPU time was in one of these states; nothing where the kernel's switches are not observed."""
        return [span for strip in self.lanes(LaneKind.CPU) if strip.parent == thread.id for span in self.stays(strip, *states)]

    def life(self, lane: Lane) -> Span:
        """From the lane's beginning to its last state, which must be an end."""
        t_ns, state, _detail = self.states(lane.id)[-1]
        assert state in ENDS, f"{lane.name} is left {state}"
        return lane.t_ns, t_ns

    def names(self, lane: Lane) -> list[str]:
        """The states of a lane in their order."""
        return [state for _t, state, _detail in self.states(lane.id)]

    def arrows(self, kind: str) -> list[tuple[int, int]]:
        """(from, to) of every flow of a kind, in order of time."""
        return [(row[1], row[3]) for row in sorted(self.json["flows"]) if row[4] == kind]

    def said(self, lane: Lane) -> list[str]:
        """What this lane printed."""
        return [text for number, text in self.marks() if number == lane.id]

    def observer(self, name: str) -> bool:
        """Whether an observer was on in this run."""
        return bool(self.json["header"]["observers"].get(name) == "exact")

    def line(self, code: str) -> int:
        """The 1-based number of the script's only line that contains this code."""
        (number,) = [n for n, text in enumerate(self.source.splitlines(), 1) if code in text]
        return number


Make = TypeVar("Make", bound=Callable[..., Any])
KEPT: list[Any] = []
"""The caches of runs. A test that is asked once more empties them: the same run would give the same answer."""


def once(make: Make) -> Make:
    """`functools.cache`, among those that are emptied."""
    KEPT.append(cache(make))
    return cast(Make, KEPT[-1])


way: ContextVar[str] = ContextVar("way", default="plain")
"""Which way `seen` runs an experiment: "plain", or "sandboxed" as a visitor's run is."""


def seen(name: str, *, ends: str = "finished", **parameters: Any) -> Seen:
    """The experiment `name`, really run with these parameters (the others at their defaults); one run however often asked.

    `ends` is the outcome that it must have.
    """
    return _seen(way.get(), name, ends, **parameters)


@once
def _seen(way: str, name: str, ends: str, **parameters: Any) -> Seen:
    experiment = read_experiment(FOLDER / f"{name.replace('-', '_')}.py")
    values = experiment.validate(parameters)
    argv = experiment.argv(values)
    if way == "sandboxed":
        data = _run_by_worker(experiment, values, ends)
    else:
        bounds = Bounds(wall_s=experiment.header.time_limit_s)
        with _descriptors(experiment.header.descriptor_limit or 0):
            python = python_of(experiment) or sys.executable
        data = observe(experiment.path, *argv, bounds=bounds, parameters=values, python=(python,)).data
    run = Seen(data, experiment.source)
    assert (run.end["outcome"], run.end["dropped"]) == (ends, 0), run.output
    return run


@contextmanager
def _descriptors(least: int) -> Iterator[None]:
    """Meanwhile as many open descriptors are allowed as the sandbox would allow."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(least, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def python_of(experiment: Experiment) -> str | None:
    """The interpreter it requires, None for this one. Skips the test where this machine has none."""
    if "broker" in experiment.header.requires:
        pytest.skip("run with a broker in test_rabbit.py")
    if lacking := interpreters.missing(experiment.header.requires):
        pytest.skip(f"this machine lacks {', '.join(lacking)}")
    found = interpreters.free_threaded() if "free-threaded" in experiment.header.requires else None
    return found.python if found else None


def _run_by_worker(experiment: Experiment, values: dict[str, Any], ends: str) -> bytes:
    """The experiment as the server has it run: by a worker, in the sandbox."""
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "run.sched"
        job = {
            "run": "experiment",
            "recording": str(recording),
            "name": experiment.path.name,
            "source": experiment.source,
            "argv": experiment.argv(values),
            "experiment": experiment.id,
            "parameters": values,
            "limits": experiment.header.limits,
            "trusted": False,
            "script_path": None,
            "python": python_of(experiment),
            "cwd": None,
            "slot": 900 + os.getpid() % 100,  # no server has so many: its runs and ours are different users
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "app.worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(json.dumps(job) + "\n")
            worker.stdin.flush()  # and left open: its end would be an order to stop
            said = [json.loads(line) for line in worker.stdout]
        assert said[-1].get("outcome") == ends, said[-1]
        return recording.read_bytes()


# --- arithmetic of spans


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time as disjoint spans in order."""
    out: list[Span] = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((begin, end))
    return out


def length(spans: Iterable[Span]) -> int:
    return sum(end - begin for begin, end in spans)


def common(some: Iterable[Span], others: Iterable[Span]) -> int:
    """How long both were."""
    others = list(others)
    return length((max(a, c), min(b, d)) for a, b in some for c, d in others if max(a, c) < min(b, d))


def without(some: Iterable[Span], others: Iterable[Span]) -> int:
    """How long the ones were and the others not."""
    some = list(some)
    return length(some) - common(some, others)


def parallelism(spans: Iterable[Span]) -> float:
    """The sum of all spans over the time that any of them covers: 1 when they take turns, n when n are always there at once."""
    spans = list(spans)
    return length(spans) / length(joined(spans))


def in_order(spans: Iterable[Span]) -> bool:
    """Whether each span begins no earlier than the one before it ended."""
    return all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(spans)))
