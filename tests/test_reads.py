"""Reads split into wait and copy, and the checks that ask for it, on recordings whose answer is known beforehand."""

from __future__ import annotations

import pytest

from app.core import recording
from app.core.reads import reads_of
from app.core.records import LaneKind, State
from app.core.spans import spans_of
from tests.samples import MS, Maker
from tests.test_expectations import judge


def reader(make: Maker, *strip: tuple[int, State], came: str = "", read: tuple[int, int] = (10, 90)) -> int:
    """A thread `reader` that reads from 10 to 90 ms, and its strip: (ms, state) …"""
    process = make.lane(0, 0, LaneKind.PROCESS, "demo")
    thread = make.lane(0, process, LaneKind.THREAD, "reader", tid=7)
    cpu = make.lane(0, thread, LaneKind.CPU, "cpu", tid=7)
    make.state(0, thread, State.RUNNING)
    make.state(read[0] * MS, thread, State.READ, make.detail(5, came, "/run/demo.py", 3))
    make.state(read[1] * MS, thread, State.RUNNING)
    make.state(99 * MS, thread, State.FINISHED)
    make.state(0, cpu, State.ON_CPU)
    for t_ms, state in strip:
        make.state(t_ms * MS, cpu, state)
    return thread


OFF_UNTIL_87 = ((11, State.OFF_CPU), (87, State.ON_CPU))


@pytest.mark.parametrize(
    ("strip", "waited_ms", "copy_ms"),
    [
        (OFF_UNTIL_87, 76, 3),
        ((), 0, 80),
        (((20, State.PREEMPTED), (50, State.ON_CPU)), 0, 80),
        (((20, State.OFF_CPU), (30, State.ON_CPU), (40, State.OFF_CPU), (80, State.ON_CPU)), 50, 10),
        (((5, State.OFF_CPU), (8, State.ON_CPU), (95, State.OFF_CPU)), 0, 80),
    ],
    ids=["waits once", "never", "preempted", "woken twice", "off before and after"],
)
def test_a_read_waits_off_the_cores_and_copies_on_them(
    strip: tuple[tuple[int, State], ...], waited_ms: int, copy_ms: int
) -> None:
    make = Maker()
    thread = reader(make, *strip)
    run = recording.read([make.blocks(100 * MS)])
    (read,) = reads_of(run, spans_of(run), [thread])
    assert (read.waited_ns, read.copy_ns, read.refused) == (waited_ms * MS, copy_ms * MS, False)


def test_a_refused_read_copies_nothing() -> None:
    make = Maker()
    thread = reader(make, came="EAGAIN")
    run = recording.read([make.blocks(100 * MS)])
    (read,) = reads_of(run, spans_of(run), [thread])
    assert (read.copy_ns, read.refused) == (0, True)


def test_waits_then_copies() -> None:
    make = Maker()
    reader(make, *OFF_UNTIL_87)
    said = judge(make, "waits_then_copies", named="reader")
    assert (said["verdict"], said["figures"]) == ("holds", {"wait_ns": 76 * MS, "copy_ns": 3 * MS})
    assert [span["duration_ns"] for span in said["spans"]] == [3 * MS, 80 * MS]
    make = Maker()
    reader(make)
    assert judge(make, "waits_then_copies", named="reader")["verdict"] == "fails"
    assert judge(make, "waits_then_copies", named="nobody")["verdict"] == "fails"


def test_copies_without_waiting() -> None:
    make = Maker()
    reader(make)
    said = judge(make, "copies_without_waiting", named="reader")
    assert (said["verdict"], said["figures"]) == ("holds", {"reads": 1, "wait_ns": 0, "copy_ns": 80 * MS})
    assert judge(make, "copies_without_waiting", named="reader", least=2)["verdict"] == "fails"
    make = Maker()
    reader(make, *OFF_UNTIL_87)
    assert judge(make, "copies_without_waiting", named="reader")["verdict"] == "fails"


@pytest.mark.parametrize(("came", "least", "verdict"), [("EAGAIN", 1, "holds"), ("", 1, "fails"), ("EAGAIN", 2, "fails")])
def test_reads_refused(came: str, least: int, verdict: str) -> None:
    make = Maker()
    reader(make, came=came)
    assert judge(make, "reads_refused", named="reader", least=least)["verdict"] == verdict


def test_never_reads() -> None:
    make = Maker()
    reader(make)
    assert judge(make, "never_reads", named="reader")["verdict"] == "fails"
    assert judge(make, "never_reads", named="other")["verdict"] == "holds"
