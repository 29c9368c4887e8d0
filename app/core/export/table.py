"""The facts of a run as a table (RFC 4180): one number a row, with the lane it is about and its unit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from app.core.facts import facts
from app.core.recording import Recording

_HEAD = ("section", "lane", "lane_name", "fact", "value", "unit")
_UNITS = {"ns": "ns", "per_s": "1/s"}
_SHARES = ("utilisation",)


def facts_csv(recording: Recording) -> str:
    """Every number that `app.core.facts` tells. A fact that was not observed has no value: its cell is empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for path, lane, value in _leaves(facts(recording), (), None):
        name = recording.lanes[lane].name if lane is not None and 0 <= lane < len(recording.lanes) else ""
        section = path[0] if len(path) > 1 else "run"
        fact = ".".join(path[1:] or path)
        writer.writerow((section, "" if lane is None else lane, _harmless(name), fact, _cell(value), _unit(path[-1], path)))
    return out.getvalue()


def _leaves(value: Any, path: tuple[str, ...], lane: int | None) -> Iterator[tuple[tuple[str, ...], int | None, Any]]:
    """Every number or word with the way to it; whatever names a `lane` is about that lane."""
    if isinstance(value, dict):
        about = value.get("lane", lane)
        for key, inner in value.items():
            if key != "lane":
                yield from _leaves(inner, (*path, str(key)), about if isinstance(about, int) else lane)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            own = isinstance(inner, dict) and "lane" in inner
            yield from _leaves(inner, path if own else (*path, str(number)), lane)
    else:
        yield path or ("value",), lane, value


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return _harmless(value) if isinstance(value, str) else "" if value is None else value


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula is quoted as text: names come from the observed program."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _unit(key: str, path: tuple[str, ...]) -> str:
    if "states" in path[:-1]:
        return "ns"  # time in each state
    return next((unit for ending, unit in _UNITS.items() if key.endswith(f"_{ending}")), "share" if key in _SHARES else "")
