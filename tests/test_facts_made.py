"""Facts of recordings made by hand, to the nanosecond: whoever held the GIL, wanted a core, waited longest."""

from __future__ import annotations

from typing import Any

from app.core import recording
from app.core.facts import facts
from app.core.facts.lanes import MOST_ROWS
from app.core.records import LaneKind, MarkKind, State
from tests.samples import MS, T0_NS, Maker

ON, OFF, PREEMPTED = State.ON_CPU, State.OFF_CPU, State.PREEMPTED
RUNS, WAITS = State.RUNNING, State.GIL_WAIT
TIDS = {"a": 11, "b": 12, "c": 13}


def facts_of(make: Maker, **header: Any) -> dict[str, Any]:
    run = recording.read([make.blocks(0)])
    run.header |= {"observers": {"threads": "exact", "gil": "exact", "kernel": "exact"}, **header}
    return facts(run)


def does(make: Maker, lane: int, *states: tuple[int, State], tids: tuple[int, ...] = ()) -> int:
    """The lane's states by their begin in milliseconds; of a GIL's, who held it."""
    for number, (at_ms, state) in enumerate(states):
        make.state(at_ms * MS, lane, state, make.detail(tids[number]) if number < len(tids) else 0)
    return lane


def turns() -> tuple[Maker, dict[str, int]]:
    """Threads `a` and `b` take turns with one GIL of a process, `c` has its other one, and their strips of CPU time; `d` is in a process beside it."""
    make = Maker()
    process = make.lane(0, 0, LaneKind.PROCESS, "demo")
    lanes = {name: make.lane(0, process, LaneKind.THREAD, name, tid=tid) for name, tid in TIDS.items()}
    lanes |= {name: make.lane(0, process, LaneKind.GIL, name) for name in ("gil", "other gil")}
    does(make, process, (0, RUNS), (50, State.FINISHED))
    does(make, lanes["a"], (0, RUNS), (10, WAITS), (30, RUNS), (40, State.FINISHED))
    does(make, lanes["b"], (0, WAITS), (10, RUNS), (30, WAITS), (35, State.SLEEP), (40, State.FINISHED))
    does(make, lanes["c"], (0, WAITS), (5, RUNS), (10, State.FINISHED))
    held, free = State.GIL_HELD, State.GIL_FREE
    does(make, lanes["gil"], (0, held), (10, held), (30, held), (40, free), tids=(11, 12, 11))
    does(make, lanes["other gil"], (5, held), (10, free), tids=(13,))
    strips = {
        "a": [(0, ON), (10, OFF), (30, ON), (40, OFF)],
        "b": [(0, PREEMPTED), (10, ON), (30, OFF)],
        "c": [(5, ON), (10, OFF)],
    }
    for name, states in strips.items():
        does(make, make.lane(0, lanes[name], LaneKind.CPU, ""), *states)
    beside = make.lane(0, 0, LaneKind.PROCESS, "beside")
    does(make, make.lane(0, beside, LaneKind.THREAD, "d", tid=14), (0, WAITS), (2, RUNS), (50, State.FINISHED))
    does(make, make.lane(0, beside, LaneKind.GIL, "its gil"), (2, held), (50, free), tids=(14,))
    return make, lanes


def test_who_held_the_gil_and_made_whom_wait() -> None:
    make, lanes = turns()
    gil, other, beside = facts_of(make)["gils"]
    assert (gil["held_ns"], gil["utilisation"]) == (40 * MS, 0.8)
    assert (gil["takes"], gil["handovers"], gil["handovers_per_s"]) == (3, 2, 40.0)
    assert gil["waited_ns"] == 35 * MS
    assert gil["made_wait"] == [
        {"holder": lanes["b"], "waiter": lanes["a"], "duration_ns": 20 * MS},
        {"holder": lanes["a"], "waiter": lanes["b"], "duration_ns": 15 * MS},
    ]
    longest = gil["longest_wait"]
    assert (longest["lane"], longest["t_ns"] - T0_NS, longest["duration_ns"]) == (lanes["a"], 10 * MS, 20 * MS)
    # Of several GILs in a process, those who ever had it are its threads.
    assert (other["held_ns"], other["handovers"], other["waited_ns"], other["made_wait"]) == (5 * MS, 0, 5 * MS, [])
    assert (beside["takes"], beside["waited_ns"], beside["made_wait"]) == (1, 2 * MS, [])


def test_cores_that_were_wanted_given_and_taken() -> None:
    make, lanes = turns()
    calibration = {"cores_given": 1.9}
    said = facts_of(make, machine={"cores": 2, "calibration": calibration})
    assert said["cores"] == {
        "reported": 2,
        "given": 1.9,
        "calibration": calibration,
        "wanted_ns": 50 * MS,  # three that want one at once want no more than there are
        "taken_ns": 5 * MS,
    }
    assert (said["wall_ns"], said["cpu_ns"], said["parallelism"]) == (50 * MS, 45 * MS, 0.9)
    assert said["switches"] == {"voluntary": 4, "involuntary": 1}
    rows = {row["lane"]: row for row in said["threads"]}
    names = ("on_cpu_ns", "preempted_ns", "voluntary", "involuntary")
    assert [rows[lanes["a"]][name] for name in names] == [20 * MS, 0, 2, 0]
    assert [rows[lanes["b"]][name] for name in names] == [20 * MS, 10 * MS, 1, 1]
    assert rows[lanes["b"]]["states"] == {"gil-wait": 15 * MS, "running": 20 * MS, "sleep": 5 * MS}
    assert rows[lanes["b"]]["longest_wait"]["duration_ns"] == 10 * MS
    assert said["lanes"]["thread"]["states"] == {"gil-wait": 42 * MS, "running": 93 * MS, "sleep": 5 * MS}


