"""Ready and waiting told apart, who woke whom, cancellation and timeout."""

from __future__ import annotations

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, common, in_order, needs_probe, seen

pytestmark = needs_probe


def tasks(run: Seen, function: str) -> list[Lane]:
    """The tasks of a coroutine function; the name of a lane ends with it."""
    return [lane for lane in run.lanes(LaneKind.TASK) if lane.name.split()[-1] == function]


def reasons(run: Seen, lane: Lane) -> list[str]:
    return [detail["reason"] for _begin, _end, detail in run.waits(lane.id, "waiting")]


def test_each_task_waits_for_what_it_awaits() -> None:
    run = seen("asyncio-tasks")
    (produce,), (consume,), runners = (tasks(run, name) for name in ("produce", "consume", "run"))
    assert reasons(run, produce) == ["timer"] * 3
    assert reasons(run, consume) == ["queue"] * 3
    assert [reasons(run, runner) for runner in runners] == [["event"]] * 3
    lines = {detail["line"] for lane in runners for _b, _e, detail in run.waits(lane.id, "waiting")}
    assert lines == {run.line("await start.wait()")}
    assert {d["line"] for _b, _e, d in run.waits(consume.id, "waiting")} == {run.line("await queue.get()")}


def test_the_producer_wakes_the_consumer_and_the_consumer_all_runners() -> None:
    run = seen("asyncio-tasks")
    (produce,), (consume,), runners = (tasks(run, name) for name in ("produce", "consume", "run"))
    wakes = run.arrows("wake")
    assert [arrow for arrow in wakes if arrow[1] == consume.id] == [(produce.id, consume.id)] * 3
    assert [arrow for arrow in wakes if arrow[0] == consume.id] == [(consume.id, runner.id) for runner in runners]


def test_runners_become_ready_together_and_run_one_after_another() -> None:
    run = seen("asyncio-tasks")
    runners = tasks(run, "run")
    ready = [run.stays(lane, "ready")[-1] for lane in runners]
    ran = [run.stays(lane, "running")[-1] for lane in runners]
    shortest = min(end - begin for begin, end in ran)
    assert max(begin for begin, _end in ready) - min(begin for begin, _end in ready) < shortest / 10
    assert in_order(ran)
    # While one computes, those behind it are ready and do not wait for anything.
    for n, span in enumerate(ran):
        for behind in ready[n + 1 :]:
            assert common([span], [behind]) / (span[1] - span[0]) > 0.9


def test_main_makes_every_task_of_the_script() -> None:
    run = seen("asyncio-tasks")
    (main,) = tasks(run, "main")
    made = {lane.id for name in ("run", "produce", "consume", "sleep_long") for lane in tasks(run, name)}
    assert {to for begin, to in run.arrows("spawn") if begin == main.id} == made


def test_the_unwanted_and_the_slow_end_cancelled_and_only_the_first_by_a_task() -> None:
    run = seen("asyncio-tasks")
    (main,) = tasks(run, "main")
    unwanted, slow = tasks(run, "sleep_long")
    assert [run.names(lane)[-1] for lane in (unwanted, slow)] == ["cancelled", "cancelled"]
    wakes = run.arrows("wake")
    assert (main.id, unwanted.id) in wakes
    assert (main.id, slow.id) not in wakes
    # The timeout itself waits in main for the task that is too slow.
    waited = [detail for _b, _e, detail in run.waits(main.id, "waiting") if detail["reason"] == "task"]
    assert [(detail["lane"], detail["line"]) for detail in waited] == [(slow.id, run.line('name="too slow"'))]
    assert (slow.id, main.id) in wakes
    assert run.said(main) == ["timeout"]
    assert run.names(main)[-1] == "finished"


def test_lines_are_printed_by_the_task_that_prints() -> None:
    run = seen("asyncio-tasks")
    (consume,) = tasks(run, "consume")
    assert run.said(consume) == ["item 0", "item 1", "item 2"]
    assert [run.said(lane)[0].rpartition(" ")[0] for lane in tasks(run, "run")] == ["runner 0", "runner 1", "runner 2"]


def test_as_many_runners_as_asked_for() -> None:
    assert len(tasks(seen("asyncio-tasks", runners=7), "run")) == 7
