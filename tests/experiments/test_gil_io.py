"""Waits of threads overlap, and the GIL is nearly idle meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, joined, length, needs_probe, parallelism, seen

pytestmark = needs_probe
STATES = {"socket": "read", "sleep": "sleep"}
variants = pytest.mark.parametrize("variant", STATES)


def waiters(run: Seen, variant: str) -> list[Lane]:
    return run.named(LaneKind.THREAD, {"socket": "(read_socket)", "sleep": "(sleep)"}[variant])


@variants
def test_the_waits_of_all_threads_overlap(variant: str) -> None:
    run = seen("gil-io", variant=variant)
    lanes = waiters(run, variant)
    assert len(lanes) == 4
    waits = [run.stays(lane, STATES[variant]) for lane in lanes]
    whole = length([(min(run.life(lane)[0] for lane in lanes), max(run.life(lane)[1] for lane in lanes))])
    assert sum(map(length, waits)) / whole >= 0.7 * len(lanes)
    assert parallelism(span for spans in waits for span in spans) > 0.9 * len(lanes)


@variants
def test_each_thread_waits_once_at_its_line(variant: str) -> None:
    run = seen("gil-io", variant=variant)
    code = {"socket": "connection.recv(100)", "sleep": "    time.sleep(args.seconds)"}[variant]
    lines = [n for n, text in enumerate(run.source.splitlines(), 1) if code in text]
    for lane in waiters(run, variant):
        begin, end, detail = max(run.waits(lane.id, STATES[variant]), key=lambda wait: wait[1] - wait[0])
        assert (end - begin) / length([run.life(lane)]) > 0.8
        assert detail["line"] == lines[-1]
        assert ("fd" in detail) == (variant == "socket")


@variants
def test_the_gil_is_nearly_idle_while_they_wait(variant: str) -> None:
    run = seen("gil-io", variant=variant)
    if not run.observer("gil"):
        pytest.skip("the GIL is not observed here")
    (gil,) = run.lanes(LaneKind.GIL)
    lanes = waiters(run, variant)
    waits = joined(span for lane in lanes for span in run.stays(lane, STATES[variant]))
    rows = [(t, state) for t, lane, state, _who in run.json["states"] if lane == gil.id]
    held = [(t, end) for (t, state), (end, _next) in pairwise(rows) if state == "held"]
    during = sum(max(0, min(end, waits[-1][1]) - max(begin, waits[0][0])) for begin, end in held)
    assert during / length([(waits[0][0], waits[-1][1])]) < 0.1


def test_the_slow_server_accepts_sleeps_and_answers() -> None:
    run = seen("gil-io")
    server = run.one(LaneKind.THREAD, "server")
    assert length(run.stays(server, "sleep")) / length([run.life(server)]) > 0.8
    (nap,) = run.stays(server, "sleep")
    accepted = run.stays(server, "accept")
    assert accepted
    assert max(end for _begin, end in accepted) <= nap[0]
    for lane in waiters(run, "socket"):
        assert max(end for _begin, end in run.stays(lane, "read")) >= nap[1]


def test_as_many_threads_as_asked_for() -> None:
    assert len(waiters(seen("gil-io", variant="sleep", threads=9, seconds=0.1), "sleep")) == 9
