"""Checks of what the program printed and how it ended."""

from __future__ import annotations

from app.core.expectations.registry import Verdict, check
from app.core.expectations.seen import Seen


@check
def printed_in_order(seen: Seen, *, lines: list[str]) -> Verdict:
    """These words were printed, one after another (other output may stand between). Figures: `found`, `wanted`."""
    text = _text(seen)
    at, found = 0, 0
    for line in lines:
        at = text.find(line, at)
        if at < 0:
            break
        at, found = at + len(line), found + 1
    return Verdict(found == len(lines), {"found": found, "wanted": len(lines)})


@check
def ended(seen: Seen, *, wanted: str) -> Verdict:
    """The run's outcome was this one (a word of `records.Outcome`). No figures."""
    return Verdict((seen.recording.end or {}).get("outcome") == wanted)


@check
def never_printed(seen: Seen, *, words: str) -> Verdict:
    """Something was printed, and these words were not part of it. No figures."""
    text = _text(seen)
    return Verdict(bool(text) and words not in text)


def _text(seen: Seen) -> str:
    return b"".join(data for _t, _stream, data in seen.recording.output).decode("utf-8", "replace")
