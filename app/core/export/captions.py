"""What is to be read around a picture: title, time axis, names of the rows, legend."""

from __future__ import annotations

from app.core.export import axis
from app.core.export.looks import SHAPES, Ink, Shape
from app.core.export.rows import Row
from app.core.export.sheet import LEGEND_PX, SMALL_PX, TEXT_PX, Sheet
from app.core.export.svg import cut, width_of
from app.core.records import LaneKind

_TICK_PX = 110
_INDENT_PX = 12
_LEGEND = (Ink.RUNNING, Ink.RUNNING_C, Ink.READY, Ink.WAITING, Ink.GIL_WAIT, Ink.PREEMPTED, Ink.IDLE, Ink.GAP)


def draw_frame(sheet: Sheet) -> None:
    """Title, axis and names; the bars come over its rules."""
    picture, colors, svg = sheet.picture, sheet.colors, sheet.svg
    if picture.title:
        svg.text(16, 20, cut(picture.title, picture.width_px * 0.75, 17), colors.text, 17, bold=True)
        svg.text(16, 38, cut(picture.subtitle, picture.width_px - 140, SMALL_PX), colors.quiet, SMALL_PX)
        svg.text(picture.width_px - 16, 20, "Schedscope", colors.quiet, TEXT_PX, anchor="end")
    _axis(sheet)
    svg.rect(0, sheet.top_px - 0.5, picture.width_px, 1, colors.strong_rule)
    for row in sheet.rows:
        _row_head(sheet, row)


def _axis(sheet: Sheet) -> None:
    scale, colors = sheet.scale, sheet.colors
    span_ns, start = scale.end_ns - scale.start_ns, scale.start_ns - sheet.t0_ns
    for t_ns, label in axis.ticks(start, start + span_ns, span_ns * _TICK_PX / scale.width_px):
        x = sheet.names_px + (t_ns - start) / span_ns * scale.width_px
        sheet.svg.rect(x, sheet.top_px - 6, 1, sheet.rows_px + 6, colors.rule)
        at_end = x + width_of(label, SMALL_PX) / 2 > sheet.picture.width_px
        sheet.svg.text(x, sheet.top_px - 16, label, colors.quiet, SMALL_PX, anchor="end" if at_end else "middle")


def _row_head(sheet: Sheet, row: Row) -> None:
    y, quiet = sheet.top_px + row.y_px, row.lane.kind in (LaneKind.CPU, LaneKind.MEMORY)
    size = min(TEXT_PX, row.height_px * 0.9)
    x = 12 + _INDENT_PX * row.depth
    middle = y + row.mark_px + (row.height_px - row.mark_px) / 2
    name = cut(sheet.name(row), sheet.names_px - x - 8, size)
    sheet.svg.text(x, middle, name, sheet.colors.quiet if quiet else sheet.colors.text, size)
    if not quiet:
        sheet.svg.rect(0, y - 0.5, sheet.picture.width_px, 0.75, sheet.colors.rule)


def draw_legend(sheet: Sheet) -> None:
    """The inks that occur, and how many rows had no room."""
    x, y = 16.0, sheet.height_px - LEGEND_PX / 2
    seen = {ink for (ink, _trace), boxes in sheet.boxes.items() if any(len(box) for box in boxes)}
    for ink in _LEGEND:
        if ink not in seen and not any(row.members for row in sheet.rows):
            continue
        height = 3 if SHAPES[ink] in (Shape.LINE, Shape.HAIRLINE) else 10
        fill = sheet.colors.rule if SHAPES[ink] is Shape.DOTS else sheet.fill(ink)
        sheet.svg.rect(x, y - height / 2, 18, height, fill)
        word = sheet.word(f"ink.{int(ink)}", ink.name.replace("_", " ").lower())
        sheet.svg.text(x + 24, y, word, sheet.colors.quiet, SMALL_PX)
        x += 24 + width_of(word, SMALL_PX) + 22
    if sheet.left_out:
        text = sheet.word("picture.leftOut", "{n} more lanes").replace("{n}", str(sheet.left_out))
        sheet.svg.text(sheet.picture.width_px - 16, y, text, sheet.colors.quiet, SMALL_PX, anchor="end")
