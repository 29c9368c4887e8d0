"""A recording as an SVG picture: the whole run or a stretch of it, large with names and axis, or compact as a thumbnail.

Drawn as the page draws it: the same rows, inks and patterns; the cost follows pixels, not observations.
"""

from __future__ import annotations

from app.core.export.captions import draw_frame, draw_legend
from app.core.export.lanes import draw_row, write_boxes
from app.core.export.looks import SHAPES, Shape
from app.core.export.overlays import draw_arrows, draw_flags
from app.core.export.sheet import SMALL_PX, Picture, Sheet
from app.core.recording import Recording

__all__ = ["Picture", "draw"]


def draw(recording: Recording, picture: Picture | None = None) -> str:
    """The picture as an SVG document: no style sheet, no script, nothing from elsewhere."""
    sheet = Sheet(recording, picture or Picture())
    compact = sheet.picture.compact
    _patterns(sheet)
    if not compact:
        draw_frame(sheet)
    sheet.svg.add(f'<svg x="{sheet.names_px:.0f}" y="{sheet.top_px:.0f}" width="{sheet.scale.width_px:.0f}" overflow="hidden">')
    for row in sheet.rows:
        draw_row(sheet, row)
    write_boxes(sheet)
    if not compact:
        draw_flags(sheet)
    draw_arrows(sheet)
    for label in sheet.labels:
        sheet.svg.text(label.x_px, label.y_px, label.text, label.color, SMALL_PX)
    sheet.svg.add("</svg>")
    if not compact:
        draw_legend(sheet)
    return sheet.svg.document()


def _patterns(sheet: Sheet) -> None:
    for ink, shape in enumerate(SHAPES):
        if shape is not Shape.HATCH:
            continue
        color = sheet.colors.inks[ink]
        sheet.svg.add(
            f'<pattern id="hatch-{sheet.picture.theme}-{ink}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="{color}" fill-opacity="0.22"/>'
            f'<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="{color}" stroke-width="2"/></pattern>'
        )
