"""The SVG picture of a recording: the page's own looks, true proportions, bounded size, no surprise in hostile text."""

from __future__ import annotations

import functools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from app import resources
from app.core.export import Picture, brokers, draw
from app.core.export.bars import Scale, bars_of
from app.core.export.looks import HOLDERS, INKS, PALETTES, SHAPES, Ink, inks_of
from app.core.export.rows import rows_of
from app.core.recording import Recording, read
from app.core.records import FlowKind, LaneKind, MarkKind, State
from app.core.spans import spans_of
from tests.samples import MS, Maker, bars
from tests.samples import SHAPES as SAMPLES

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def sample(name: str) -> Recording:
    return read([bars(100_000) if name == "bars" else SAMPLES[name]()])


def two_lanes(text: str = "a line") -> Recording:
    """A thread that runs 10 ms, waits 30 ms, is ready 20 ms and runs 40 ms; a second that it started."""
    maker = Maker()
    process = maker.lane(0, 0, LaneKind.PROCESS, "script")
    first = maker.lane(0, process, LaneKind.THREAD, "first", tid=1)
    second = maker.lane(5 * MS, process, LaneKind.THREAD, text, tid=2)
    states = ((0, State.GIL_HELD), (10, State.SLEEP), (40, State.READY), (60, State.RUNNING))
    for at, state in states:
        maker.state(at * MS, first, state)
    maker.state(5 * MS, second, State.RUNNING)
    maker.state(90 * MS, second, State.FINISHED)
    maker.state(100 * MS, first, State.FINISHED)
    maker.flow(5 * MS, first, 5 * MS, second, FlowKind.SPAWN)
    maker.mark(50 * MS, first, MarkKind.STDOUT, text)
    return read([maker.blocks(100 * MS)])


def test_a_broker_is_drawn_as_on_the_page() -> None:
    """Its lanes as its messages go, what is unacknowledged in its queue's own row, marks in words, and only what went wrong in the colour of errors."""
    recording = read([(resources.experiments_dir() / "samples/rabbit-durable.sched").read_bytes()])
    elements = list(ET.fromstring(draw(recording, Picture(words={"lane.queue": "队列"}))).iter(f"{SVG}text"))
    colors = {element.text or "": element.get("fill") for element in elements}
    names = [name for name in colors if name.startswith(("connection", "default exchange", "队列", "rabbit_durable"))]
    kinds = [name.split()[0] for name in names]
    assert list(dict.fromkeys(kinds)) == ["connection", "default", "队列", "rabbit_durable.py"]
    assert "unacked" not in colors
    assert not [text for text in colors if "{" in text]
    error, plain = PALETTES["light"].error, PALETTES["light"].text
    assert (colors["broker killed"], colors["broker restarted"]) == (error, plain)
    assert any(text.startswith("at most 3 ready") for text in colors)
    (back,) = (
        t
        for t, text in zip(recording.marks["t"], recording.marks["text"], strict=True)
        if "restarted" in recording.strings[text]
    )
    part = draw(recording, Picture(start_ns=int(back) - recording.header["t0_ns"] - MS))
    assert ("broker restarted" in part, "broker killed" in part) == (True, False)


def test_a_mark_is_said_as_the_page_says_it() -> None:
    words = json.loads((ROOT / "static/i18n/en.json").read_text())["broker"]

    def word(key: str, otherwise: str) -> str:
        found = words
        for part in key.split(".")[1:]:
            found = found.get(part, {})
        return found or otherwise  # type: ignore[return-value]

    said = {
        'bind "*.orange.*" → Q1': {"what": "bind", "queue": "Q1", "key": "*.orange.*"},
        "basic.consume auto_ack": {"what": "basic.consume", "queue": "hello", "no_ack": True},
        "queue.declare durable": {"what": "queue.declare", "durable": True, "exclusive": False},
        "something newer": {"what": "something newer"},
    }
    assert [brokers.mark_text(MarkKind.BROKER, told, word) for told in said.values()] == list(said)
    differs = {"derived": {"ready": 5, "unacked": 0}, "broker": None}
    assert (
        brokers.mark_text(MarkKind.DISAGREEMENT, differs, word) == "broker: no such queue; from the frames: 5 ready, 0 unacked"
    )
    assert brokers.told(MarkKind.BROKER, "{no JSON") == brokers.told(MarkKind.STDOUT, '{"what": "bind"}') == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_those_of_the_page(theme: str) -> None:
    css = (ROOT / "static/css/tokens.css").read_text()
    light = css[css.index(":root {") : css.index(":root:lang(zh)")]
    dark = re.search(r':root\[data-theme="dark"\] \{(.*?)\n\}', css, re.DOTALL)
    assert dark
    tokens = dict(re.findall(r"--([\w-]+): ([^;]+);", light))
    if theme == "dark":
        tokens |= dict(re.findall(r"--([\w-]+): ([^;]+);", dark[1]))
    palette = PALETTES[theme]  # type: ignore[index]
    names = "none running running-c ready waiting gil-wait preempted idle gap ended other alive".split()
    inks = [tokens[f"ink-{name}"].replace("transparent", "none") for name in names]
    assert list(palette.inks) == inks + [tokens[f"holder-{number}"] for number in range(HOLDERS)]
    others = ("plot", "rule", "rule-strong", "text", "text-quiet", "error", "flow")
    assert [tokens[name] for name in others] == [
        palette.background, palette.rule, palette.strong_rule, palette.text, palette.quiet, palette.error, palette.flow
    ]  # fmt: skip


