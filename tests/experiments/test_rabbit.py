"""The experiments with RabbitMQ: each really run against a real node, in the sandbox, as a visitor's run is."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from app.catalogue import read_experiment
from app.core.expectations import expectations
from app.core.facts import facts
from app.recorder import header
from tests.broker_tools import BrokerRun, needs_broker, run_with
from tests.experiments.observe import FOLDER, once

pytestmark = [needs_broker, pytest.mark.sandbox, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def way() -> Iterator[str]:
    """Only in the sandbox: without one a script would want port 5672 of this machine."""
    return iter(["sandboxed"])


@once
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
    first, second = users(run)
    assert (len(first), len(second), first & second) == (1, 1, set())


def users(run: BrokerRun) -> list[set[int]]:
    """Of each connection the processes whose threads are seen to write into it or to read from it."""
    lanes = {lane["id"]: lane for lane in run.json["lanes"]}
    found: dict[int, set[int]] = {lane: set() for lane in lanes if lanes[lane]["kind"] == "connection"}
    for row in run.json["flows"]:
        for connection, thread in ((row[1], row[3]), (row[3], row[1])):
            if connection in found and lanes[thread]["kind"] == "thread":
                found[connection].add(lanes[thread]["pid"])
    return list(found.values())


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
    assert {name: facts(run.recording)["messages"][name] for name in ("published", "delivered", "lost")} == {
        "published": 12,
        "delivered": 0,
        "lost": 9,
    }
    assert facts(run.recording)["broker_lost"] is None  # it was killed because the run asked for it
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
    assert redelivered(auto) == facts(auto.recording)["messages"]["redelivered"] == 0
    assert redelivered(manual) == facts(manual.recording)["messages"]["redelivered"] == 4
    assert facts(manual.recording)["messages"]["acked"] == 6
    assert max(auto.counted("queue", "unacked")) == 0
    assert max(manual.counted("queue", "unacked")) >= 4
    assert manual.counted("queue", "jobs")[-1] == auto.counted("queue", "jobs")[-1] == 0
    assert len(manual.told("basic.ack")) == 6


def redelivered(run: BrokerRun) -> int:
    return sum(row[4] == "message" and "redelivered" in str(row[5:]) for row in run.json["flows"])


# --- exchanges, RPC, other languages, confirms

BOTH, FIRST, SECOND = "[Q1 Q2]", "[Q1]", "[Q2]"
LED_TO = {  # by RabbitMQ's tutorials: what each type of exchange does with the same messages; None leads nowhere
    "direct": dict.fromkeys(["quick.orange.rabbit"], BOTH) | {"lazy.pink.rabbit": SECOND},
    "fanout": {},
    "topic": {
        "quick.orange.rabbit": BOTH,
        "lazy.orange.elephant": BOTH,
        "quick.orange.fox": FIRST,
        "lazy.brown.fox": SECOND,
        "lazy.pink.rabbit": SECOND,
        "lazy.orange.male.rabbit": SECOND,
    },
    "headers": {
        "quick.orange.rabbit": BOTH,
        **dict.fromkeys(["lazy.orange.elephant", "lazy.brown.fox", "lazy.pink.rabbit", "lazy.orange.male.rabbit"], SECOND),
    },
}


def led(run: BrokerRun) -> dict[str, str]:
    """What the script prints: where each message came out."""
    return {line.split()[0]: line[25:].strip() for line in run.output.splitlines()}


@pytest.mark.parametrize("unroutable", ["dropped", pytest.param("returned", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "kind", ["topic", *(pytest.param(one, marks=pytest.mark.slow) for one in ("direct", "fanout", "headers"))]
)
def test_exchanges(keeper: str, kind: str, unroutable: str) -> None:
    """Where messages came out, and where the frames say they went, are the same; what leads nowhere is dropped or returned."""
    run = seen(keeper, "rabbit-exchanges", type=kind, unroutable=unroutable)
    printed = led(run)
    assert len(printed) == 7
    expected = dict.fromkeys(printed, BOTH if kind == "fanout" else f"nobody: {unroutable}") | LED_TO[kind]
    assert printed == expected
    lanes = {lane["id"]: lane["name"] for lane in run.json["lanes"]}
    drawn: dict[str, list[str]] = {key: [] for key in printed}
    for _t, source, _t2, target, what, detail in sorted(run.json["flows"], key=lambda row: row[0]):
        if what == "message" and lanes[source] == "animals" and lanes[target] in ("Q1", "Q2"):
            drawn[words_of([*[None] * 5, detail])].append(lanes[target])
    assert {key: f"[{' '.join(queues)}]" if queues else f"nobody: {unroutable}" for key, queues in drawn.items()} == expected
    nowhere = [key for key, where in expected.items() if where.startswith("nobody")]
    assert [mark["key"] for mark in run.told("unroutable")] == nowhere
    returned = [(mark["key"], mark["code"]) for mark in run.told("basic.return")]
    assert returned == ([(key, 312) for key in nowhere] if unroutable == "returned" else [])


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "answers"), [(1, [30, 5]), (2, [5, 30])])
def test_rpc(keeper: str, servers: int, answers: list[int]) -> None:
    """fib(30) = 832040; an answer carries its request's number to the queue that the request named."""
    run = seen(keeper, "rabbit-rpc", servers=servers)
    found = [line.split() for line in run.output.splitlines() if line.startswith("answer")]
    assert [(int(words[1]), words[3]) for words in found] == [({30: 832040, 5: 5}[n], f"fib({n})") for n in answers]
    steps = [row for row in run.json["flows"] if row[4] == "message" and '"head"' in str(row[5])]
    published = [json.loads(words_of(row)) for row in sorted(steps, key=lambda row: row[0])]
    requests = [one for one in published if one["key"] == "rpc_queue"]
    replies = [one for one in published if one["key"] != "rpc_queue"]
    assert [one["head"] for one in requests] == ["30", "5"]
    number_of = {one["correlation_id"]: int(one["head"]) for one in requests}
    assert [number_of[one["correlation_id"]] for one in replies] == answers
    assert {one["key"] for one in replies} == {one["reply_to"] for one in requests}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("amqp-consume") is None, reason="needs amqp-tools")
