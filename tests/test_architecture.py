"""Holds the code to ARCHITECTURE.md: who may import whom, one vocabulary in Python and C, no address in a pinned file."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import pytest

from app.core.records import FlowKind, LaneKind, MarkKind, State

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "app/probe/probe.h"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OUTSIDE = {"standard library", "NumPy", "pamqp", "–"}  # words of the table's last column that are no rooms


def room_table() -> dict[str, set[str]]:
    """Room → the rooms it may import, as the table under "Rooms" says it."""
    allowed: dict[str, set[str]] = {}
    for room, words in re.findall(
        r"^\| `app/([\w.]+)` \|.*\| ([^|]+) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    ):
        named = {word.strip() for word in words.split(",")} - OUTSIDE
        allowed[room.removesuffix(".py")] = set(allowed) if named == {"all of these"} else named
    return allowed


ROOMS = room_table()


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "app").parts[0].removesuffix(".py")


def python_files(room: str = "") -> list[Path]:
    files = [path for path in (ROOT / "app").rglob("*.py") if "__pycache__" not in path.parts]
    return sorted(path for path in files if path != ROOT / "app/__init__.py" and room in ("", room_of(path)))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, wherever in it the import stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            # `from app import core` imports a room as `import app.core` does.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def arrows(room: str) -> Iterator[tuple[str, str]]:
    """Place and room of each import of another room."""
    for path in python_files(room):
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] == "app" and len(parts) > 1 and parts[1] != room:
                yield f"{path.relative_to(ROOT)}:{line}", parts[1]


def foreign(room: str) -> Iterator[tuple[str, str]]:
    """Place and top-level name of each import of neither ours nor the standard library."""
    for path in python_files(room):
        for line, name in imports(path):
            top = name.split(".")[0]
            if top != "app" and top not in sys.stdlib_module_names:
                yield f"{path.relative_to(ROOT)}:{line}", top


def test_the_table_is_found() -> None:
    assert {"core", "probe", "recorder", "sandbox", "web", "cli", "experiments"} <= set(ROOMS)
    assert ROOMS["core"] == set()
    assert "core" in ROOMS["web"]


def test_every_module_has_a_room() -> None:
    assert sorted({room_of(path) for path in python_files()} - set(ROOMS)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_the_table_allows(room: str) -> None:
    assert [(place, other) for place, other in arrows(room) if other not in ROOMS[room]] == []


def test_core_needs_only_what_is_as_pure_as_itself() -> None:
    """pamqp turns bytes into AMQP methods; it opens nothing and asks no clock."""
    assert [(place, name) for place, name in foreign("core") if name not in ("numpy", "pamqp")] == []


def test_the_probe_loads_an_observed_library_only_when_the_script_did() -> None:
    """What it imports of others stands inside a function, never at a module's head."""
    heads = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files("probe")
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] not in sys.stdlib_module_names | {"app", "_hooks"}
    ]
    assert heads == []


def test_dependencies_are_declared() -> None:
    extras = [name for group in PROJECT.get("optional-dependencies", {}).values() for name in group]
    declared = {re.split(r"[^\w-]", name)[0].lower() for name in [*PROJECT["dependencies"], *extras]}
    # What these bring themselves and is part of their interface.
    declared |= {"starlette", "pydantic", "greenlet", "_hooks"}
    used = {name for room in ROOMS if room != "experiments" for _, name in foreign(room)}
    assert sorted(used - declared) == []


@pytest.mark.parametrize(
    ("prefix", "vocabulary"),
    [("LANE", LaneKind), ("STATE", State), ("FLOW", FlowKind), ("MARK", MarkKind)],
)
def test_the_c_header_speaks_the_vocabulary(prefix: str, vocabulary: type[IntEnum]) -> None:
    enum = re.search(rf"enum probe_{prefix.lower()}(?:_kind)? \{{(.*?)\}}", HEADER.read_text(), re.DOTALL)
    assert enum, f"probe.h has no enum of {prefix.lower()}s"
    in_c = {name: int(number) for name, number in re.findall(rf"PROBE_{prefix}_(\w+)\s*=\s*(\d+)", enum[1])}
    assert in_c
    assert in_c == {member.name: int(member) for member in vocabulary if member.name in in_c}


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_pinned_files_hold_versions_and_hashes_only(path: Path) -> None:
    """No address of an index and no local path: whoever installs uses their own."""
    lines = path.read_text().splitlines()
    assert [line for line in lines if re.search(r"://|file:/|^\s*-(?!-hash=)|--(?:extra-)?index|--find-links", line)] == []
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+ \\", line)] == []


def test_npm_lock_names_no_machine() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        pytest.skip("no package-lock.json")
    places = set(re.findall(r'"resolved": "(\w+:/*[^/"]*)', lock.read_text()))
    assert places <= {"https://registry.npmjs.org"}
