"""core.timeline alone: no process, no socket, no clock. Records go in by hand, the recording is read back."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.core import blocks, recording
from app.core import observations as obs
from app.core.blocks import BlockKind
from app.core.kernel import SWITCH, What
from app.core.records import FlowKind, LaneKind, MarkKind, State
from app.core.timeline import Timeline

Row = tuple[int, int, int, int, int, int, int, int]
MS = 1_000_000


def records(*rows: Row) -> NDArray[np.void]:
    return np.array(
        [(t, lane, kind, state, file, line, text, value) for t, lane, kind, state, file, line, text, value in rows], obs.RECORD
    )


def state(t_ns: int, lane: int, what: State, value: int = obs.NO_VALUE, line: int = 0) -> Row:
    return (t_ns, lane, obs.Kind.STATE, what, 0, line, 0, value)


def lane(t_ns: int, number: int, kind: LaneKind, parent: int = 0, tid: int = 0) -> Row:
    return (t_ns, number, obs.Kind.LANE, kind, 0, tid, 0, parent)


def string(number: int, text: str) -> NDArray[np.void]:
    data = text.encode()
    pieces = [data[i : i + 24] for i in range(0, len(data), 24)] or [b""]
    out = b""
    for i, piece in enumerate(pieces):
        size = len(piece) | (obs.STRING_LAST if i + 1 == len(pieces) else 0)
        padded = piece.ljust(24, b"\0")
        out += padded[:8] + number.to_bytes(4, "little") + bytes([obs.Kind.STRING, size]) + i.to_bytes(2, "little") + padded[8:]
    return np.frombuffer(bytearray(out), obs.RECORD)


def read(*taken: bytes) -> recording.Recording:
    return recording.read([blocks.MAGIC, blocks.encode_document(BlockKind.HEADER, 0, {}), *taken])


def states_of(run: recording.Recording, number: int) -> list[tuple[int, State]]:
    table = run.states
    picked = table["lane"] == number
    return [(int(t), State(s)) for t, s in zip(table["t"][picked], table["state"][picked], strict=True)]


def test_lanes_form_a_tree_and_strings_come_in_pieces() -> None:
    timeline = Timeline()
    process = timeline.add_process(10, 1, 5, "python")
    name = "协程 with a name that needs several pieces of twenty-four bytes"
    timeline.push(process, string(1, name))
    timeline.push(process, records((6, 1, obs.Kind.LANE, LaneKind.THREAD, 0, 77, 1, 0), lane(7, 2, LaneKind.TASK, parent=1)))
    run = read(timeline.take(100))
    thread, task = run.lanes[2], run.lanes[3]
    assert (thread.name, thread.tid, thread.parent, thread.kind) == (name, 77, 1, LaneKind.THREAD)
    assert (task.parent, task.kind, task.pid) == (2, LaneKind.TASK, 10)


def test_pieces_of_strings_may_be_mingled_and_lie_in_two_batches_and_a_parent_never_follows_its_child() -> None:
    timeline = Timeline()
    process = timeline.add_process(10, 1, 5, "python")
    one, two = string(1, "a" * 30), string(2, "b" * 50)
    early, late = (6, 1, obs.Kind.LANE, LaneKind.TASK, 0, 0, 1, 2), (7, 2, obs.Kind.LANE, LaneKind.TASK, 0, 0, 2, 1)
    timeline.push(process, np.concatenate([one[:1], two[:2]]))
    timeline.push(process, np.concatenate([two[2:], one[1:], records(early, late)]))
    first, second = read(timeline.take(100)).lanes[2:]
    assert (first.name, first.parent, second.name, second.parent) == ("a" * 30, 1, "b" * 50, first.id)


def test_a_timer_that_ran_out_leaves_its_waiter_ready_from_that_moment() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(
        process, records(lane(0, 1, LaneKind.TASK), state(0, 1, State.RUNNING), state(10, 1, State.WAIT_TIMER, 100 * MS))
    )
    timeline.push(process, records(state(1000 * MS, 1, State.READY), state(1001 * MS, 1, State.RUNNING)))
    run = read(timeline.take(2000 * MS))
    assert states_of(run, 2) == [
        (0, State.RUNNING),
        (10, State.WAIT_TIMER),
        (100 * MS + 10, State.READY),
        (1001 * MS, State.RUNNING),
    ]


def test_an_overdue_waiter_is_shown_ready_while_it_still_waits_and_only_once() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, records(lane(0, 1, LaneKind.TASK), state(0, 1, State.WAIT_TIMER, 100 * MS)))
    early, shown, again = timeline.take(50 * MS), timeline.take(500 * MS), timeline.take(600 * MS)
    timeline.push(process, records(state(1000 * MS, 1, State.RUNNING)))
    run = read(early, shown, again, timeline.take(2000 * MS))
    assert again == b""
    assert states_of(run, 2) == [(0, State.WAIT_TIMER), (100 * MS, State.READY), (1000 * MS, State.RUNNING)]


def test_a_timer_cancelled_in_time_is_not_called_ready() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(
        process, records(lane(0, 1, LaneKind.TASK), state(0, 1, State.WAIT_TIMER, 100 * MS), state(50 * MS, 1, State.READY))
    )
    run = read(timeline.take(2000 * MS))
    assert states_of(run, 2) == [(0, State.WAIT_TIMER), (50 * MS, State.READY)]


def test_a_killed_process_keeps_its_events_and_all_its_lanes_end() -> None:
    timeline = Timeline()
    parent = timeline.add_process(1, 0, 0, "parent")
    child = timeline.add_process(2, 1, 5, "child")
    timeline.push(child, records(lane(6, 1, LaneKind.THREAD), state(7, 1, State.SLEEP, 10)))
    taken = timeline.take(50)
    timeline.end_process(child, 60)
    run = read(taken, timeline.take(100))
    assert states_of(run, 3) == [(7, State.SLEEP), (60, State.KILLED)]
    assert states_of(run, 2)[-1] == (60, State.KILLED)
    assert states_of(run, 1) == [(0, State.RUNNING)]
    assert (run.flows["from"].tolist(), run.flows["to"].tolist(), run.flows["kind"].tolist()) == ([1], [2], [FlowKind.SPAWN])
    assert parent == 0


def test_a_killed_process_ends_when_the_kernel_saw_the_last_of_its_threads_end() -> None:
    timeline = Timeline()
    timeline.observe_kernel()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, records(lane(1, 1, LaneKind.THREAD, tid=1), lane(1, 2, LaneKind.THREAD, tid=2)))
    timeline.switches(np.array([(8, 2, 0, What.EXIT), (9, 1, 0, What.EXIT)], SWITCH))
    taken = timeline.take(50)
    timeline.end_process(process, 60)
    run = read(taken, timeline.take(100))
    threads = [one.id for one in run.lanes if one.kind == LaneKind.THREAD]
    assert [states_of(run, thread)[-1] for thread in threads] == [(9, State.KILLED)] * 2


def test_an_orderly_end_is_not_a_kill_but_pending_tasks_are_cut_short() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(
        process,
        records(
            lane(1, 1, LaneKind.THREAD),
            lane(1, 2, LaneKind.TASK),
            state(2, 1, State.RUNNING),
            state(2, 2, State.WAIT),
            state(9, 0, State.FINISHED, 0),
        ),
    )
    taken = timeline.take(50)
    timeline.end_process(process, 60)
    run = read(taken, timeline.take(100))
    assert states_of(run, 2)[-1] == (9, State.FINISHED)
    assert states_of(run, 3)[-1] == (9, State.KILLED)


def test_records_of_a_lane_that_was_never_opened_are_counted_not_drawn() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(
        process,
        records(state(1, 99, State.RUNNING), (2, 0, obs.Kind.FLOW, FlowKind.WAKE, 0, 0, 0, 98), state(3, 1 << 31, State.READY)),
    )
    run = read(timeline.take(100))
    assert timeline.counts().dropped == 3
    assert len(run.flows["t"]) == 0
    assert len(run.lanes) == 2


def test_marks_and_output_carry_their_text() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, string(1, "函数1 第一步"))
    timeline.push(process, records((3, 0, obs.Kind.MARK, MarkKind.STDOUT, 0, 0, 1, 0)))
    timeline.output(4, blocks_stream(), b"\xe5")
    run = read(timeline.take(100))
    assert [run.strings[number] for number in run.marks["text"]] == ["函数1 第一步"]
    assert run.output == [(4, 1, b"\xe5")]


def blocks_stream():  # type: ignore[no-untyped-def]
    from app.core.records import Stream

    return Stream.STDOUT


@given(
    st.lists(
        st.tuples(
            st.integers(0, 50),
            st.integers(1, 4),
            st.sampled_from([State.RUNNING, State.READY, State.WAIT_TIMER, State.SLEEP]),
            st.integers(0, 20 * MS),
        ),
        max_size=80,
    ),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_whatever_comes_in_whatever_order_a_lanes_times_never_go_back(
    rows: list[tuple[int, int, State, int]], takes: list[int]
) -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, records(*(lane(0, n, LaneKind.TASK) for n in range(1, 5))))
    taken = []
    for i, (t, number, what, value) in enumerate(rows):
        timeline.push(process, records(state(t * MS, number, what, value)))
        if i < len(takes):
            taken.append(timeline.take(takes[i] * MS))
    run = read(*taken, timeline.take(1 << 62))
    last: dict[int, int] = defaultdict(int)
    for t, number in zip(run.states["t"].tolist(), run.states["lane"].tolist(), strict=True):
        assert t >= last[number]
        last[number] = t


def test_ten_thousand_sleepers_on_one_line_share_a_detail() -> None:
    timeline = Timeline()
    process = timeline.add_process(1, 0, 0, "p")
    timeline.push(process, string(1, "/script.py"))
    n = 10_000
    opened = np.zeros(n, obs.RECORD)
    opened["lane"], opened["kind"], opened["state"] = np.arange(1, n + 1), obs.Kind.LANE, LaneKind.TASK
    waits = np.zeros(n, obs.RECORD)
    waits["lane"], waits["kind"], waits["state"] = np.arange(1, n + 1), obs.Kind.STATE, State.WAIT_TIMER
    waits["file"], waits["line"], waits["value"], waits["t_ns"] = 1, 7, MS, np.arange(n)
    timeline.push(process, opened)
    timeline.push(process, waits)
    run = read(timeline.take(MS // 2))
    assert run.details[1:] == [("", "/script.py", 7, float(MS))]
    assert len(run.states["t"]) == n + 1
