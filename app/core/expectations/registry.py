"""The table of checks by name, and what a check answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Check = Callable[..., "Verdict"]
CHECKS: dict[str, Check] = {}


@dataclass(frozen=True)
class Verdict:
    """`holds` is None where it cannot be told; `why` then says why, and of a failure what explains it, if anything does."""

    holds: bool | None
    figures: Mapping[str, float] = field(default_factory=dict)
    spans: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""


def unobservable(why: str) -> Verdict:
    """It cannot be told from this recording."""
    return Verdict(None, why=why)


def check(function: Check) -> Check:
    """Makes a function `(seen: Seen, *, …) -> Verdict` a check that headers may name."""
    CHECKS[function.__name__] = function
    return function


def faults_of(name: str, arguments: object) -> str:
    """What is wrong with a check's name or arguments, "" when nothing is."""
    if name not in CHECKS:
        return f"there is no check {name!r} (there are: {', '.join(sorted(CHECKS))})"
    if not isinstance(arguments, Mapping):
        return f"the arguments of {name} must be a table"
    try:
        inspect.signature(CHECKS[name]).bind(None, **arguments)
    except TypeError as error:
        return f"{name}: {error}"
    return ""
