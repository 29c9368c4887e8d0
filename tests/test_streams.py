"""Who wrote what another read, from made-up calls: exact where the order is known, silent where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.core.copies import MOVED
from app.core.streams import MAX_STREAMS, Streams, stream_of

TEXTS = ["", "pipe:[7]", "socketpair:[1] ↔ [2]", "socketpair:[2] ↔ [1]", *(f"pipe:[{n}]" for n in range(100, 300))]
NONE = np.empty(0, MOVED)
W, R = True, False


def calls(*rows: tuple[int, int, int, bool, int], of: int = 1) -> NDArray[np.void]:
    """(begin, end, lane, writes, bytes) …"""
    return np.array([(begin, end, lane, of, writes, size) for begin, end, lane, writes, size in rows], MOVED)


def arrows(moved: NDArray[np.void], going_on: NDArray[np.void] = NONE, until: int = 1 << 62) -> list[tuple[int, int, int, int]]:
    return [tuple(row) for row in Streams().take(moved, going_on, TEXTS, until).tolist()]


def test_each_read_leads_back_to_the_write_its_first_byte_came_from() -> None:
    moved = calls(
        (10, 11, 5, W, 4), (11, 12, 5, W, 25), (20, 21, 6, W, 4), (5, 12, 8, R, 4), (13, 14, 8, R, 20), (15, 22, 8, R, 9)
    )
    assert arrows(moved) == [(10, 12, 5, 8), (11, 14, 5, 8), (11, 22, 5, 8)]


def test_a_socketpair_has_two_streams() -> None:
    out = Streams().take(
        np.concatenate([calls((1, 2, 5, W, 3), (7, 9, 5, R, 2), of=2), calls((0, 3, 6, R, 3), (5, 6, 6, W, 2), of=3)]),
        NONE,
        TEXTS,
        99,
    )
    assert sorted(out.tolist()) == [(1, 3, 5, 6), (5, 9, 6, 5)]


@pytest.mark.parametrize(
    ("what", "moved", "going_on", "expected"),
    [
        ("two writers at once", calls((1, 5, 5, W, 3), (2, 6, 6, W, 3), (7, 8, 5, W, 1), (0, 9, 9, R, 6), (10, 11, 9, R, 1)), NONE, [(7, 11, 5, 9)]),
        ("two readers at once", calls((1, 2, 5, W, 2), (0, 3, 8, R, 1), (1, 4, 9, R, 1), (5, 6, 5, W, 1), (7, 8, 8, R, 1)), NONE, [(5, 8, 5, 8)]),
        ("more came out than went in", calls((1, 2, 5, W, 2), (0, 3, 8, R, 5), (10, 11, 5, W, 3), (12, 13, 8, R, 3)), NONE, []),
        ("a write that still goes on", calls((5, 6, 5, W, 2), (7, 8, 8, R, 2)), calls((1, 0, 6, W, 0)), []),
        ("a later call still goes on", calls((5, 6, 5, W, 2), (7, 8, 8, R, 2)), calls((9, 0, 8, R, 0)), [(5, 8, 5, 8)]),
        ("to itself", calls((5, 6, 5, W, 2), (7, 8, 5, R, 2)), NONE, []),
    ],
)  # fmt: skip
def test_what_is_not_known_has_no_arrow(
    what: str, moved: NDArray[np.void], going_on: NDArray[np.void], expected: list[tuple[int, int, int, int]]
) -> None:
    assert arrows(moved, going_on) == expected, what


def test_a_write_that_is_told_late_still_has_its_arrow() -> None:
    """Its thread lost the core between the call and the record of it, and others have gone on meanwhile."""
    streams = Streams()
    assert len(streams.take(calls((20, 21, 8, R, 4)), NONE, TEXTS, 10_000)) == 0
    assert streams.take(calls((10, 30, 5, W, 4)), NONE, TEXTS, 20_000).tolist() == [(10, 21, 5, 8)]


def test_after_a_loss_nothing_is_sure() -> None:
    streams = Streams()
    streams.give_up()
    assert len(streams.take(calls((1, 2, 5, W, 1), (3, 4, 6, R, 1)), NONE, TEXTS, 99)) == 0


def test_only_so_many_streams_are_followed_and_that_is_known() -> None:
    streams = Streams()
    moved = np.concatenate([calls((1, 2, 5, W, 1), (3, 4, 6, R, 1), of=4 + n) for n in range(MAX_STREAMS + 1)])
    assert len(streams.take(moved, NONE, TEXTS, 99)) == MAX_STREAMS
    assert streams.left_out


def test_a_stream_of_which_all_is_read_makes_room_for_others_and_may_come_again() -> None:
    streams = Streams()
    for turn in range(2):
        for n in range(2 * MAX_STREAMS):
            assert len(streams.take(calls((1, 2, 5, W, 3), (3, 4, 6, R, 3), of=4 + n), NONE, TEXTS, 99)) == 1, (turn, n)
    for n in range(MAX_STREAMS):
        streams.take(calls((101, 102, 5, W, 3), (103, 104, 6, R, 2), of=4 + n), NONE, TEXTS, 199)
    assert not streams.left_out
    assert not len(streams.take(calls((101, 102, 5, W, 3), (103, 104, 6, R, 3), of=4 + MAX_STREAMS), NONE, TEXTS, 199))
    assert streams.left_out


def test_descriptions_that_name_no_stream_are_left_alone() -> None:
    assert stream_of("TCP 127.0.0.1:1 ↔ 127.0.0.1:2", True) == stream_of("TCP 127.0.0.1:2 ↔ 127.0.0.1:1", False)
    for text in ("", "UDP 127.0.0.1:1 ↔ 127.0.0.1:2", "TCP listen 127.0.0.1:1", "/tmp/x", "TCP  ↔ ", "socketpair:[1] ↔ "):
        assert stream_of(text, True) is None


@given(
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(2, 4)), min_size=1, max_size=30),
    reads=st.lists(st.integers(1, 12), max_size=60),
    cut=st.lists(st.integers(0, 400), max_size=5),
)
def test_however_it_comes_an_arrow_leads_from_the_writer_of_the_byte(
    sizes: list[tuple[int, int]], reads: list[int], cut: list[int]
) -> None:
    """Writers take turns; a reader drains at any sizes; batches end anywhere."""
    writer_of = [(lane, 2 * n) for n, (size, lane) in enumerate(sizes) for _ in range(size)]
    rows, expected, at, t = [(2 * n, 2 * n + 1, lane, W, size) for n, (size, lane) in enumerate(sizes)], [], 0, 2 * len(sizes)
    for size in reads:
        size = min(size, len(writer_of) - at)
        if size <= 0:
            break
        rows.append((t, t + 1, 9, R, size))
        expected.append((writer_of[at][1], t + 1, writer_of[at][0], 9))
        at, t = at + size, t + 2
    streams, found, done = Streams(), [], 0
    for until in [*sorted(cut), 1 << 62]:
        batch = [row for row in rows if done < row[1] <= until]
        going_on = [(row[0], 0, row[2], row[3], 0) for row in rows if row[0] <= until < row[1]]
        found += streams.take(calls(*batch), calls(*going_on), TEXTS, until).tolist()
        done = max(done, until)
    assert sorted(found) == sorted(expected)
