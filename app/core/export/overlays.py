"""What lies over the bars of a sheet: flags of what was printed and went wrong, arrows of who started and woke whom."""

from __future__ import annotations

import numpy as np

from app.core.export import brokers
from app.core.export.rows import Row
from app.core.export.sheet import SMALL_PX, Sheet
from app.core.export.svg import cut, plain, width_of
from app.core.records import ROUTINE_MARKS, MarkKind

_MOST_ARROWS, _MOST_ARROWS_SMALL = 600, 60
_MOST_LOOKED_AT = 200_000
_LONGEST_FLAG_PX = 420
_PRINTED = (MarkKind.STDOUT, MarkKind.ANNOTATION)


def draw_flags(sheet: Sheet) -> None:
    """Ticks over the height of their row, with their text where there is room."""
    for row in sheet.rows:
        if row.mark_px:
            _flags_of(sheet, row)
    _flags_of_machine(sheet)


def _flags_of_machine(sheet: Sheet) -> None:
    """What concerns the whole run (its broker was killed, and came back) is a line across all rows."""
    marks = sheet.recording.marks
    own = np.flatnonzero((marks["lane"] == 0) & (marks["kind"] == MarkKind.BROKER))
    for index, x in zip(own.tolist(), sheet.scale.px(marks["t"][own].astype(np.int64)).tolist(), strict=True):
        if not 0 <= x <= sheet.scale.width_px:
            continue
        text, serious, _routine = _said(sheet, int(marks["kind"][index]), sheet.recording.strings[int(marks["text"][index])])
        color = sheet.colors.error if serious else sheet.colors.text
        sheet.svg.rect(x, 0, 1.5, sheet.rows_px, color, 0.75)
        shown = cut(plain(text), _LONGEST_FLAG_PX, SMALL_PX)
        left = x + 6 + width_of(shown, SMALL_PX) > sheet.scale.width_px
        sheet.label(x - 6 - width_of(shown, SMALL_PX) if left else x + 6, 8, shown, color)


def _flags_of(sheet: Sheet, row: Row) -> None:
    marks, width_px = sheet.recording.marks, sheet.scale.width_px
    own = np.flatnonzero(marks["lane"] == row.lane.id)
    own = own[np.argsort(marks["t"][own], kind="stable")]
    taken = last = -1e9
    for index, x in zip(own.tolist(), sheet.scale.px(marks["t"][own].astype(np.int64)).tolist(), strict=True):
        if not 0 <= x <= width_px or x - last < 1:
            continue
        last = x
        text, serious, routine = _said(sheet, int(marks["kind"][index]), sheet.recording.strings[int(marks["text"][index])])
        color = sheet.colors.error if serious else sheet.colors.text
        sheet.svg.rect(x, row.y_px + 3, 1.5, (row.mark_px if routine else row.height_px - 3) - 3, color, 0.75)
        shown = cut(plain(text), min(_LONGEST_FLAG_PX, width_px - x - 10), SMALL_PX)
        if x < taken or not shown:
            continue
        sheet.svg.rect(x, row.y_px + 3, 6, 5, color)
        sheet.label(x + 10, row.y_px + 1 + row.mark_px / 2, shown, color)
        taken = x + 14 + width_of(shown, SMALL_PX)


def _said(sheet: Sheet, kind: int, text: str) -> tuple[str, bool, bool]:
    """A mark in words, whether it tells of something gone wrong, and whether of what comes by the hundred."""
    words = brokers.told(kind, text)
    if not words:
        return text, kind not in _PRINTED, False
    return brokers.mark_text(kind, words, sheet.word), brokers.is_grave(kind, words), words.get("what") in ROUTINE_MARKS


def draw_arrows(sheet: Sheet) -> None:
    """From the middle of one bar to the near edge of another; none where there are too many to be told apart."""
    flows, places = sheet.recording.flows, {row.lane.id: row for row in sheet.rows if not row.members}
    t, t2 = sheet.scale.px(flows["t"].astype(np.int64)), sheet.scale.px(flows["t2"].astype(np.int64))
    seen = np.flatnonzero((t2 >= 0) & (t <= sheet.scale.width_px))[:_MOST_LOOKED_AT]
    pairs = [(i, places.get(int(flows["from"][i])), places.get(int(flows["to"][i]))) for i in seen.tolist()]
    found = [(i, a, b) for i, a, b in pairs if a and b and a is not b]
    if len(found) > (_MOST_ARROWS_SMALL if sheet.picture.compact else _MOST_ARROWS):
        return
    for i, a, b in found:
        _arrow(sheet, float(t[i]), a, float(t2[i]), b)


def _arrow(sheet: Sheet, x1: float, a: Row, x2: float, b: Row) -> None:
    (top, high), (to_top, to_high) = a.box, b.box
    y1, down = top + high / 2, to_top > top
    y2 = to_top if down else to_top + to_high
    middle, back = (y1 + y2) / 2, -5 if down else 5
    curve = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    head = "" if sheet.picture.compact else f"m-2.5 {back}L{x2:.1f} {y2:.1f}l2.5 {back}"
    thin = ' stroke-width="0.6"' if sheet.picture.compact else ""
    sheet.svg.add(f'<path d="{curve}{head}" fill="none" stroke="{sheet.colors.flow}"{thin}/>')
