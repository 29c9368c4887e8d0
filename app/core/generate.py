"""Writes `static/generated/records.js`: the vocabulary and the columns of a recording, as the page's modules read them.

    python -m app.core.generate           writes the file
    python -m app.core.generate --check   exits with 1 when the file is not what it would write

The text is a pure function of `records.py` and `blocks.py`; only `main` touches a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from pathlib import Path

from app.core import blocks, records

TARGET = Path(__file__).resolve().parents[2] / "static/generated/records.js"

_HEAD = """// @ts-check
// Generated from app/core/records.py and app/core/blocks.py by `python -m app.core.generate`. Do not edit.
"""

_SPEC = """/**
 * How one state is named and drawn; `reason` is null where the lane does not wait for something in particular.
 * @typedef {{name: string, key: string, look: string, letter: string, reason: string | null, unit: string}} StateSpec
 */
"""

_NUMBERED: tuple[type[IntEnum], ...] = (
    records.LaneKind,
    records.State,
    records.FlowKind,
    records.MarkKind,
    records.Stream,
    blocks.BlockKind,
)
_WORDS = ("GRAVE_MARKS", "ROUTINE_MARKS", "DEFAULT_EXCHANGE")
_NAMED: tuple[type[StrEnum], ...] = (records.StateClass, records.Unit, records.Outcome)


def module() -> str:
    """The text of records.js."""
    parts = [_HEAD, _numbers()]
    parts += [_frozen(enum.__name__, {member.name: member.value for member in enum}) for enum in (*_NUMBERED, *_NAMED)]
    parts += [f"export const {name} = {json.dumps(getattr(records, name))};\n" for name in _WORDS]
    parts += [_SPEC + _states(), _columns()]
    return "\n".join(parts)


def _numbers() -> str:
    return (
        f"export const FORMAT_VERSION = {records.FORMAT_VERSION};\n"
        f'export const MAGIC_WORD = "{blocks.MAGIC[:7].decode()}";\n'
        f"export const BLOCK_HEADER_BYTES = {blocks.HEADER.size};\n"
        f"export const MAX_BLOCK_BYTES = {blocks.MAX_BLOCK_BYTES};\n"
    )


def _frozen(name: str, members: Mapping[str, int | str]) -> str:
    rows = "".join(f"  {key}: {json.dumps(value)},\n" for key, value in members.items())
    return f"export const {name} = /** @type {{const}} */ ({{\n{rows}}});\n"


def _states() -> str:
    """States by number; numbers that name no state are left out of the map, so a newer recording's are seen to be unknown."""
    rows = "".join(
        f"  [{int(state)}, {json.dumps({'name': spec.name, 'key': state.name, 'look': spec.look.value, 'letter': spec.letter, 'reason': spec.reason, 'unit': spec.unit.value}, ensure_ascii=False)}],\n"
        for state, spec in records.STATES.items()
    )
    return f"/** @type {{ReadonlyMap<number, StateSpec>}} */\nexport const STATES = new Map([\n{rows}]);\n"


def _columns() -> str:
    """Each table block's columns in stored order, with the letter-and-size code of their little-endian type."""
    rows = "".join(
        f"  [{int(kind)}, {json.dumps([[name, dtype.lstrip('<')] for name, dtype in columns])}], // {kind.name}\n"
        for kind, columns in blocks.COLUMNS.items()
    )
    return f"/** @type {{ReadonlyMap<number, ReadonlyArray<readonly [string, string]>>}} */\nexport const COLUMNS = new Map(/** @type {{Array<[number, Array<[string, string]>]>}} */ ([\n{rows}]));\n"


def main(arguments: list[str]) -> int:
    """Writes the file, or with `--check` compares it; the exit status."""
    text = module()
    if "--check" in arguments:
        same = TARGET.exists() and TARGET.read_text("utf-8") == text
        if not same:
            print("static/generated/records.js is out of date: python -m app.core.generate", file=sys.stderr)
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
