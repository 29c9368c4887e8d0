"""The bytes of a recording: decode∘encode under any chunking, and clear refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import blocks
from app.core.blocks import COLUMNS, MAGIC, BlockKind, Decoder, RecordingError

ROWS = st.integers(0, 300)


def table(kind: BlockKind, rows: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out = {}
    for name, dtype in COLUMNS[kind]:
        out[name] = rng.random(rows) if dtype == "<f8" else rng.integers(0, np.iinfo(dtype).max, rows).astype(dtype)
    return out


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(at)]


def decode(chunks: list[bytes]) -> tuple[list[blocks.Block], Decoder]:
    decoder, out = Decoder(), []
    for chunk in chunks:
        decoder.receive_data(chunk)
        out += list(decoder.blocks())
    return out, decoder


@given(st.sampled_from(sorted(COLUMNS)), ROWS, st.integers(0, 99), st.lists(st.integers(0, 10**6), max_size=12))
def test_columns_survive_any_chunking(kind: BlockKind, rows: int, seed: int, cuts: list[int]) -> None:
    columns = table(kind, rows, seed)
    data = MAGIC + blocks.encode_columns(kind, 123, columns)
    (block,), decoder = decode(pieces(data, cuts))
    assert (block.kind, block.rows, block.t0_ns) == (kind, rows, 123)
    assert decoder.consumed_bytes == len(data)
    for name, column in block.columns().items():
        np.testing.assert_array_equal(column, columns[name])


@given(st.lists(st.text(), max_size=50), st.lists(st.integers(0, 10**6), max_size=6))
def test_strings_survive_any_chunking(strings: list[str], cuts: list[int]) -> None:
    (block,), _ = decode(pieces(MAGIC + blocks.encode_strings(strings), cuts))
    assert block.strings() == [s.encode("utf-8", "replace").decode() for s in strings]


@given(st.binary(max_size=2000), st.integers(0, 2))
def test_output_and_documents(data: bytes, stream: int) -> None:
    stored = MAGIC + blocks.encode_output(5, stream, data) + blocks.encode_document(BlockKind.END, 6, {"话": [1, None]})
    (output, end), _ = decode([stored])
    assert output.output() == (stream, data)
    assert end.document() == {"话": [1, None]}


def test_what_deflating_makes_smaller_is_deflated_and_nothing_else() -> None:
    noise = np.random.default_rng(1).bytes(1000)
    sizes = [len(blocks.encode_output(0, 1, data)) for data in (b"a" * 100, noise, b"a" * 10_000)]
    assert sizes[0] == blocks.HEADER.size + 8 + 104
    assert sizes[1] == blocks.HEADER.size + 8 + 1000
    assert sizes[2] < 200


def test_a_torn_tail_gives_the_whole_blocks_and_where_to_resume() -> None:
    whole = MAGIC + blocks.encode_strings(["a"])
    torn = blocks.encode_strings(["b" * 1000])[:-1]
    out, decoder = decode([whole + torn])
    assert [block.strings() for block in out] == [["a"]]
    assert decoder.consumed_bytes == len(whole)


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_waited_for_never_anything_else(data: bytes) -> None:
    for start in (b"", MAGIC):
        try:
            for block in decode([start + data])[0]:
                block.columns() if block.kind in COLUMNS else block.payload
        except RecordingError:
            pass


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"NOTSCHED" + bytes(24), "not a Schedscope recording"),
        (b"SCHEDSC\x63" + bytes(24), "format 99"),
        (MAGIC + blocks.HEADER.pack(1 << 30, 5, 0, 0, 1, 1 << 30, 0), "over the bound"),
        (MAGIC + blocks.HEADER.pack(8, 77, 0, 0, 1, 8, 0) + bytes(8), "unknown kind"),
        (MAGIC + blocks.HEADER.pack(8, 5, 1, 0, 1, 8, 0) + bytes(8), "at byte 8"),
        (MAGIC + blocks.HEADER.pack(8, 5, 0, 0, 100, 8, 0) + bytes(8), "needs"),
    ],
)
def test_refusals_say_what_and_where(data: bytes, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        for block in decode([data])[0]:
            block.columns()


def test_a_small_bomb_is_not_inflated_past_its_own_word() -> None:
    import zlib

    bomb = zlib.compress(bytes(50_000_000))
    with pytest.raises(RecordingError, match="instead of 8"):
        decode([MAGIC + blocks.HEADER.pack(len(bomb), 5, 1, 0, 1, 8, 0) + bomb])
