"""One blocking call, and every other coroutine of the loop is ready but not running."""

from __future__ import annotations

import pytest

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, common, length, needs_probe, seen

pytestmark = needs_probe
FRAMEWORKS = {"asyncio": LaneKind.TASK, "gevent": LaneKind.GREENLET}
frameworks = pytest.mark.parametrize("framework", FRAMEWORKS)


def lanes(run: Seen, framework: str) -> tuple[Lane, list[Lane]]:
    """The lane of the job, and those of the tickers."""
    kind = FRAMEWORKS[framework]
    return run.one(kind, f"{framework}_job"), run.named(kind, f"{framework}_tick")


def second(run: Seen, framework: str, variant: str) -> Span:
    """The second that the job takes: it runs through it, or waits."""
    job, _ticks = lanes(run, framework)
    states = ("running",) if variant == "blocking" else ("waiting",)
    return max(run.stays(job, *states), key=lambda span: span[1] - span[0])


def ready_shares(run: Seen, framework: str, span: Span) -> list[float]:
    """For each ticker, which share of the span it spent ready."""
    _job, ticks = lanes(run, framework)
    return [common(run.stays(tick, "ready"), [span]) / length([span]) for tick in ticks]


@frameworks
def test_blocked_all_others_are_ready_and_none_runs(framework: str) -> None:
    run = seen("blocking-in-coroutine", framework=framework, variant="blocking")
    blocked = second(run, framework, "blocking")
    shares = ready_shares(run, framework, blocked)
    assert len(shares) == 3
    assert min(shares) >= 0.8
    _job, ticks = lanes(run, framework)
    assert all(common(run.stays(tick, "running"), [blocked]) == 0 for tick in ticks)


@frameworks
def test_the_stall_is_a_sleep_of_the_thread_at_its_line(framework: str) -> None:
    run = seen("blocking-in-coroutine", framework=framework, variant="blocking")
    blocked = second(run, framework, "blocking")
    (thread,) = run.lanes(LaneKind.THREAD)
    begin, end, detail = max(run.waits(thread.id, "sleep"), key=lambda wait: wait[1] - wait[0])
    assert common([(begin, end)], [blocked]) / length([blocked]) > 0.9
    sleeps = [n for n, text in enumerate(run.source.splitlines(), 1) if text.strip() == "time.sleep(1)"]
    assert detail["line"] == sleeps[list(FRAMEWORKS).index(framework)]
    # CPython sleeps until a deadline: the call is told what is left of the second by then.
    assert 0.99e9 < detail["delay_ns"] <= 1e9


@frameworks
@pytest.mark.parametrize("variant", ["await", pytest.param("executor", marks=pytest.mark.slow)])
def test_a_wait_that_yields_leaves_the_ticks_alone(framework: str, variant: str) -> None:
    run = seen("blocking-in-coroutine", framework=framework, variant=variant)
    span = second(run, framework, variant)
    assert max(ready_shares(run, framework, span)) < 0.2
    _job, ticks = lanes(run, framework)
    for tick in ticks:
        assert sum(span[0] < begin < span[1] for begin, _end in run.stays(tick, "running")) >= 5


@frameworks
@pytest.mark.slow
def test_the_executor_sleeps_in_another_thread(framework: str) -> None:
    run = seen("blocking-in-coroutine", framework=framework, variant="executor")
    span = second(run, framework, "executor")
    main, *others = run.lanes(LaneKind.THREAD)
    assert not run.stays(main, "sleep")
    assert max(common(run.stays(other, "sleep"), [span]) / length([span]) for other in others) > 0.9


@frameworks
def test_the_job_waits_for_its_own_timer(framework: str) -> None:
    run = seen("blocking-in-coroutine", framework=framework, variant="await")
    job, _ticks = lanes(run, framework)
    waits = [detail for _begin, _end, detail in run.waits(job.id, "waiting")]
    assert [(detail["reason"], detail["delay_ns"]) for detail in waits] == [("timer", 250_000_000), ("timer", 1_000_000_000)]
    assert waits[1]["line"] == run.line({"asyncio": "await asyncio.sleep(1)", "gevent": "gevent.sleep(1)"}[framework])


def test_as_many_tickers_as_asked_for() -> None:
    run = seen("blocking-in-coroutine", variant="await", tickers=5)
    assert len(lanes(run, "asyncio")[1]) == 5
