"""A Queue between processes: full it makes put wait, empty it makes get wait; beneath it are a pipe and a thread that feeds it."""

from __future__ import annotations

from app.core.recording import Lane
from app.core.records import LaneKind
from tests.experiments.observe import Seen, Span, common, length, needs_probe, seen

pytestmark = needs_probe
ITEMS = 12


def threads(run: Seen, process: str) -> list[Lane]:
    """Those of the process of that name: the main thread, then a feeder if there is one."""
    (lane,) = [lane for lane in run.lanes(LaneKind.PROCESS) if lane.name == process]
    return [other for other in run.lanes(LaneKind.THREAD) if other.parent == lane.id]


def at_line(run: Seen, lane: Lane, state: str, code: str) -> list[Span]:
    """Its stays in that state at that line."""
    line = run.line(code)
    return [(begin, end) for begin, end, detail in run.waits(lane.id, state) if detail.get("line") == line]


def waits_in_put(run: Seen) -> list[Span]:
    """What the producer waited in put for a place. Not what it waited for its feeder thread: until that has started, and for the
    lock that both share, which is free again in a small part of anyone's nap."""
    main, _feeder = threads(run, "producer")
    (consumer,) = threads(run, "consumer")
    first = min(t for t, lane, _kind, text in run.json["marks"] if lane == main.id and text == "put 0")
    naps = [end - begin for thread in (main, consumer) for begin, end, _detail in run.waits(thread.id, "sleep")]
    waits = at_line(run, main, "lock", "queue.put(number)")
    return [(begin, end) for begin, end in waits if begin > first and end - begin > 0.1 * min(naps)]


def test_every_item_goes_through_in_order() -> None:
    run = seen("mp-queue")
    (main, *_feeder), (consumer,) = threads(run, "producer"), threads(run, "consumer")
    assert run.said(main) == [f"put {n}" for n in range(ITEMS)]
    assert run.said(consumer) == [f"got {n}" for n in range(ITEMS)]


def test_a_feeder_thread_of_the_producer_writes_each_item_to_a_pipe() -> None:
    run = seen("mp-queue")
    main, feeder = threads(run, "producer")
    assert feeder.name == "QueueFeederThread"
    assert (main.id, feeder.id) in run.arrows("spawn")
    assert len(run.waits(feeder.id, "pipe")) >= ITEMS
    # The main thread never touches the pipe of the queue: what it writes is its own output.
    assert at_line(run, main, "pipe", "queue.put(number)") == []


def test_full_put_waits_for_the_consumer() -> None:
    run = seen("mp-queue")
    (main, _feeder), (consumer,) = threads(run, "producer"), threads(run, "consumer")
    waits, naps = waits_in_put(run), run.stays(consumer, "sleep")
    assert len(waits) == ITEMS - 3  # the first three found a place
    assert common(waits, naps) > 0.7 * length(waits)
    assert length(waits) > 0.5 * length([run.life(main)])


def test_empty_get_waits_for_the_pipe() -> None:
    run = seen("mp-queue", slow="producer")
    (main, _feeder), (consumer,) = threads(run, "producer"), threads(run, "consumer")
    waits, naps = at_line(run, consumer, "pipe", "queue.get()"), run.stays(main, "sleep")
    assert common(waits, naps[1:-1]) > 0.7 * length(naps[1:-1])
    assert waits_in_put(run) == []


def test_with_room_for_all_put_never_waits_for_a_place() -> None:
    run = seen("mp-queue", maxsize=20)
    assert waits_in_put(run) == []


def depths(run: Seen) -> list[tuple[int, int]]:
    """(time, items in the queue) after each put and get, by its counting semaphore."""
    (lane,) = run.lanes(LaneKind.SEMAPHORE)
    return [(t, int(value)) for t, number, value in sorted(run.json["counters"]) if number == lane.id]


def test_the_depth_is_never_above_maxsize_and_reaches_it_when_the_consumer_is_slow() -> None:
    run = seen("mp-queue")
    assert [lane.name for lane in run.lanes(LaneKind.SEMAPHORE)] == ["semaphore of 3"]
    taken = [value for _t, value in depths(run)]
    assert len(taken) == 2 * ITEMS
    assert (min(taken), max(taken)) == (0, 3)
    assert taken[-1] == 0


def test_while_put_waits_the_queue_is_full() -> None:
    run = seen("mp-queue")
    for begin, end in waits_in_put(run):
        before = [value for t, value in depths(run) if t <= begin]
        within = [value for t, value in depths(run) if begin < t < end]
        assert before[-1] == 3
        assert within[0] == 2  # the get that let it go


def test_the_depth_stays_low_when_the_producer_is_slow_and_there_is_room_for_all_with_a_large_queue() -> None:
    assert max(value for _t, value in depths(seen("mp-queue", slow="producer"))) <= 2
    assert max(value for _t, value in depths(seen("mp-queue", maxsize=20))) >= ITEMS - 2
