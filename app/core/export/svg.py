"""SVG as text: elements one after another, numbers short, no style sheet and no script, so that any viewer and any policy takes it."""

from __future__ import annotations

import re
import unicodedata
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif"
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|[^\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]+")
_MEAN_CHAR, _WIDE_CHAR = 0.56, 1.0  # of the font's size; a picture measured without a font can only estimate


class Svg:
    """Collects elements; `text()` is the document."""

    def __init__(self, width_px: float, height_px: float, background: str, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width_px)}" height="{_n(height_px)}"'
            f' viewBox="0 0 {_n(width_px)} {_n(height_px)}" font-family={quoteattr(FONT)} role="img">',
            f"<title>{escape(plain(title))}</title>",
        ]
        self.rect(0, 0, width_px, height_px, background)

    def add(self, markup: str) -> None:
        """An element as it is."""
        self._parts.append(markup)

    def rect(self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1) -> None:
        """One rectangle."""
        faint = "" if opacity == 1 else f' opacity="{_n(opacity)}"'
        self.add(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{fill}"{faint}/>')

    def rects(self, boxes: list[NDArray[np.float64]], attributes: str) -> None:
        """Many rectangles of one look as one path; each array has rows x, y, width, height."""
        rows = np.concatenate(boxes) if boxes else np.empty((0, 4))
        if not len(rows):
            return
        d = "".join(f"M{_n(x)} {_n(y)}h{_n(w)}v{_n(h)}h{_n(-w)}z" for x, y, w, h in rows.tolist())
        self.add(f'<path d="{d}" {attributes}/>')

    def text(self, x: float, y: float, text: str, fill: str, size: float, *, anchor: str = "start", bold: bool = False) -> None:
        """One line of text, `y` its middle."""
        weight = ' font-weight="600"' if bold else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(
            f'<text x="{_n(x)}" y="{_n(y + 0.35 * size)}" font-size="{_n(size)}" fill="{fill}"{where}{weight}>'
            f"{escape(plain(text))}</text>"
        )

    def document(self) -> str:
        """The whole picture."""
        return "\n".join([*self._parts, "</svg>\n"])


def plain(text: str) -> str:
    """A text without colours and without what XML cannot hold."""
    return _UNPRINTABLE.sub(lambda match: "" if match[0][0] == "\x1b" else " ", text).strip()


def width_of(text: str, size: float) -> float:
    """About how wide a text is in pixels."""
    return size * sum(_WIDE_CHAR if unicodedata.east_asian_width(char) in "WF" else _MEAN_CHAR for char in text)


def cut(text: str, room_px: float, size: float) -> str:
    """As much of a text as fits, nothing when not even a few letters would."""
    if width_of(text, size) <= room_px:
        return text
    keep = int(len(text) * room_px / width_of(text, size)) - 1
    return "" if keep < 3 else f"{text[:keep].rstrip()}…"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
