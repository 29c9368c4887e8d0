"""What one record costs the observed program, beside a bare clock read, and how fast the timeline takes records in."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from app.core import observations as obs
from app.core.records import LaneKind, State
from app.core.timeline import Timeline

_EMIT = r"""
#include <stdio.h>
#include <stdlib.h>
#include "probe.h"
int main(void)
{
    enum { SLOTS = 1 << 18, ROUNDS = 40 };
    struct probe_ring *ring = aligned_alloc(4096, PROBE_SLOTS_OFFSET + SLOTS * sizeof(struct probe_record));
    memset(ring, 0, PROBE_SLOTS_OFFSET + SLOTS * sizeof(struct probe_record));
    ring->slots = SLOTS;
    uint64_t clock = UINT64_MAX, both = UINT64_MAX, sink = 0; /* the round that was interrupted least */
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t a = probe_now();
        for (int i = 0; i < SLOTS; i++) sink += probe_now();
        uint64_t b = probe_now();
        for (int i = 0; i < SLOTS; i++) probe_emit(ring, probe_now(), 1, PROBE_STATE, 1, NULL, 0);
        atomic_store(&ring->tail, atomic_load(&ring->head));
        uint64_t c = probe_now();
        if (b - a < clock) clock = b - a;
        if (c - b < both) both = c - b;
    }
    printf("%.1f %.1f %d\n", (double)clock / SLOTS, (double)both / SLOTS, (int)(sink & 1));
}
"""


def emit_ns() -> tuple[float, float]:
    """Nanoseconds of a clock read, and of a clock read with the record of it. Raises OSError or CalledProcessError without a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "emit.c").write_text(_EMIT)
        include = Path(__file__).resolve().parent.parent / "app/probe"
        words = ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", f"-I{include}", "-o", "emit", "emit.c"]
        subprocess.run(words, cwd=folder, check=True)
        shown = subprocess.run([f"{folder}/emit"], capture_output=True, check=True).stdout.split()
    return float(shown[0]), float(shown[1])


def _taken_per_second() -> float:
    lanes, steps = 10_000, 40
    records = np.zeros(lanes * steps, obs.RECORD)
    records["lane"] = np.tile(np.arange(1, lanes + 1), steps)
    records["kind"], records["t_ns"], records["value"] = obs.Kind.STATE, np.arange(lanes * steps) * 1000, obs.NO_VALUE
    records["state"] = np.where(np.arange(lanes * steps) // lanes % 2, State.READY, State.RUNNING)
    opened = np.zeros(lanes, obs.RECORD)
    opened["lane"], opened["kind"], opened["state"] = np.arange(1, lanes + 1), obs.Kind.LANE, LaneKind.TASK
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, opened)
    begin = time.perf_counter()
    for piece in np.array_split(records, 40):
        timeline.push(process, piece)
        timeline.take(int(piece["t_ns"][-1]))
    return len(records) / (time.perf_counter() - begin)


def measure(_pairs: int) -> None:
    """Prints nanoseconds a record, and records a second."""
    try:
        clock_ns, both_ns = emit_ns()
        print(f"\none record: {both_ns:.0f} ns, of which {clock_ns:.0f} ns read the clock")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"\none record: not measured here: {error}", file=sys.stderr)
    print(f"the timeline takes in {_taken_per_second() / 1e6:.2f} million records a second (encoded and deflated)")