def test_without_the_kernels_records_nothing_is_said_of_cores() -> None:
    make, _lanes = turns()
    said = facts_of(make, observers={"kernel": "unavailable: not permitted here"})
    assert (said["cpu_ns"], said["parallelism"], said["switches"]) == (None, None, None)
    assert said["cores"] == {"reported": 2, "given": None, "calibration": None, "wanted_ns": None, "taken_ns": None}
    assert {row["on_cpu_ns"] for row in said["threads"]} == {None}


def test_of_very_many_the_busiest_have_rows() -> None:
    make = Maker()
    loop = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo"), LaneKind.THREAD, "loop")
    tasks = [make.lane(0, loop, LaneKind.TASK, f"task {number}") for number in range(MOST_ROWS + 10)]
    for number, task in enumerate(tasks):
        does(make, task, (0, State.WAIT_TIMER), (500, RUNS), (500 + number, State.FINISHED))
    said = facts_of(make)
    assert (said["lanes"]["task"]["count"], said["lanes"]["task"]["shown"]) == (MOST_ROWS + 10, MOST_ROWS)
    assert [row["lane"] for row in said["tasks"]] == tasks[10:]
    assert said["lanes"]["task"]["states"]["running"] == sum(range(MOST_ROWS + 10)) * MS


def test_a_stall_is_explained_by_what_its_thread_did_meanwhile() -> None:
    make = Maker()
    thread = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo"), LaneKind.THREAD, "loop")
    culprit, first, second, later = (make.lane(0, thread, LaneKind.TASK, name) for name in ("culprit", "a", "b", "c"))
    does(make, thread, (0, State.SLEEP), (10, RUNS), (12, State.SLEEP), (48, RUNS), (60, State.SLEEP), (300, State.FINISHED))
    does(make, culprit, (0, State.WAIT_TIMER), (10, RUNS), (50, State.FINISHED))
    does(make, first, (0, State.WAIT_TIMER), (15, State.READY), (50, RUNS), (51, State.FINISHED))
    does(make, second, (0, State.WAIT_TIMER), (20, State.READY), (51, RUNS), (52, State.FINISHED))
    does(make, later, (0, State.WAIT_TIMER), (60, State.READY), (61, RUNS), (62, State.FINISHED))
    stall = facts_of(make)["stall"]
    assert (stall["lane"], stall["t_ns"] - T0_NS, stall["duration_ns"]) == (first, 15 * MS, 35 * MS)
    assert (stall["culprit"], stall["ready_together"]) == (culprit, 2)
    # It slept longer before and after.
    assert (stall["cause"]["t_ns"] - T0_NS, stall["cause"]["duration_ns"]) == (12 * MS, 36 * MS)


def test_what_reads_copied_and_which_was_refused_first() -> None:
    make = Maker()
    thread = make.lane(0, make.lane(0, 0, LaneKind.PROCESS, "demo"), LaneKind.THREAD, "reader")
    vain, copied = make.detail(5, "EAGAIN"), {size: make.detail(size) for size in (3000, 500)}
    rows = ((0, RUNS, 0), (10, State.READ, vain), (11, RUNS, 0), (20, State.READ, vain), (21, RUNS, 0))
    rows += ((30, State.COPY, copied[3000]), (32, RUNS, 0), (40, State.COPY, copied[500]), (45, State.FINISHED, 0))
    for at_ms, state, detail in rows:
        make.state(at_ms * MS, thread, state, detail)
    said = facts_of(make)["reads"]
    assert (said["copied_bytes"], said["copies"], said["copy_ns"], said["refused"]) == (3500, 2, 7 * MS, 2)
    assert (said["first_refused"]["t_ns"] - T0_NS, said["longest_copy"]["t_ns"] - T0_NS) == (10 * MS, 40 * MS)
    unseen = facts_of(make, observers={"kernel": "unavailable: not permitted here"})["reads"]
    assert (unseen["copied_bytes"], unseen["copies"], unseen["copy_ns"], unseen["refused"]) == (None, None, None, 2)


def test_a_message_that_was_not_confirmed_is_not_lost_and_only_at_its_own_crash() -> None:
    make = Maker()
    connection = make.lane(0, 0, LaneKind.CONNECTION, "connection 1")
    channel, queue = make.lane(0, connection, LaneKind.CHANNEL, "channel 1"), make.lane(0, 0, LaneKind.QUEUE, "q")
    for at_ms, lane, value in ((1, queue, 5), (1, channel, 2), (10, queue, 0), (11, queue, 4), (20, queue, 0)):
        make.count(at_ms * MS, lane, value)
    for at_ms in (10, 20):
        make.mark(at_ms * MS, 0, MarkKind.BROKER, '{"what":"broker restarted"}')
        make.mark(at_ms * MS, queue, MarkKind.BROKER, '{"what":"recovered","ready":0}')
    assert facts_of(make)["messages"]["lost"] == (5 - 2) + 4
