"""An interpreter for which no extension was built: what the preloaded library sees by itself is still the truth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.core.facts import facts
from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import observe, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(not probe.LIBRARY.exists(), reason="libprobe.so is not built")


def test_threads_calls_and_the_gil_are_seen_without_the_extension(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "probe/boot"
    shutil.copytree(probe.BOOT, bare)
    monkeypatch.setattr(probe, "BOOT", bare)
    run = observe(
        script("""
import threading, time
def spins(n=2_000_000):
    while n: n -= 1
threads = [threading.Thread(target=spins) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
time.sleep(0.05)
print("done")
""")
    )
    assert run.output == "done\n"
    assert len(run.lanes(LaneKind.THREAD)) == 3
    (gil,) = facts(run.recording)["gils"]
    assert gil["handovers"] > 10
    main = run.lanes(LaneKind.THREAD)[0]
    slept = [end - begin for begin, end, _detail in run.waits(main.id, "sleep")]
    assert len(slept) == 1
    assert run.marks() == [(main.id, "done")]
