"""When rows are made of what was collected, the clocks of app.recorder.pace given by hand; and what does not wait for it."""

from __future__ import annotations

import io
import sys
from typing import Any

import psutil
import pytest

from app.core.entries import Entries
from app.core.records import LaneKind
from app.recorder import drain, pace, probe
from app.recorder.pace import AFTERWARDS, LOOKED_ON, Patience
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record
from tests import truths
from tests.observed import Run, script

__all__ = ["script"]


@pytest.mark.parametrize(
    ("patience", "since_s", "waiting", "delayed_s", "idle_s", "due"),
    [
        (LOOKED_ON, pace.TAKE_S / 2, 10, 0.0, 0.0, False),
        (LOOKED_ON, pace.TAKE_S, 0, 0.0, 0.0, True),
        (LOOKED_ON, pace.TAKE_S / 2, LOOKED_ON.records, 0.0, 0.0, True),
        (LOOKED_ON, pace.TAKE_S, 10, pace.TAKE_S / 2, 0.0, False),
        (LOOKED_ON, LOOKED_ON.wait_s, 10, LOOKED_ON.wait_s / 2, 0.0, True),
        (AFTERWARDS, pace.WINDOW_S, 10, 0.0, pace.WINDOW_S, True),
        (AFTERWARDS, pace.WINDOW_S, 10, pace.WINDOW_S / 2, pace.WINDOW_S, False),
        (AFTERWARDS, 3600.0, LOOKED_ON.records, 0.0, 1800.0, False),
        (AFTERWARDS, pace.TAKE_S, AFTERWARDS.records, pace.TAKE_S / 2, 0.0, True),
    ],
    ids=[
        "too soon",
        "in time",
        "too many",
        "cores wanted",
        "not for ever",
        "a core is idle",
        "idle, and not ours",
        "no core is idle",
        "memory bounded",
    ],
)
def test_rows_are_made_in_time_or_when_many_wait_and_later_while_cores_are_wanted(
    patience: Patience,
    since_s: float,
    waiting: int,
    delayed_s: float,
    idle_s: float,
    due: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delayed, idle = 5.0, 7.0
    monkeypatch.setattr(pace, "delayed_s", lambda: delayed)
    monkeypatch.setattr(pace, "idle_s", lambda: idle)
    asked = pace.Pace(patience, 100.0)
    asked.taken(100.0)
    delayed, idle = delayed + delayed_s, idle + idle_s
    assert asked.is_due(100.0 + since_s + 1e-9, waiting) is due


def test_after_an_hour_without_an_idle_core_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = 0.0
    monkeypatch.setattr(pace, "delayed_s", lambda: 0.0)
    monkeypatch.setattr(pace, "idle_s", lambda: idle)
    asked = pace.Pace(AFTERWARDS, 0.0)
    assert not any(asked.is_due(0.008 * turn, 10) for turn in range(450_000))
    due = []
    for turn in range(450_000, 450_050):
        idle += 0.008
        due.append(asked.is_due(0.008 * turn, 10))
    assert due[-1]


def test_the_kernel_says_how_long_its_cores_were_idle() -> None:
    def told() -> float:
        times = psutil.cpu_times()
        return float(times.idle + times.iowait)

    rounding_s = 1e-6  # it adds hundredths of a second before or after they are divided
    before_s, idle_s, after_s = told(), pace.idle_s(), told()
    assert 0 < before_s - rounding_s <= idle_s <= after_s + rounding_s


MANY_PROCESSES = """
import multiprocessing, os, subprocess, sys, threading
def child(n):
    threads = [threading.Thread(target=sum, args=[range(20_000)]) for _ in range(3)]
    for t in threads: t.start()
    for t in threads: t.join()
    print("child", n, flush=True)
if __name__ == "__main__":
    for n in range(3):
        process = multiprocessing.get_context("fork").Process(target=child, args=[n])
        process.start(); process.join()
    subprocess.run([sys.executable, "-c", "print('grandchild')"])
    if not os.fork(): os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
    os.wait()
"""


@pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))
def test_rows_made_in_many_batches_after_the_end_are_those_of_a_run_that_was_looked_on(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came first is taken first: processes, their children, what they became and how they ended."""
    path = script(MANY_PROCESSES)
    monkeypatch.setattr(drain, "BATCH", 100)
    monkeypatch.setattr(pace, "idle_s", lambda: 0.0)
    flushed, left = list[int](), list[int]()
    out = io.BytesIO()
    record(PlainTarget([sys.executable, str(path)]), out, {}, Bounds(), on_flush=flushed.append, afterwards=left.append)
    run = Run(out.getvalue())
    assert left[0] > 1000
    assert left[0] > 0.9 * run.end["records"]
    assert len(flushed) > left[0] / 200  # with all in one batch, four
    assert (run.end["outcome"], run.end["dropped"], run.end["unobserved_processes"]) == ("finished", 0, 0)
    processes = run.lanes(LaneKind.PROCESS)
    assert [lane.parent == processes[0].id for lane in processes[1:]] == [True] * 6
    assert {run.states(lane.id)[-1][1] for lane in processes} == {"finished"}
    assert [len([one for one in run.lanes(LaneKind.THREAD) if one.parent == lane.id]) for lane in processes[1:4]] == [4, 4, 4]
    for holds in (truths.lives_are_covered, truths.nobody_shares_a_gil, truths.threads_and_their_gil_agree):
        holds(run)


class Beside:
    """Counts how often it was asked what it has to say."""

    asked = 0

    def drain(self, _entries: Entries) -> int:
        self.asked += 1
        return 0

    def finish(self, _entries: Entries) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))
def test_what_lies_beside_is_emptied_however_seldom_rows_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker's tap holds little, and its clients wait until that is fetched."""
    asked: list[int] = []
    beside = Beside()
    monkeypatch.setattr(pace.Pace, "is_due", lambda _self, _now_s, _waiting: bool(asked.append(beside.asked)))
    words = [sys.executable, "-c", "import time; [(time.sleep(0.01), print(n, flush=True)) for n in range(20)]"]
    record(PlainTarget(words), io.BytesIO(), {}, Bounds(), beside=[beside])
    assert asked == list(range(1, len(asked) + 1))
    assert len(asked) > 5
