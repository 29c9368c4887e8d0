"""The experiments with RabbitMQ: each really run against a real node, in the sandbox, as a visitor's run is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from app.catalogue import read_experiment
from app.core.expectations import expectations
from app.recorder import header
from tests.broker_tools import BrokerRun, needs_broker, run_with
from tests.experiments.observe import FOLDER

pytestmark = [needs_broker, pytest.mark.sandbox, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def way() -> Iterator[str]:
    """Only in the sandbox: without one a script would want port 5672 of this machine."""
    return iter(["sandboxed"])


@cache
def seen(keeper: str, name: str, **parameters: Any) -> BrokerRun:
    """One run of the experiment with these parameters, however often asked."""
    experiment = read_experiment(FOLDER / f"{name.replace('-', '_')}.py")
    values = experiment.validate(parameters)
    broker = {"keeper": keeper, "whole": "broker-crash" in experiment.header.requires}
    document = header.document(
        script_path="script.py", source=experiment.source, interpreter=header.interpreter(), parameters=values
    )
    run = run_with(broker, experiment.source, experiment.argv(values), document, wall_s=experiment.header.time_limit_s)
    assert (run.end["outcome"], run.end["dropped"]) == ("finished", 0), run.output
    assert [one for one in expectations(run.recording) if one["verdict"] != "holds"] == []
    assert run.disagreements() == []
    return run


@pytest.mark.parametrize("first", ["send", pytest.param("receive", marks=pytest.mark.slow)])
def test_hello(keeper: str, first: str) -> None:
    """Publish, default exchange, queue, consumer, in either order; the message waits in the queue, or the receiver for it."""
    run = seen(keeper, "rabbit-hello", first=first)
    assert run.messages() == [("channel", "exchange"), ("exchange", "queue"), ("queue", "consumer")]
    assert run.counted("queue", "hello") == [0, 1, 0]
    steps = sorted(row for row in run.json["flows"] if row[4] == "message" and row[1] in broker_lanes(run))
    published_ns, delivered_ns = steps[0][0], steps[-1][0]
    consuming_ns = next(lane.t_ns for lane in run.recording.lanes if lane.kind.name == "CONSUMER")
    assert (consuming_ns > published_ns) == (first == "send")
    assert delivered_ns >= max(published_ns, consuming_ns)
    assert len([lane for lane in run.recording.lanes if lane.kind.name == "CONNECTION"]) == 2


def broker_lanes(run: BrokerRun) -> set[int]:
    return {lane["id"] for lane in run.json["lanes"] if lane["kind"] in ("channel", "exchange", "queue", "consumer")}


@pytest.mark.slow
def test_only_durable_and_persistent_survives(keeper: str) -> None:
    run = seen(keeper, "rabbit-durable", messages=3)
    grid = {line[:24].strip(): line[24:].strip() for line in run.output.splitlines() if "+" in line}
    assert grid == {
        "durable + persistent": "3",
        "durable + transient": "0",
        "transient + persistent": "no queue (404)",
        "transient + transient": "no queue (404)",
    }
    for name in grid:
        assert max(run.counted("queue", name)) == 3
    assert len(run.told("broker killed")) == len(run.told("broker restarted")) == 1
    assert {(mark["lane"], mark["ready"]) for mark in run.told("recovered")} == {
        ("durable + persistent", 3),
        ("durable + transient", 0),
    }
    ends = {
        lane["name"]: run.states(lane["id"])[-1][1]
        for lane in run.json["lanes"]
        if lane["kind"] == "queue" and lane["name"] in grid
    }
    assert {name for name, end in ends.items() if end == "killed"} == {"transient + persistent", "transient + transient"}


def units(run: BrokerRun) -> float:
    (line,) = [line for line in run.output.splitlines() if line.startswith("all 8 jobs")]
    return float(line.split()[-2])


def busy(run: BrokerRun) -> list[int]:
    """How long each consumer of the jobs had something to do, shortest first."""
    lanes = [lane for lane in run.recording.lanes if lane.kind.name == "CONSUMER" and lane.name.startswith("task_queue")]
    return sorted(sum(end - t for t, end, _ in run.waits(lane.id, "running")) for lane in lanes)


@pytest.mark.slow
def test_fair_dispatch(keeper: str) -> None:
    """Dealt in turn one worker is idle most of the time; with prefetch=1 both are busy, and it takes 10 units instead of 16."""
    unset, one = seen(keeper, "rabbit-work", prefetch="unset"), seen(keeper, "rabbit-work", prefetch="1")
    assert 1.3 < units(unset) / units(one) < 1.9
    assert busy(unset)[0] < 0.5 * busy(unset)[1]
    assert busy(one)[0] > 0.5 * busy(one)[1]
    assert max(unset.counted("queue", "unacked")) > 2 >= max(one.counted("queue", "unacked"))


@pytest.mark.slow
def test_acknowledgements(keeper: str) -> None:
    """Automatic loses the four that were not done; manual loses none, and what comes again says that it does."""
    auto, manual = seen(keeper, "rabbit-ack", ack="auto"), seen(keeper, "rabbit-ack", ack="manual")
    assert "lost: 4 [3, 4, 5, 6]" in auto.output
    assert "lost: 0 []" in manual.output
    assert redelivered(auto) == 0
    assert redelivered(manual) == 4
    assert max(auto.counted("queue", "unacked")) == 0
    assert max(manual.counted("queue", "unacked")) >= 4
    assert manual.counted("queue", "jobs")[-1] == auto.counted("queue", "jobs")[-1] == 0
    assert len(manual.told("basic.ack")) == 6


def redelivered(run: BrokerRun) -> int:
    return sum(row[4] == "message" and "redelivered" in str(row[5:]) for row in run.json["flows"])
