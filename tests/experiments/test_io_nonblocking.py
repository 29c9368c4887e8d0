"""A read that never waits: it is asked again and again, at the cost of CPU."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, length, needs_probe, seen

pytestmark = needs_probe
variants = pytest.mark.parametrize("variant", ["spin", "nap"])


def reads(run: Seen) -> list[tuple[int, int, str | None]]:
    """(begin, end, what came) of every read of the main thread from the socket."""
    main = run.one(LaneKind.THREAD, "MainThread")
    line = run.line("data = ours.recv")
    return [(b, e, d.get("text")) for b, e, d in run.waits(main.id, "read") if d.get("line") == line]


@variants
def test_every_read_but_the_last_comes_back_with_eagain(variant: str) -> None:
    run = seen("io-nonblocking", variant=variant)
    came = [text for _begin, _end, text in reads(run)]
    assert came[-1] is None
    assert set(came[:-1]) == {"EAGAIN"}
    (printed,) = re.findall(r"^(\d+) × EAGAIN, then 32768 bytes", run.output)
    assert int(printed) == len(came) - 1
    assert len(came) > {"spin": 1000, "nap": 10}[variant]


@variants
def test_no_read_waits_for_the_data(variant: str) -> None:
    run = seen("io-nonblocking", variant=variant)
    (nap,) = run.stays(run.one(LaneKind.THREAD, "sender"), "sleep")
    tries = reads(run)
    assert sum(end - begin for begin, end, _came in tries[:-1]) / length([nap]) < 0.5
    assert tries[0][0] < nap[1] < tries[-1][0]


def on_core_share(run: Seen) -> float:
    """How much of the time until the data came the main thread was on a core or could have been."""
    main = run.one(LaneKind.THREAD, "MainThread")
    (strip,) = [lane for lane in run.lanes(LaneKind.CPU) if lane.parent == main.id]
    tries = reads(run)
    asking = [(tries[0][0], tries[-1][0])]
    return common(run.stays(strip, "running", "preempted"), asking) / length(asking)


def test_spinning_burns_the_cpu_and_napping_does_not() -> None:
    spin, nap = (seen("io-nonblocking", variant=variant) for variant in ("spin", "nap"))
    if not spin.observer("kernel"):
        pytest.skip("the kernel's switches are not observed here")
    assert on_core_share(spin) > 0.8
    assert on_core_share(nap) < 0.5 * on_core_share(spin)


def test_napping_asks_far_less_often() -> None:
    spin, nap = (len(reads(seen("io-nonblocking", variant=variant))) for variant in ("spin", "nap"))
    assert nap < spin / 5


def test_between_two_tries_it_sleeps_in_one_variant_only() -> None:
    for variant in ("spin", "nap"):
        run = seen("io-nonblocking", variant=variant)
        sleeps = run.stays(run.one(LaneKind.THREAD, "MainThread"), "sleep")
        tries = reads(run)
        between = [sum(a[1] <= begin < b[0] for begin, _end in sleeps) for a, b in pairwise(tries[:50])]
        assert set(between) == {1 if variant == "nap" else 0}
