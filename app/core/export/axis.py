"""The time axis of a picture, and durations as people read them: as the page has them (`static/timeline/axis.js`, `common/format.js`)."""

from __future__ import annotations

import math

_UNITS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))
_THIN = "\u2009"


def _unit_of(ns: float) -> tuple[str, float]:
    return next((unit for unit in _UNITS if abs(ns) >= unit[1] * 0.9995), _UNITS[-1])


def duration(ns: float) -> str:
    """Three significant digits: `1.05 s`, `250 µs`."""
    if ns == 0:
        return f"0{_THIN}s"
    name, unit = _unit_of(ns)
    decimals = 0 if unit == 1 else min(3, max(0, 2 - math.floor(math.log10(abs(ns / unit) + 1e-12))))
    text = f"{ns / unit:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{_THIN}{name}"


def round_step(least_ns: float) -> float:
    """The least of 1, 2 or 5 times a power of ten of at least that length."""
    power: float = 10.0 ** math.floor(math.log10(max(least_ns, 1.0)))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least_ns * (1 - 1e-9)), 10 * power)


def ticks(start_ns: float, end_ns: float, least_ns: float) -> list[tuple[float, str]]:
    """Round times within a stretch, counted as it is, with their labels."""
    step_ns = round_step(least_ns)
    name, unit = _unit_of(max(abs(start_ns), abs(end_ns), step_ns))
    decimals = max(0, math.ceil(-math.log10(step_ns / unit) - 1e-9))
    first, last = math.ceil(start_ns / step_ns - 1e-9), math.floor(end_ns / step_ns + 1e-9)
    return [
        (at * step_ns, "0" if at == 0 else f"{at * step_ns / unit:.{decimals}f}{_THIN}{name}") for at in range(first, last + 1)
    ]
