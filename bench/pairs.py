"""Two ways of doing one thing, in alternating pairs: what a busy machine spoils, it spoils on both sides, and the median sees past it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def alternate(bare: Callable[[], Result], recorded: Callable[[], Result], pairs: int) -> list[tuple[Result, Result]]:
    """(bare, recorded) of each pair. Every second pair begins with the other side, so that neither always comes first."""
    results = []
    for pair in range(pairs):
        if pair % 2:
            after = recorded()
            results.append((bare(), after))
        else:
            results.append((bare(), recorded()))
    return results


def ratios(results: Sequence[tuple[float, float]]) -> list[float]:
    """Recorded ÷ bare of each pair."""
    return [after / before for before, after in results]


def shown(values: Sequence[float], digits: int = 2) -> str:
    """The median, with the middle half of the values behind it: `1.04 (1.02–1.07)`."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
    return f"{median:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
