"""Rows on a sheet: the bars of a lane with their labels, a crowd of lanes as areas, a counter as its value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.export import brokers
from app.core.export.bars import Bars, bars_of, density
from app.core.export.looks import INKS, RUNS, SHAPES, Ink, Shape
from app.core.export.rows import Row
from app.core.export.sheet import SMALL_PX, Sheet
from app.core.export.svg import cut, width_of
from app.core.recording import Lane
from app.core.records import LaneKind

_STACK = [Ink.RUNNING, Ink.RUNNING_C, Ink.GIL_WAIT, Ink.PREEMPTED, Ink.READY, Ink.WAITING, Ink.IDLE, Ink.GAP]
_LEAST_RUNNING_PX = 2.0
"""One that runs among ten thousand is still seen."""
_LETTER_PX = 15
_LOWER = {LaneKind.QUEUE: Ink.RUNNING, LaneKind.CONSUMER: Ink.RUNNING}
"""Counters of messages that somebody is at work on."""
_PALE, _COUNTER = 0.35, 0.45  # opacities
_UNLABELLED = {LaneKind.CPU, LaneKind.PROCESS} | brokers.KINDS
_LINES = (Shape.LINE, Shape.HAIRLINE, Shape.DOTS)


def draw_row(sheet: Sheet, row: Row) -> None:
    """One row, whatever it is."""
    if row.members:
        _crowd(sheet, row)
        return
    first, stop = np.searchsorted(sheet.spans.lane, [row.lane.id, row.lane.id + 1]).tolist()
    bars = bars_of(sheet.spans.between(first, stop), sheet.inks[first:stop], sheet.scale)
    y, height = row.box
    for ink in np.unique(bars.ink).tolist():
        if ink == Ink.RUNNING and row.lane.kind is LaneKind.CONSUMER:
            continue  # how much it has to do, its counter shows
        sheet.boxes[ink, False].append(_placed(SHAPES[ink], bars, bars.ink == ink, y, height))
    for ink in np.unique(bars.runner).tolist():
        if ink != Ink.NONE:
            sheet.boxes[ink, True].append(_box(bars, bars.runner == ink, y + height * 0.3, height * 0.4))
    if not sheet.picture.compact and height >= SMALL_PX and row.lane.kind not in _UNLABELLED:
        _label(sheet, row, bars, first)
    _count(sheet, row)


def write_boxes(sheet: Sheet) -> None:
    """All areas and bars, one path an ink; over them the traces of what ran for the lesser part."""
    for ink, boxes, opacity in sheet.areas:
        sheet.svg.rects([boxes], f'fill="{sheet.fill(ink)}" fill-opacity="{opacity}" shape-rendering="crispEdges"')
    for ink in range(1, INKS):
        color = sheet.colors.inks[ink]
        if SHAPES[ink] is Shape.DOTS:
            sheet.svg.rects(sheet.boxes[ink, False], f'fill="none" stroke="{color}" stroke-dasharray="2 3"')
        else:
            edge = f' stroke="{color}" stroke-width="0.75"' if SHAPES[ink] is Shape.HATCH else ""
            sheet.svg.rects(sheet.boxes[ink, False], f'fill="{sheet.fill(ink)}"{edge}')
    for ink in range(1, INKS):
        sheet.svg.rects(sheet.boxes[ink, True], f'fill="{sheet.colors.inks[ink]}"')


def _box(bars: Bars, which: NDArray[np.bool_], y: float, height: float, gap: bool = False) -> NDArray[np.float64]:
    x, width = bars.x_px[which], bars.width_px[which]
    shown = np.where(width > 4, width - 1, np.maximum(width, 1.25)) if gap else np.maximum(width, 1.0)
    return np.stack([x, np.full(len(x), y), shown, np.full(len(x), height)], axis=1)


def _placed(shape: Shape, bars: Bars, which: NDArray[np.bool_], y: float, height: float) -> NDArray[np.float64]:
    """Rectangles by the shape of their ink."""
    middle = y + height / 2
    line = min(3.0, max(1.2, height * 0.3))
    match shape:
        case Shape.LINE:
            return _box(bars, which, middle - line / 2, line, gap=True)
        case Shape.HAIRLINE:
            return _box(bars, which, middle - 0.5, 1.0, gap=True)
        case Shape.BRACKET:
            return _box(bars, which, middle - 3, 6.0, gap=True)
        case Shape.CAP:
            boxes = _box(bars, which, y + height * 0.15, height * 0.7)
            boxes[:, 2] = 2.0
            return boxes
        case Shape.NONE:
            return np.empty((0, 4))
        case _:
            return _box(bars, which, y, height, gap=True)


def _label(sheet: Sheet, row: Row, bars: Bars, offset: int) -> None:
    y, height = row.box
    for index in np.flatnonzero((bars.span >= 0) & (bars.width_px >= _LETTER_PX)).tolist():
        ink = int(bars.ink[index])
        shape = SHAPES[ink]
        if shape in (Shape.NONE, Shape.CAP, Shape.BRACKET):
            continue
        x, width = max(float(bars.x_px[index]), 0.0), float(bars.width_px[index])
        word, letter = sheet.says(row.lane, offset + int(bars.span[index]), ink)
        text = _fitting(word, letter, width - 10, cuttable=ink >= Ink.HOLDER)
        # On a line the words stand above it, where the row has the room.
        raised = 8 if shape in _LINES and height >= 17 else 0
        color = _readable_on(sheet.colors.inks[ink]) if shape is Shape.SOLID else sheet.colors.text
        if text:
            sheet.label(x + 5, y + height / 2 - raised, text, color)


def _fitting(word: str, letter: str, room_px: float, *, cuttable: bool) -> str:
    if width_of(word, SMALL_PX) <= room_px:
        return word
    return cut(word, room_px, SMALL_PX) if cuttable else letter


def _crowd(sheet: Sheet, row: Row) -> None:
    """Many lanes as how many of them were in which state, stacked."""
    theirs = np.isin(sheet.spans.lane, row.members)
    counts = density(sheet.spans.where(theirs), sheet.inks[theirs], sheet.scale) / len(row.members)
    y, height = row.box
    bottom = np.full(len(counts), y + height)
    layers = []
    for ink in _STACK:
        part = counts[:, ink] * height
        shown = np.where(part > 1e-9, np.maximum(part, _LEAST_RUNNING_PX if RUNS[ink] else 0.0), 0.0)
        layers.append((ink, bottom - shown, shown))
        bottom = bottom - part
    for ink, top, shown in reversed(layers):  # from above, so that the least of what runs lies over what waits
        _area(sheet, ink, top, shown)


def _area(sheet: Sheet, ink: int, top: NDArray[np.float64], height: NDArray[np.float64]) -> None:
    there = np.flatnonzero(height > 0.05)
    rows = np.stack([there.astype(np.float64), top[there], np.ones(len(there)), height[there]], axis=1)
    sheet.areas.append((ink, rows, _PALE if SHAPES[ink] in _LINES else 1.0))


def _count(sheet: Sheet, row: Row) -> None:
    """A lane's counter as an area; of a queue what is unacknowledged, and above it what is ready."""
    counters = sheet.recording.counters
    own = np.flatnonzero(counters["lane"] == row.lane.id)
    if not len(own):
        return
    y, height = row.box
    times, lower, upper = counters["t"][own].astype(np.int64), counters["value"][own], np.zeros(len(own))
    if row.lane.kind is LaneKind.QUEUE:
        times, lower, upper = brokers.queue_counts(sheet.recording, row.lane)
    most = float((lower + upper).max())
    x = np.clip(sheet.scale.px(np.append(times, sheet.scale.end_ns)), 0, sheet.scale.width_px)
    base = np.full(len(times), y + height)
    for ink, values in ((_LOWER.get(row.lane.kind, Ink.WAITING), lower), (Ink.WAITING, upper)):
        heights = height * np.maximum(values, 0) / max(most, 1.0)
        base = base - heights
        boxes = np.stack([x[:-1], base, np.diff(x), heights], axis=1)[heights > 0]
        sheet.areas.append((ink, boxes, _COUNTER if ink == Ink.WAITING else 1.0))
    if not sheet.picture.compact and height >= SMALL_PX * 0.8:
        sheet.label(6, y + 7, _highest(sheet, row.lane, lower, upper), sheet.colors.quiet)


def _highest(sheet: Sheet, lane: Lane, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> str:
    most = float(lower.max())
    if lane.kind is LaneKind.MEMORY:
        return f"{most / 1e6:.3g} MB"
    return brokers.most_text(lane, float(upper.max()), most, sheet.word) if lane.kind in brokers.KINDS else f"{most:g}"


def _readable_on(color: str) -> str:
    red, green, blue = ((int(color[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"
