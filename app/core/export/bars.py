"""Spans as rectangles at the cost of pixels: what is shorter than one is gathered in cells, in the ink of what lasted longest there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.export.looks import INKS, RUNS, Ink
from app.core.spans import Spans

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """The visible stretch of time, absolute nanoseconds, over `width_px`."""

    start_ns: int
    end_ns: int
    width_px: float

    def px(self, t_ns: NDArray[np.int64]) -> Floats:
        """Where times lie; the start is taken away before anything is rounded."""
        return np.asarray((t_ns - self.start_ns) * (self.width_px / max(self.end_ns - self.start_ns, 1)), np.float64)


@dataclass(frozen=True, slots=True)
class Bars:
    """Rectangles of one lane as columns. `span` is the index of the span, -1 for several as one; `runner` what ran for the lesser part."""

    ink: NDArray[np.int64]
    x_px: Floats
    width_px: Floats
    span: NDArray[np.int64]
    runner: NDArray[np.int64]


def bars_of(spans: Spans, inks: NDArray[np.uint8], scale: Scale) -> Bars:
    """The bars of one lane's spans (in order of time) within the scale."""
    begun = (spans.begin < scale.end_ns) | ((inks == Ink.ENDED) & (spans.begin == scale.end_ns))
    seen = np.flatnonzero(begun & ((spans.end > scale.start_ns) | (spans.begin >= scale.start_ns)))
    left, right = scale.px(spans.begin[seen]), scale.px(spans.end[seen])
    ink = inks[seen].astype(np.int64)
    wide = (right - left >= 1) | (ink == Ink.ENDED)
    exact = Bars(
        ink[wide],
        np.clip(left[wide], -8, None),
        np.clip(right[wide], None, scale.width_px + 8) - np.clip(left[wide], -8, None),
        seen[wide],
        np.zeros(int(wide.sum()), np.int64),
    )
    return _joined(exact, _cells(left[~wide], right[~wide], ink[~wide], scale.width_px))


def _cells(left: Floats, right: Floats, ink: NDArray[np.int64], width_px: float) -> Bars:
    """One bar a pixel for all that is shorter than a pixel; neighbours alike become one."""
    cell = np.clip(np.floor(left), 0, np.ceil(width_px)).astype(np.int64)
    columns = int(np.ceil(width_px)) + 1
    # What was left at once still was there: it counts as the least there is.
    weight = np.bincount(cell * INKS + ink, np.maximum(right - left, 1e-9), columns * INKS).reshape(columns, INKS)
    there = np.flatnonzero(weight.any(axis=1))
    best = weight[there].argmax(axis=1)
    running = (weight[there] * RUNS).argmax(axis=1)
    runner = np.where((running == best) | ~RUNS[running] | ((weight[there] * RUNS).max(axis=1) == 0), 0, running)
    first = np.flatnonzero(
        np.append(True, (np.diff(there) != 1) | (np.diff(best) != 0) | (np.diff(runner) != 0)) if len(there) else []
    )
    last = np.append(first[1:], len(there))[: len(first)] - 1
    return Bars(
        best[first],
        there[first].astype(np.float64),
        (there[last] - there[first] + 1).astype(np.float64),
        np.full(len(first), -1, np.int64),
        runner[first],
    )


def _joined(one: Bars, other: Bars) -> Bars:
    return Bars(
        np.concatenate([one.ink, other.ink]),
        np.concatenate([one.x_px, other.x_px]),
        np.concatenate([one.width_px, other.width_px]),
        np.concatenate([one.span, other.span]),
        np.concatenate([one.runner, other.runner]),
    )


def density(spans: Spans, inks: NDArray[np.uint8], scale: Scale) -> Floats:
    """Mean number of lanes per pixel column and ink, `[column, ink]`: each span's two ends go into slopes, a running sum makes the columns."""
    columns = int(np.ceil(scale.width_px))
    slopes = np.zeros((columns + 2, INKS))
    for t_ns, by in ((spans.begin, 1.0), (spans.end, -1.0)):
        x = np.clip(scale.px(t_ns), 0, columns)
        at = np.floor(x).astype(np.int64)
        np.add.at(slopes, (at, inks), by * (1 - (x - at)))
        np.add.at(slopes, (at + 1, inks), by * (x - at))
    return np.maximum(np.cumsum(slopes, axis=0)[:columns], 0)
