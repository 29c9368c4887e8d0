"""When rows are made of what was collected, the clocks of app.recorder.pace given by hand; and what does not wait for it."""

from __future__ import annotations

import io
import sys

import pytest

from app.core.entries import Entries
from app.recorder import pace, probe
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record


@pytest.mark.parametrize(
    ("since_s", "waiting", "delayed_s", "due"),
    [
        (pace.TAKE_S / 2, 10, 0.0, False),
        (pace.TAKE_S, 0, 0.0, True),
        (pace.TAKE_S / 2, pace.MOST_WAITING, 0.0, True),
        (pace.TAKE_S, 10, pace.TAKE_S / 2, False),
        (pace.PATIENT_S, 10, pace.PATIENT_S / 2, True),
    ],
    ids=["too soon", "in time", "too many", "others want the cores", "not put off for ever"],
)
def test_rows_are_made_in_time_or_when_many_wait_and_later_while_cores_are_wanted(
    since_s: float, waiting: int, delayed_s: float, due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_s = 5.0
    monkeypatch.setattr(pace, "delayed_s", lambda: told_s)
    asked = pace.Pace()
    asked.taken(100.0)
    told_s += delayed_s
    assert asked.is_due(100.0 + since_s + 1e-9, waiting) is due


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
