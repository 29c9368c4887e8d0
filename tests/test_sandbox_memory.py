"""Memory of a run: every way to have some is counted, and counted once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.records import Outcome
from app.sandbox.launch import bubblewrap
from tests.sandboxed import MIB, held, next_run, nothing_left, prints, sandboxed  # noqa: F401

pytestmark = pytest.mark.skipif(bubblewrap() is None, reason="bubblewrap is not installed")


SHARED = """
    import mmap, signal
    kept = []
    for _ in range({count}):
        kept.append(mmap.mmap(-1, {size}))
        for offset in range(0, {touched}, 4096): kept[-1][offset] = 1
        {then}
    print("held", flush=True)
    signal.pause()
"""


UNMAPPED = "kept[-1].madvise(mmap.MADV_DONTNEED)"


CLOSED = "; __import__('ctypes').CDLL(None).prctl(4, 0)"  # PR_SET_DUMPABLE: others with its user id cannot look into it


@pytest.mark.parametrize("then", [UNMAPPED, UNMAPPED + CLOSED, "pass"])
def test_shared_pages_count_whether_or_not_they_are_in_a_page_table(then: str) -> None:
    result = sandboxed(SHARED.format(count=10, size=32 * MIB, touched=32 * MIB, then=then), memory_bytes=128 * MIB)
    assert (result.outcome, result.end["bound"]) == (Outcome.MEMORY_LIMIT, 128 * MIB)


def test_a_large_shared_mapping_that_is_hardly_used_counts_little() -> None:
    lines = Path("/proc/meminfo").read_text().splitlines()
    machine = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Shmem:"))
    with held(SHARED.format(count=1, size=1024 * MIB, touched=MIB, then="pass"), memory_bytes=512 * MIB) as run:
        assert run.usage().memory_bytes < machine + 64 * MIB


def test_no_process_has_memory_of_its_own_that_is_not_counted() -> None:
    result = sandboxed("""
        import mmap, os, signal
        ready = os.pipe()
        for _ in range(40):
            if os.fork() == 0:
                kept = mmap.mmap(-1, 8 << 20)
                kept.write(bytes(8 << 20))
                os.write(ready[1], b"x")
                signal.pause()
            os.read(ready[0], 1)
        signal.pause()
    """, memory_bytes=256 * MIB)  # fmt: skip
    assert result.outcome is Outcome.MEMORY_LIMIT


def test_a_ring_is_not_charged_to_the_process_that_has_it() -> None:
    with held("""
        import mmap, os, signal
        file = os.open("/run/schedscope/rings/1.ring", os.O_RDWR | os.O_CREAT)
        os.truncate(file, 8 << 20)
        mmap.mmap(file, 8 << 20).write(bytes(8 << 20))
        print("mapped", flush=True)
        before = signal.pause()
    """) as ring, held("import signal; print('nothing', flush=True); signal.pause()") as nothing:  # fmt: skip
        assert abs(ring.usage().memory_bytes - nothing.usage().memory_bytes) < 4 * MIB


FAMILY = """
    import os, signal
    ballast = bytearray(b"x" * (40 << 20))
    ready = os.pipe()
    for _ in range(6):
        if os.fork() == 0:
            {then}
            os.write(ready[1], b"x")
            signal.pause()
    for _ in range(6): os.read(ready[0], 1)
    print("held", flush=True)
    signal.pause()
"""


def test_pages_that_fork_left_shared_count_once() -> None:
    with held(FAMILY.format(then="pass"), memory_bytes=128 * MIB) as run:
        used = [run.usage().memory_bytes]
        while used[-1] <= 40 * MIB and len(used) < 10_000:  # until none is so young that it may be a vfork
            used.append(run.usage().memory_bytes)
    assert 40 * MIB < used[-1] <= max(used) < 128 * MIB


def test_pages_that_were_written_after_fork_count_for_each_but_not_at_the_first_look() -> None:
    copied = "for offset in range(0, 40 << 20, 4096): ballast[offset] = 1"
    with held(FAMILY.format(then=copied), memory_bytes=128 * MIB) as run:
        used = [run.usage().memory_bytes]
        while used[-1] <= 128 * MIB and len(used) < 10_000:  # a child is left out while it is so young that it may be a vfork
            used.append(run.usage().memory_bytes)
    assert len(used) > 1
    assert used[-1] > 240 * MIB


def test_a_child_between_vfork_and_exec_does_not_count_twice() -> None:
    assert prints("""
        import subprocess
        ballast = b"x" * (90 << 20)
        for _ in range(100): subprocess.run(["/bin/true"])
        print("done")
    """, memory_bytes=128 * MIB) == ["done"]  # fmt: skip


def test_files_without_content_are_bounded_among_the_rings_too() -> None:
    result = sandboxed("i = 0\nwhile True: open(f'/run/schedscope/rings/{i}.ring', 'w').close(); i += 1", tmp_inodes=500)
    assert (result.outcome, result.end["limit"]) == (Outcome.MEMORY_LIMIT, "tmp_inodes")


def test_memory_that_is_only_reserved_does_not_count() -> None:
    assert prints("kept = [bytes(1 << 26) for _ in range(64)]\nprint('4 GiB reserved')", memory_bytes=64 * MIB) == [
        "4",
        "GiB",
        "reserved",
    ]


def test_should_the_machine_run_out_of_memory_the_script_goes_first() -> None:
    assert prints("print(open('/proc/self/oom_score_adj').read())") == ["1000"]
