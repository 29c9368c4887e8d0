"""The cores a machine gives are measured by work, kept for a while, and never measured beside a run."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.recorder.calibration import calibrate
from app.web.calibration import Calibrator


def test_two_processes_on_one_core_are_given_one_core() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        confined = calibrate(cores=2)
    finally:
        os.sched_setaffinity(0, allowed)
    assert confined["processes"] == 2
    assert confined["cores_given"] < 1.6  # one, and room for whoever else is on that core meanwhile


def test_more_cores_give_more_work_than_one() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core")
    most = max(calibrate()["cores_given"] for _ in range(3))
    assert 0.5 < most <= len(os.sched_getaffinity(0))


def test_processes_that_start_late_are_measured_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = tmp_path / "python"
    late.write_text(f'#!/bin/sh\nsleep 0.4\nexec {sys.executable} "$@"\n')
    late.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(late))
    assert calibrate(cores=2)["cores_given"] > 0.5


def test_a_measurement_is_kept_and_none_is_made_beside_a_run() -> None:
    made: list[float] = []

    def measure() -> dict[str, Any]:
        made.append(time.time())
        return {"cores_given": 2.0, "measured_s": made[-1]}

    async def story() -> None:
        calibrator = Calibrator(measure, fresh_s=60)
        assert await calibrator.cores(alone=False) is None
        first, second = await asyncio.gather(calibrator.cores(alone=True), calibrator.cores(alone=True))
        assert first == second == await calibrator.cores(alone=False)
        assert len(made) == 1
        stale = Calibrator(measure, fresh_s=0)
        await stale.cores(alone=True)
        await stale.cores(alone=True)
        assert len(made) == 3

    asyncio.run(story())


def test_what_cannot_be_measured_is_absent() -> None:
    def measure() -> dict[str, Any]:
        raise OSError("no more processes")

    assert asyncio.run(Calibrator(measure).cores(alone=True)) is None
