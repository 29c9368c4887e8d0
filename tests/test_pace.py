"""When rows are made of what was collected: app.recorder.pace alone, its clocks given by hand."""

from __future__ import annotations

import pytest

from app.recorder import pace


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