def test_inks_and_shapes_are_those_of_the_page() -> None:
    source = (ROOT / "static/timeline/paint/inks.js").read_text()
    numbers = {name: int(number) for name, number in re.findall(r"^  (\w+): (\d+),$", source, re.MULTILINE)}
    assert numbers == {ink.name: int(ink) for ink in Ink}
    shapes = re.search(r"export const SHAPES = \[(.*?), \.\.\.", source)
    assert shapes
    assert re.findall(r'"(\w+)"', shapes[1]) == [str(shape) for shape in SHAPES[: Ink.HOLDER]]
    assert len(SHAPES) == INKS


def test_bars_are_as_long_as_the_states_lasted() -> None:
    recording = two_lanes()
    spans = spans_of(recording).of(2)
    found = bars_of(spans, inks_of(recording, spans), Scale(int(spans.begin[0]), int(spans.end[-1]), 1000.0))
    assert found.width_px == pytest.approx([100, 300, 200, 400, 0])
    assert found.x_px == pytest.approx([0, 100, 400, 600, 1000])
    assert found.ink.tolist() == [Ink.RUNNING, Ink.WAITING, Ink.READY, Ink.RUNNING, Ink.ENDED]


def test_what_is_shorter_than_a_pixel_is_gathered_by_what_lasted_longest() -> None:
    maker = Maker()
    lane = maker.lane(0, maker.lane(0, 0, LaneKind.PROCESS, "p"), LaneKind.THREAD, "t", tid=1)
    for i in range(100_000):  # nine tenths waiting, one tenth running
        maker.state(i * 1000, lane, State.SLEEP if i % 2 else State.RUNNING)
        if i % 2 == 0:
            maker.state(i * 1000 + 200, lane, State.SLEEP)
    recording = read([maker.blocks(100_000_000)])
    spans = spans_of(recording).of(lane)
    found = bars_of(spans, inks_of(recording, spans), Scale(int(spans.begin[0]), int(spans.end[-1]), 500.0))
    assert set(found.ink.tolist()) == {Ink.WAITING}
    # ... and that it ran is still seen.
    assert found.width_px[found.runner == Ink.RUNNING].sum() == pytest.approx(500, abs=2)
    assert len(found.ink) < 10
    assert found.width_px.sum() == pytest.approx(500, abs=2)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("compact", [False, True])
def test_every_shape_of_recording_is_a_bounded_well_formed_picture(name: str, compact: bool) -> None:
    picture = Picture(width_px=320, height_px=96, compact=True) if compact else Picture(title=name)
    text = draw(sample(name), picture)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    # At most so many rectangles a row as there are pixels, not as there were observations.
    assert len(text) < (200_000 if compact else 4_000_000)
    assert "<script" not in text
    assert "style=" not in text
    if compact:
        assert (root.get("width"), root.get("height")) == ("320", "96")
        assert not list(root.iter(f"{SVG}text"))


def test_crowds_are_one_row_and_rows_shrink_into_a_thumbnail() -> None:
    recording = sample("gevent")
    rows, height = rows_of(recording, 60.0, compact=True)
    assert height <= 60.01
    crowds = [row for row in rows if row.members]
    assert all(len(row.members) > 24 for row in crowds)


def test_text_of_a_program_cannot_break_out() -> None:
    text = draw(two_lanes("</text><script>alert(1)</script>\x00\x1b[31mred\ud800"[:-1]), Picture(title="<&>"))
    root = ET.fromstring(text)
    assert not list(root.iter(f"{SVG}script"))
    shown = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert any("<script>alert(1)</script>" in line and "red" in line and "\x1b" not in line for line in shown)


def test_a_stretch_shows_only_that_stretch() -> None:
    text = draw(two_lanes(), Picture(start_ns=10 * MS, end_ns=40 * MS))
    labels = [element.text for element in ET.fromstring(text).iter(f"{SVG}text")]
    assert "sleep" in labels
    assert "ready" not in labels
    assert not any(label and label.startswith("60") for label in labels)


def test_words_are_the_pages() -> None:
    words = {"state.SLEEP": "睡眠", "ink.4": "等待", "lane.thread": "线程"}
    labels = [element.text for element in ET.fromstring(draw(two_lanes(), Picture(words=words))).iter(f"{SVG}text")]
    assert "睡眠" in labels
    assert "等待" in labels


def test_an_empty_recording_is_an_empty_picture() -> None:
    maker = Maker()
    recording = read([maker.blocks(0)])
    assert ET.fromstring(draw(recording)).tag == f"{SVG}svg"
    assert np.isfinite(float(ET.fromstring(draw(recording)).get("height", "nan")))
