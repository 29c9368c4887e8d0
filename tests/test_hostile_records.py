"""Records that a hostile script may forge: the recording stays one that can be read, whatever they say of lanes, objects and bytes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core import blocks, recording
from app.core import observations as obs
from app.core.blocks import BlockKind
from app.core.kernel import SWITCH
from app.core.records import FlowKind, LaneKind, MarkKind, State
from app.core.timeline import Timeline

VALUES = np.array(
    [0, 1, 3, 5, 1 << 63, 1 << 63 | 3 << 40 | 7, 3 << 40 | 9, (1 << 64) - 1, (1 << 64) - 2, 1 << 40, 1 << 32], np.uint64
)
STATES = {
    obs.Kind.STATE: [State.RUNNING, State.READ, State.WRITE, State.PIPE, State.LOCK, State.COPY, State.POLL],
    obs.Kind.LANE: [LaneKind.PROCESS, LaneKind.THREAD, LaneKind.LOOP, LaneKind.TASK],
    obs.Kind.NAME: [0],
    obs.Kind.FLOW: list(FlowKind),
    obs.Kind.FAR_FLOW: list(FlowKind),
    obs.Kind.MARK: list(MarkKind),
    obs.Kind.GIL: [0, 1, 2, 3, 200],
    obs.Kind.OBJECT: [0, 255],
    obs.Kind.ABOUT: [0, 1, 2, 3, 255],
}


def forged(random: np.random.Generator) -> NDArray[np.void]:
    records = np.zeros(int(random.integers(1, 400)), obs.RECORD)
    for record in records:
        kind = random.choice(list(STATES))
        record["kind"], record["state"] = kind, random.choice(STATES[kind])
        record["t_ns"], record["lane"] = random.integers(0, 5000), random.integers(0, 8)
        record["text"], record["line"], record["value"] = random.integers(0, 5), random.integers(0, 20), random.choice(VALUES)
    return records


def switches(random: np.random.Generator) -> NDArray[np.void]:
    rows = np.zeros(50, SWITCH)
    rows["t"], rows["tid"] = np.sort(random.integers(0, 5000, 50)), random.integers(0, 20, 50)
    rows["core"], rows["what"] = random.integers(0, 2, 50), random.integers(1, 5, 50)
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_what_is_forged_stays_within_its_recording(seed: int) -> None:
    random, timeline, out = np.random.default_rng(seed), Timeline(), b""
    if seed % 2:
        timeline.observe_kernel()
    processes = [timeline.add_process(10, 9, 5, "one"), timeline.add_process(11, 10, 5, "two")]
    for _turn in range(4):
        for process in processes:
            timeline.push(process, forged(random))
        timeline.switches(switches(random))
        out += timeline.take(int(random.integers(0, 6000)))
    out += timeline.take(1 << 63)
    run = recording.read([blocks.MAGIC, blocks.encode_document(BlockKind.HEADER, 0, {}), out])
    lanes = len(run.lanes)
    for column in (run.states["lane"], run.flows["from"], run.flows["to"], run.marks["lane"]):
        assert (column < lanes).all()
    assert all(number < len(run.details) and holder < lanes for number, (_object, holder) in run.objects.items())
    assert (run.flows["t"] <= run.flows["t2"]).all()
    for lane in range(lanes):
        assert all(before <= after for before, after in pairwise(run.states["t"][run.states["lane"] == lane].tolist()))
