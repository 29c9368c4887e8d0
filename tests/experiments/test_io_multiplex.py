"""One wait for many sockets; then the read, which copies."""

from __future__ import annotations

import re

import pytest

from app.core.records import LaneKind
from tests.experiments.observe import Seen, needs_probe, seen

pytestmark = needs_probe
variants = pytest.mark.parametrize("variant", ["select", "poll", "epoll"])


def calls(run: Seen, state: str, code: str) -> list[tuple[int, int, dict[str, int]]]:
    main = run.one(LaneKind.THREAD, "MainThread")
    return [wait for wait in run.waits(main.id, state) if wait[2].get("line") == run.line(code)]


@variants
def test_each_socket_is_waited_for_with_all_the_others_and_then_read(variant: str) -> None:
    run = seen("io-multiplex", variant=variant)
    waits = calls(run, "poll", "ready = selector.select()")
    reads = calls(run, "read", "data = key.fileobj.recv")
    assert len(reads) == 3
    assert len({detail["fd"] for _begin, _end, detail in reads}) == 3
    assert 1 <= len(waits) <= 3
    # The waits are long and the reads are not: a read comes after the wait that found its socket ready.
    assert sum(end - begin for begin, end, _d in waits) > 20 * sum(end - begin for begin, end, _d in reads)
    assert waits[0][1] <= reads[0][0]
    assert not any(begin < read < end for begin, end, _d in waits for read, _end, _d2 in reads)


@variants
def test_no_read_is_refused_and_none_has_to_wait(variant: str) -> None:
    run = seen("io-multiplex", variant=variant)
    reads = calls(run, "read", "data = key.fileobj.recv")
    assert [detail.get("text") for _b, _e, detail in reads] == [None, None, None]
    sends = [
        b for b, _e, d in run.waits(run.one(LaneKind.THREAD, "sender").id, "write") if d["line"] == run.line("theirs.send")
    ]
    assert all(send < read[0] for send, read in zip(sorted(sends), sorted(reads), strict=True))


def test_poll_is_told_how_many_there_are_and_select_up_to_which_descriptor() -> None:
    (_b, _e, polled), *_ = calls(seen("io-multiplex", variant="poll"), "poll", "ready = selector.select()")
    (_b, _e, selected), *_ = calls(seen("io-multiplex", variant="select"), "poll", "ready = selector.select()")
    assert polled["count"] == 400
    assert selected["count"] > 2 * 400  # two descriptors of each pair, and those that were open before


def cost(variant: str) -> float:
    """How many times more a call costs with ten times the sockets."""
    few, many = re.findall(r"([\d.]+) µs a call", seen("io-multiplex", variant=variant).output)
    return float(many) / float(few)


@pytest.mark.parametrize("variant", ["poll", "epoll"])
def test_poll_and_epoll_have_no_such_limit(variant: str) -> None:
    run = seen("io-multiplex", variant=variant, sockets=1000)
    assert max(detail["fd"] for _begin, _end, detail in calls(run, "read", "data = key.fileobj.recv")) >= 1024


def test_the_cost_of_a_call_grows_with_the_sockets_but_not_for_epoll() -> None:
    assert cost("poll") > 2 * cost("epoll")
    assert cost("select") > 2 * cost("epoll")


def test_select_refuses_a_descriptor_of_1024_or_more_in_plain_words() -> None:
    run = seen("io-multiplex", variant="select", sockets=600, ends="program error")
    assert run.end["exit_code"] == 1
    (said,) = re.findall(r"select refuses descriptor (\d+): it must be below 1024", run.output)
    assert int(said) >= 1024
