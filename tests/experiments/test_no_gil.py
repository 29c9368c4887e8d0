"""On a free-threaded interpreter threads run Python code at once; there is no GIL to be seen."""

from __future__ import annotations

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, needs_probe, parallelism, seen

pytestmark = needs_probe


def rounds(run: Seen) -> list[list[Lane]]:
    """The threads of each round: 1, then 2, then 4."""
    _main, *threads = run.lanes(LaneKind.THREAD)
    assert len(threads) == 7
    return [threads[:1], threads[1:3], threads[3:]]


def test_the_recording_says_that_there_is_no_gil() -> None:
    run = seen("no-gil")
    assert run.json["header"]["interpreter"]["free_threaded"] is True
    assert run.json["header"]["observers"]["gil"].startswith("none")
    assert run.lanes(LaneKind.GIL) == []
    assert run.output.splitlines()[0].endswith("GIL: no")


def test_threads_run_at_once_and_none_waits_for_a_gil() -> None:
    run = seen("no-gil")
    for lanes in rounds(run)[1:]:
        # From its start to its end each is running: whether it has a core is for the kernel to say.
        assert parallelism(span for lane in lanes for span in run.stays(lane, "running")) > 1.1
    for lanes in rounds(run):
        assert all(not run.stays(lane, "gil-wait", "no-gil") for lane in lanes)


def test_on_several_cores_where_there_are() -> None:
    run = seen("no-gil")
    if not run.observer("kernel") or run.json["header"]["machine"]["cores"] < 2:
        return
    first, second = (
        run.stays(strip, "running") for lane in rounds(run)[1] for strip in run.lanes(LaneKind.CPU) if strip.parent == lane.id
    )
    assert common(first, second) > 0
