"""Runs a script observed, as `schedscope record` does, and reads the recording back."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.core import export, recording
from app.core.records import LaneKind
from app.recorder import extension, header, interpreters, probe
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, record

LONG_NS = 20_000_000


def observe(
    script: Path,
    *arguments: str,
    bounds: Bounds | None = None,
    python: Sequence[str] = (sys.executable,),
    parameters: Mapping[str, Any] | None = None,
) -> Run:
    """One run of the script with its recording; the script's own exit is not checked."""
    out = io.BytesIO()
    other = None if python[0] == sys.executable else interpreters.ask(python[0])
    document = header.document(
        script_path=str(script),
        source=script.read_text(),
        interpreter=other.says if other else header.interpreter(),
        hooks=extension.missing(other) if other else None,
        parameters=parameters,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONUNBUFFERED", raising=False)
        record(
            PlainTarget([*python, str(script), *arguments]), out, document, bounds or Bounds(), afterwards=lambda _records: None
        )
    return Run(out.getvalue())


def others() -> list[str]:
    """One CPython of each version from 3.12 on, beside this one: on the path, or as pyenv keeps them."""
    homes = sorted((Path.home() / ".pyenv/versions").glob("3.*/bin"))
    named = {f"python3.{minor}": [*map(str, homes), None] for minor in range(12, 20)}
    found = (
        next(filter(None, (shutil.which(name, path=folder) for folder in folders)), None) for name, folders in named.items()
    )
    return [python for python in found if python and Path(python).resolve() != Path(sys.executable).resolve()]


class Run:
    """A recording, with questions that tests ask."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.recording = recording.read([data])
        self.json: dict[str, Any] = export.json_document(self.recording)
        self.end: dict[str, Any] = self.recording.end or {}

    def lanes(self, kind: LaneKind) -> list[recording.Lane]:
        """All lanes of a kind, in order of their numbers."""
        return [lane for lane in self.recording.lanes if lane.kind is kind]

    def states(self, lane: int) -> list[tuple[int, str, dict[str, Any]]]:
        """(time, state, detail) of one lane."""
        return [
            (t, state, {} if detail is None else detail) for t, number, state, detail in self.json["states"] if number == lane
        ]

    def waits(self, lane: int, state: str) -> list[tuple[int, int, dict[str, Any]]]:
        """(begin, end, detail) of every stay of a lane in a state."""
        rows = self.states(lane)
        ends = [row[0] for row in rows[1:]] + [int(self.end["t_end_ns"])]
        return [(t, end, detail) for (t, name, detail), end in zip(rows, ends, strict=True) if name == state]

    def last_states(self, kind: LaneKind) -> dict[str, str]:
        """How each lane of a kind is left, by its name."""
        return {lane.name: self.states(lane.id)[-1][1] for lane in self.lanes(kind)}

    def marks(self) -> list[tuple[int, str]]:
        """(lane, text) of every printed line, in order of time."""
        return [
            (lane, text)
            for _t, lane, kind, text in sorted(self.json["marks"], key=lambda mark: mark[0])
            if kind in ("stdout", "stderr")
        ]

    @property
    def output(self) -> str:
        return "".join(text for _t, _stream, text in self.json["output"])


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Writes a script's source to a file."""

    def write(source: str, name: str = "script.py") -> Path:
        path = tmp_path / name
        path.write_text(source)
        return path

    return write


def observed_environment(rings: Path) -> dict[str, str]:
    """For a program whose rings nobody reads."""
    return {**os.environ, **probe.environment(str(rings), "", {})}


def rings_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def same_anywhere(text: str) -> str:
    """Without what two runs of one program cannot share: addresses, and the process that CPython 3.12 and newer name when they
    warn of a fork beside threads; nor what asyncio's debug mode says of a step that a busy machine made slow."""
    text = re.sub(r"^Executing <.* took [\d.]+ seconds\n", "", text, flags=re.MULTILINE)
    return re.sub(r"0x[0-9a-f]+|\(pid=\d+\)", "…", text)


EACH_PYTHON = pytest.mark.parametrize(
    "python", [sys.executable, *(pytest.param(python, marks=pytest.mark.slow) for python in others())]
)


def observe_with(python: str, path: Any) -> Run:
    """As `observe`; skips where there is no extension for that interpreter and none can be built."""
    run = observe(path, python=[python])
    if run.json["header"]["observers"]["lines"] != "exact":
        pytest.skip(run.json["header"]["observers"]["lines"])
    return run


def threads(run: Run) -> dict[str, int]:
    return {lane.name: lane.id for lane in run.lanes(LaneKind.THREAD)}


def long_waits(run: Run, lane: int, state: str) -> list[dict[str, Any]]:
    return [detail for t, end, detail in run.waits(lane, state) if end - t > LONG_NS]
