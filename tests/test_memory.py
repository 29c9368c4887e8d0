"""Resident memory: looked up from outside, counted on a lane of the process, zero once it is gone."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core import blocks, recording
from app.core.blocks import BlockKind
from app.core.records import LaneKind
from app.core.timeline import Timeline
from app.recorder import probe
from app.recorder.memory import EVERY_S, MemorySampler
from app.recorder.rings import Ring
from tests.observed import observe, script

__all__ = ["script"]
MIB = 1 << 20


@pytest.fixture
def proc_fd() -> Iterator[int]:
    fd = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def ring(pid: int, slots: int = 0) -> Ring:
    """One that nobody reads: only whose it is and how large."""
    return Ring(-1, pid, 0, 0, "python", slots)


def test_samples_are_counted_on_a_lane_below_the_process_and_end_with_it() -> None:
    timeline = Timeline()
    key = timeline.add_process(7, 1, 100, "python")
    timeline.resident(key, 200, 5 * MIB)
    timeline.resident(key, 300, 9 * MIB)
    first = timeline.take(250)
    timeline.end_process(key, 400)
    header = blocks.MAGIC + blocks.encode_document(BlockKind.HEADER, 0, {"t0_ns": 0})
    run = recording.read([header, first, timeline.take(1000)])
    (memory,) = [lane for lane in run.lanes if lane.kind is LaneKind.MEMORY]
    assert (run.lanes[memory.parent or 0].kind, memory.pid, memory.t_ns) == (LaneKind.PROCESS, 7, 200)
    assert run.counters["lane"].tolist() == [memory.id] * 3
    assert run.counters["value"].tolist() == [5 * MIB, 9 * MIB, 0]
    assert run.counters["t"].tolist()[:2] == [200, 300]


def test_what_was_looked_at_while_a_process_ended_does_not_come_after_its_zero() -> None:
    timeline = Timeline()
    key = timeline.add_process(7, 1, 100, "python")
    timeline.resident(key, 450, 5 * MIB)
    timeline.end_process(key, 400)
    header = blocks.MAGIC + blocks.encode_document(BlockKind.HEADER, 0, {"t0_ns": 0})
    run = recording.read([header, timeline.take(1000)])
    assert run.counters["value"].tolist() == [5 * MIB, 0]
    assert run.counters["t"].tolist() == sorted(run.counters["t"].tolist())


def test_a_process_is_looked_at_and_only_what_changed_is_told(proc_fd: int) -> None:
    sampler = MemorySampler(proc_fd)
    me = ring(os.getpid())
    ((whose, before),) = sampler.changed([me])
    assert whose is me
    with mmap.mmap(-1, 32 * MIB) as fresh:  # pages of its own, not ones that were freed before and are still resident
        for page in range(0, 32 * MIB, mmap.PAGESIZE):
            fresh[page] = 1
        ((_ring, after),) = sampler.changed([me])
    assert 30 * MIB < after - before < 48 * MIB
    assert sampler.changed([ring(2**22 + 1)]) == []


def test_the_probes_own_ring_is_taken_off(proc_fd: int) -> None:
    ((_ring, whole),) = MemorySampler(proc_fd).changed([ring(os.getpid())])
    ((_ring, rest),) = MemorySampler(proc_fd).changed([ring(os.getpid(), slots=1 << 16)])
    assert whole - rest == pytest.approx(2 * MIB, abs=MIB)


def test_many_processes_are_looked_at_less_often(proc_fd: int) -> None:
    sampler = MemorySampler(proc_fd)
    assert sampler.due(1.0)
    sampler.looked(1.0, 1.0001)
    assert not sampler.due(1.0 + EVERY_S / 2)
    assert sampler.due(1.0 + EVERY_S)
    sampler.looked(1.0, 1.5)
    assert not sampler.due(10.0)
    assert not MemorySampler(-1).due(1.0)


@pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))
def test_a_script_that_takes_memory_is_seen_to_take_it(script: Any) -> None:
    run = observe(script("import time\ntime.sleep(0.2)\nkept = bytearray(b'x') * (64 << 20)\ntime.sleep(0.2)\n"))
    (memory,) = run.lanes(LaneKind.MEMORY)
    values = [value for _t, lane, value in run.json["counters"] if lane == memory.id]
    assert 64 * MIB < max(values) < 128 * MIB
    assert min(values[:3]) < 32 * MIB
    assert values[-1] == 0
    assert run.json["header"]["observers"]["memory"] == "sampled: every 20 ms"


def test_lanes_may_open_in_any_order_of_time_however_far_apart() -> None:
    timeline = Timeline()
    late = timeline.add_process(1, 0, 20_000_000_000, "late")
    timeline.resident(late, 30_000_000_000, MIB)
    timeline.add_process(2, 0, 1_000_000_000, "early")
    header = blocks.MAGIC + blocks.encode_document(BlockKind.HEADER, 0, {"t0_ns": 0})
    run = recording.read([header, timeline.take(1 << 40)])
    assert [lane.t_ns for lane in run.lanes[1:]] == [20_000_000_000, 30_000_000_000, 1_000_000_000]