@pytest.mark.parametrize("c", ["consumes", "publishes"])
def test_a_c_program_is_drawn_as_python_is(keeper: str, c: str) -> None:
    run = seen(keeper, "rabbit-languages", c=c)
    assert run.messages().count(("queue", "consumer")) == 3
    assert run.messages().count(("channel", "exchange")) == 3
    products = [mark["product"] for mark in run.told("client")]
    assert sorted(set(products)) == ["Pika Python Client Library", "rabbitmq-c"]
    python, *others = users(run)  # a program that is no Python is not observed, and nobody is named for it
    assert (len(python), set().union(*others)) == (1, set())
    assert max(run.counted("queue", "greetings")) >= 1
    assert run.counted("queue", "greetings")[-1] == 0


@pytest.mark.slow
def test_confirms_close_the_window_of_loss(keeper: str) -> None:
    """The same crash: without confirms messages are lost, with them none; nothing that was confirmed is missing."""

    def figures(run: BrokerRun) -> tuple[int, int, int]:
        back, last = (line for line in run.output.splitlines() if line.startswith(("the broker is back", "lost")))
        numbers = [int(word) for word in re.findall(r"\d+", back)]
        return numbers[0], numbers[1], int(last.split()[1])

    off, on = (seen(keeper, "rabbit-confirm", confirms=each) for each in ("off", "on"))
    for run in (off, on):
        assert len(run.told("broker killed")) == len(run.told("broker restarted")) == 1
    survived, handed_over, lost = figures(off)
    assert lost == handed_over - survived > 0
    assert off.told("confirm") == []
    survived, handed_over, lost = figures(on)
    assert lost == 0
    assert survived >= handed_over
    killed_ns = broker_mark(on, "broker killed")
    assert sum(t < killed_ns for t in marks_of(on, "confirm")) <= handed_over
    assert len(on.told("confirm")) >= 60


def words_of(row: list[Any]) -> str:
    """The text of a flow's detail."""
    return str(row[5]["text"] if isinstance(row[5], dict) else row[5])


def marks_of(run: BrokerRun, what: str) -> list[int]:
    return [row[0] for row in run.json["marks"] if row[2] == "broker" and json.loads(row[3])["what"] == what]


def broker_mark(run: BrokerRun, what: str) -> int:
    (t_ns,) = marks_of(run, what)
    return t_ns
