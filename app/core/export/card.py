"""A picture of a run without words, in pixels: what other sites show beside a link to it (Open Graph wants no SVG).

Drawn from the same sheet as the SVG thumbnail; only rectangles and hatches, so that NumPy is all it needs and every language reads it.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from app.core.export.lanes import draw_row
from app.core.export.looks import INKS, SHAPES, Shape, Theme
from app.core.export.sheet import Picture, Sheet
from app.core.recording import Recording

WIDTH_PX, HEIGHT_PX = 1200, 630
_MARGIN_PX, _HEAD_PX = 48, 72
_ACCENT: dict[Theme, str] = {"light": "#5637c8", "dark": "#ae9bff"}
_MARK = ((0, 12, 6, 2), (6, 4, 2, 10), (6, 4, 8, 2), (12, 4, 2, 10), (12, 12, 7, 2), (17, 4, 2, 10), (17, 4, 7, 2))
"""The trace of the site's mark: x, y, width, height in units of 3 px."""
_HATCH_PX = 8

Pixels = NDArray[np.uint8]


def card_png(recording: Recording, theme: Theme = "light") -> bytes:
    """A PNG of 1200 × 630 pixels."""
    room = Picture(width_px=WIDTH_PX - 2 * _MARGIN_PX, height_px=HEIGHT_PX - _HEAD_PX - _MARGIN_PX, compact=True, theme=theme)
    sheet = Sheet(recording, room)
    pixels = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    pixels[:] = _rgb(sheet.colors.background)
    for row in sheet.rows:
        draw_row(sheet, row)
    for x, y, width, height in _MARK:
        pixels[24 + 3 * y - 12 : 24 + 3 * (y + height) - 12, _MARGIN_PX + 3 * x : _MARGIN_PX + 3 * (x + width)] = _rgb(
            _ACCENT[theme]
        )
    plot = pixels[_HEAD_PX : HEIGHT_PX - _MARGIN_PX, _MARGIN_PX : WIDTH_PX - _MARGIN_PX]
    for ink, boxes, opacity in sheet.areas:
        _fill(plot, boxes, _rgb(sheet.colors.inks[ink]), SHAPES[ink] if SHAPES[ink] is Shape.HATCH else Shape.SOLID, opacity)
    for trace in (False, True):
        for ink in range(1, INKS):
            for boxes in sheet.boxes[ink, trace]:
                _fill(plot, boxes, _rgb(sheet.colors.inks[ink]), Shape.SOLID if trace else SHAPES[ink])
    return png(pixels)


def _fill(plot: Pixels, boxes: NDArray[np.float64], color: NDArray[np.float64], shape: Shape, opacity: float = 1.0) -> None:
    """Rectangles x, y, width, height; each covers at least one pixel each way."""
    for x, y, width, height in boxes.tolist():
        top, bottom = round(y), max(round(y + height), round(y) + 1)
        left, right = max(round(x), 0), max(round(x + width), round(x) + 1)
        area = plot[top:bottom, left:right]
        if shape is Shape.DOTS or not area.size:
            continue
        if shape is Shape.HATCH:
            rows, columns = np.indices(area.shape[:2])
            stripe = ((rows + top + columns + left) % _HATCH_PX) < _HATCH_PX * 0.45
            area[:] = np.where(stripe[..., None], color, area * 0.75 + color * 0.25).astype(np.uint8)
        else:
            area[:] = (color * opacity + area * (1 - opacity)).astype(np.uint8)


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], np.float64)


def png(pixels: Pixels) -> bytes:
    """Rows × columns × RGB as a PNG (W3C Portable Network Graphics, third edition): one IDAT, filter 0."""
    height, width, _ = pixels.shape
    raw = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(raw, 6)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
