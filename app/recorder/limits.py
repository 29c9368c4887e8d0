"""What a run may use, and which of that is used up."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.records import Outcome
from app.recorder.target import Target


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a session stops at; None is unbounded. Names carry their units; `tmp_inodes` are files in one writable folder."""

    wall_s: float | None = None
    cpu_s: float | None = None
    memory_bytes: int | None = None
    output_bytes: int | None = None
    records: int | None = None
    tmp_inodes: int | None = None


_OUTCOMES = {
    "wall_s": Outcome.TIME_LIMIT,
    "cpu_s": Outcome.CPU_LIMIT,
    "memory_bytes": Outcome.MEMORY_LIMIT,
    "tmp_inodes": Outcome.MEMORY_LIMIT,
    "output_bytes": Outcome.OUTPUT_LIMIT,
    "records": Outcome.RECORD_LIMIT,
}


def exceeded(
    bounds: Bounds, target: Target, *, wall_s: float, output_bytes: int, records: int
) -> tuple[Outcome, str, float] | None:
    """The first bound that is passed: the outcome, the bound's name and its number."""
    measured: dict[str, float | None] = {"wall_s": wall_s, "output_bytes": output_bytes, "records": records}
    if bounds.cpu_s is not None or bounds.memory_bytes is not None or bounds.tmp_inodes is not None:
        usage = target.usage()
        measured |= {"cpu_s": usage.cpu_s, "memory_bytes": usage.memory_bytes, "tmp_inodes": usage.inodes}
    for name, value in measured.items():
        bound = getattr(bounds, name)
        if bound is not None and value is not None and value > bound:
            return _OUTCOMES[name], name, bound
    return None
