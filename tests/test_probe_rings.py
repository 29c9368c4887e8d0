"""The rings of the probe, as they are when nobody reads them or somebody hostile wrote them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.recorder import probe
from app.recorder.rings import Ring, RingError, RingFolder
from tests.observed import observed_environment, rings_in

pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


def open_rings(folder: Path) -> list[Ring]:
    fd = os.open(folder, os.O_RDONLY)
    try:
        return RingFolder(fd).new_rings()
    finally:
        os.close(fd)


def make_ring(folder: Path) -> Path:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.001)"], env=observed_environment(folder), check=True)
    (name,) = rings_in(folder)
    return folder / name


def test_a_ring_that_nobody_reads_counts_what_it_loses_and_holds_nobody_up(tmp_path: Path) -> None:
    code = "import os\nr, w = os.pipe()\nfor _ in range(160_000): os.write(w, b'x'); os.read(r, 1)"
    subprocess.run([sys.executable, "-c", code], env=observed_environment(tmp_path), check=True)
    (ring,) = open_rings(tmp_path)
    records = ring.drain()
    assert not ring.alive()
    assert len(records) == ring.slots
    assert len(records) + ring.dropped > 4 * 160_000
    assert len(ring.drain()) == 0
    ring.close()


def test_a_ring_without_room_leaves_the_program_unobserved(tmp_path: Path) -> None:
    unwritable = tmp_path / "nowhere"
    seen = subprocess.run(
        [sys.executable, "-c", "print(1)"], capture_output=True, env=observed_environment(unwritable), check=True
    )
    assert seen.stdout == b"1\n"


def test_hostile_rings_are_bounded_or_refused(tmp_path: Path) -> None:
    path = make_ring(tmp_path)
    good = path.read_bytes()
    head_at, slots_at = 256, 12
    for at, value in ((head_at, 2**63), (head_at, 2**64 - 1), (slots_at, 2**31), (slots_at, 3), (0, 1)):
        data = bytearray(good)
        data[at : at + 8 if at != slots_at else at + 4] = value.to_bytes(8 if at != slots_at else 4, "little")
        path.write_bytes(data)
        try:
            ring = Ring.open(os.open(path, os.O_RDWR))
        except RingError:
            continue
        assert len(ring.drain()) <= ring.slots
        ring.close()
    for size in (0, 100, 5000):
        path.write_bytes(good)
        ring = Ring.open(os.open(path, os.O_RDWR))
        os.truncate(path, size)
        ring.drain()
        assert len(ring.drain()) == 0
        ring.close()


def test_only_regular_rings_are_opened(tmp_path: Path) -> None:
    path = make_ring(tmp_path)
    shutil.copy(path, tmp_path / "elsewhere")
    path.unlink()
    os.symlink(tmp_path / "elsewhere", tmp_path / "1-1.ring")
    os.mkfifo(tmp_path / "2-2.ring")
    os.mkdir(tmp_path / "3-3.ring")
    fd = os.open(tmp_path, os.O_RDONLY)
    folder = RingFolder(fd)
    assert folder.new_rings() == []
    assert folder.refused == 3
    os.close(fd)
