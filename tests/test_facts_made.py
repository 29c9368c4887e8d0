"""Facts of recordings made by hand, to the nanosecond: whoever held the GIL, wanted a core, waited longest."""

from __future__ import annotations

from typing import Any

from app.core import recording
from app.core.facts import facts
from app.core.facts.lanes import MOST_ROWS
from app.core.records import LaneKind, State
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
    """Threads `a` and `b` take turns with one GIL of a process, `c` has its other one; and their strips of CPU time."""
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
    return make, lanes


def test_who_held_the_gil_and_made_whom_wait() -> None:
    make, lanes = turns()
    gil, other = facts_of(make)["gils"]
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
    assert said["lanes"]["thread"]["states"] == {"gil-wait": 40 * MS, "running": 45 * MS, "sleep": 5 * MS}


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
