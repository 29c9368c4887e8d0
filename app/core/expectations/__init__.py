"""Is in a recording what its experiment says must be seen? Asked of the recording alone.

A recording carries its script, and the script's docstring is the experiment's header. Each `[[expected]]` of it names a check,
its arguments and the parameters it is meant for. A check answers *holds*, *fails* or *unobservable*, with figures and the
spans they came from; it never guesses where an observer was off.

To add a check: a function marked `@check` in a module of this package that is imported below (`lanes`, `times`, …), keyword
arguments with defaults where sensible; one line `expected.seen.NAME` in static/i18n/{zh,en}.json that says its figures; a test.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from typing import Any

from app.core.expectations import coroutines, lanes, locks, outputs, switches, times, transfers
from app.core.expectations.registry import CHECKS, Verdict, faults_of, unobservable
from app.core.expectations.seen import Seen
from app.core.recording import Recording
from app.core.records import Outcome

__all__ = [
    "CHECKS",
    "Verdict",
    "coroutines",
    "expectations",
    "expected_of",
    "faults_of",
    "lanes",
    "locks",
    "meets",
    "outputs",
    "switches",
    "times",
    "transfers",
]

_CUT_SHORT = {Outcome.CANCELLED, Outcome.REFUSED, Outcome.INTERRUPTED, Outcome.FAULT}


def expectations(recording: Recording) -> list[dict[str, Any]]:
    """What was expected of this run, in the header's order, each with its verdict.

    `[{"check", "says": {zh, en}, "verdict": "holds" | "fails" | "unobservable", "figures": {name: number}, "spans": [{lane, t_ns,
    duration_ns, state}…], "why"}]`. A figure's name ends in its unit: `_ns`, `_share` (of one), else a plain number or ratio. `why` is "" or
    a word for what kept it from being told (an observer's own words, `cut-short`) or what explains a failure (`few-cores`, `taken`).
    """
    expected = expected_of(recording)
    seen = Seen.of(recording) if expected else None
    return [] if seen is None else [_judge(seen, one) for one in expected]


def expected_of(recording: Recording) -> list[dict[str, Any]]:
    """The header's `[[expected]]` that are meant for this run's parameters; none where the script has no such header."""
    source = recording.header.get("script", {}).get("source", "")
    try:
        docstring = ast.get_docstring(ast.parse(source), clean=False) or ""
        expected = tomllib.loads(docstring.lstrip("\n").replace("\r\n", "\n")).get("expected", [])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []  # a script of one's own: its docstring is anything
    parameters = recording.header.get("parameters") or {}
    return [one for one in expected if _is_ours(one) and meets(parameters, one.get("when", {}))]


def _is_ours(one: object) -> bool:
    return isinstance(one, dict) and "says" in one and not faults_of(str(one.get("check")), one.get("arguments", {}))


def meets(parameters: Mapping[str, Any], when: Mapping[str, Any]) -> bool:
    """Whether these parameters are as `when` says: a value, one of a list, or within `{minimum, maximum}`."""

    def holds(value: Any, condition: Any) -> bool:
        if isinstance(condition, Mapping):
            least, most = condition.get("minimum"), condition.get("maximum")
            return (least is None or value >= least) and (most is None or value <= most)
        return value in condition if isinstance(condition, list | tuple) else bool(value == condition)

    return all(name in parameters and holds(parameters[name], condition) for name, condition in when.items())


def _judge(seen: Seen, expected: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: seen.argument(value) for name, value in expected.get("arguments", {}).items()}
    verdict = _asked(seen, expected, arguments)
    said = {True: "holds", False: "fails", None: "unobservable"}[verdict.holds]
    return {
        "check": expected["check"],
        "says": expected["says"],
        "verdict": said,
        "figures": dict(verdict.figures),
        "spans": verdict.spans,
        "why": verdict.why,
    }


def _asked(seen: Seen, expected: Mapping[str, Any], arguments: Mapping[str, Any]) -> Verdict:
    if (seen.recording.end or {}).get("outcome") in {None, *_CUT_SHORT}:
        return unobservable("cut-short")
    for observer in expected.get("needs", []):
        if why := seen.absence(observer):
            return unobservable(why)
    return CHECKS[expected["check"]](seen, **arguments)
