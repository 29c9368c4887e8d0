"""The sample recordings: one real run of each experiment that came with the package, for its page and the catalogue's thumbnails."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app.core.blocks import BlockKind, Decoder, RecordingError
from app.core.export import Picture, draw
from app.core.recording import read

_SHOWN = ("created_s", "machine", "interpreter", "parameters", "sandbox", "observers")
_WIDTH_PX, _HEIGHT_PX = 320, 96

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Sample:
    """One sample: where it lies, its hash, and what its header says of date, machine and versions."""

    path: Path
    sha256: str
    header: dict[str, Any]


@dataclass
class Samples:
    """The samples of a folder by experiment. One that cannot be read is as if it were not there."""

    folder: Path
    by_id: dict[str, Sample] = field(default_factory=dict)
    _thumbnails: dict[tuple[str, Theme], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.folder.glob("*.sched")):
            data = path.read_bytes()
            header = _header_of(data)
            if header is not None:
                self.by_id[path.stem] = Sample(path, hashlib.sha256(data).hexdigest(), header)

    def as_json(self, experiment_id: str) -> dict[str, Any] | None:
        """What a page must know of a sample: addresses, date, machine, versions, parameters; None where there is none."""
        sample = self.by_id.get(experiment_id)
        if sample is None:
            return None
        base, version = f"/api/experiments/{experiment_id}", sample.sha256[:16]
        return {name: sample.header.get(name) for name in _SHOWN} | {
            "url": f"{base}/sample?v={version}",
            "facts_url": f"{base}/sample/facts?v={version}",
            "thumbnail_url": f"{base}/thumbnail.svg?v={version}",
        }

    async def thumbnail(self, experiment_id: str, theme: Theme) -> str | None:
        """The sample's picture, small, drawn once for each theme."""
        sample, key = self.by_id.get(experiment_id), (experiment_id, theme)
        if sample is not None and key not in self._thumbnails:
            self._thumbnails[key] = await asyncio.to_thread(_draw, sample.path, theme)
        return self._thumbnails.get(key)


def _header_of(data: bytes) -> dict[str, Any] | None:
    decoder = Decoder()
    try:
        decoder.receive_data(data)
        first = next(iter(decoder.blocks()), None)
        return first.document() if first is not None and first.kind is BlockKind.HEADER else None
    except RecordingError:
        return None


def _draw(path: Path, theme: Theme) -> str:
    return draw(read([path.read_bytes()]), Picture(width_px=_WIDTH_PX, height_px=_HEIGHT_PX, compact=True, theme=theme))
