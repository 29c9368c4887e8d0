"""Runs an experiment as the catalogue describes it, once for each set of parameters, and asks its recording what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.catalogue import read_experiment
from app.core.recording import Lane
from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import Run, observe

FOLDER = Path(__file__).resolve().parents[2] / "app/experiments"
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


@cache
def seen(name: str, **parameters: Any) -> Seen:
    """The experiment `name`, really run with these parameters (the others at their defaults); one run however often asked."""
    path = FOLDER / f"{name.replace('-', '_')}.py"
    experiment = read_experiment(path)
    run = observe(path, *experiment.argv(experiment.validate(parameters)))
    assert (run.end["outcome"], run.end["dropped"]) == ("finished", 0), run.output
    return Seen(run.data, experiment.source)


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


def parallelism(spans: Iterable[Span]) -> float:
    """The sum of all spans over the time that any of them covers: 1 when they take turns, n when n are always there at once."""
    spans = list(spans)
    return length(spans) / length(joined(spans))


def in_order(spans: Iterable[Span]) -> bool:
    """Whether each span begins no earlier than the one before it ended."""
    return all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(spans)))
