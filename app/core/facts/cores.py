"""Cores: how many the machine reports, how many it gave before the run, and what others took of them during it."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.recording import Recording
from app.core.records import State
from app.core.spans import Spans, steps


def cores(recording: Recording, strips: Spans | None) -> dict[str, Any]:
    """`{"reported", "given", "calibration", "wanted_ns", "taken_ns"}`.

    `given` and `calibration` (the header's document) are None where nothing was measured before the run. `wanted_ns` is the core time that
    the run's threads wanted, at most all cores at once (they were on a core, or preempted); `taken_ns` what they did not get of it because
    other programs, or a hypervisor, had the cores. None without the kernel's records (`strips`: the threads' CPU strips).
    """
    machine = recording.header.get("machine", {})
    reported = int(machine.get("cores", 0))
    calibration = machine.get("calibration")
    wanted_ns = taken_ns = None
    if strips is not None and reported:
        begin = np.concatenate([strips.in_state(State.ON_CPU).begin, strips.in_state(State.PREEMPTED).begin])
        end = np.concatenate([strips.in_state(State.ON_CPU).end, strips.in_state(State.PREEMPTED).end])
        edges, wanting = steps(begin, end)
        wanted_ns = int((np.minimum(wanting, reported) * np.diff(edges)).sum())
        got_ns = int(strips.in_state(State.ON_CPU).length.sum())
        taken_ns = max(0, wanted_ns - got_ns)
    given = (calibration or {}).get("cores_given")
    return {"reported": reported, "given": given, "calibration": calibration, "wanted_ns": wanted_ns, "taken_ns": taken_ns}
