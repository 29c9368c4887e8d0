"""`schedscope export`: reads a recording and writes it in one of `app.core.export.formats`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from app import resources
from app.core.blocks import RecordingError
from app.core.export import Picture, card_png, draw, facts_csv, json_document, perfetto_trace
from app.core.facts import facts
from app.core.recording import Recording, read

_WIDEST_PX, _NARROWEST_PX = 8000, 200


class ExportError(Exception):
    """Why there is no export; `status` is the command's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def write_export(options: argparse.Namespace) -> None:
    """Write what the options ask for. Raises ExportError, BrokenPipeError where nobody reads standard output any more."""
    _check(options)
    try:
        data = options.recording.read_bytes()
        pieces = _MAKERS[options.format](data, options)
        if options.output is None:
            _write(pieces, sys.stdout.buffer)
        else:
            with options.output.open("wb") as out:
                _write(pieces, out)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ExportError(f"{error.filename}: {error.strerror}", 2) from error
    except RecordingError as error:
        raise ExportError(f"{options.recording}: {error}", 1) from error


def _check(options: argparse.Namespace) -> None:
    if not _NARROWEST_PX <= options.width <= _WIDEST_PX:
        raise ExportError(f"--width is {options.width}: it must be from {_NARROWEST_PX} to {_WIDEST_PX}", 2)
    start, end = options.start, options.end
    if start is not None and end is not None and start >= end:
        raise ExportError(f"--start is {start}: it must be before --end, which is {end}", 2)


def _write(pieces: Iterable[bytes], out: BinaryIO) -> None:
    for piece in pieces:
        out.write(piece)
    out.flush()


def _json(document: Any) -> Iterable[bytes]:
    encoder = json.JSONEncoder(ensure_ascii=False)
    return (piece.encode("utf-8", "replace") for piece in _gathered(encoder.iterencode(document)))


def _gathered(pieces: Iterable[str], most: int = 1 << 16) -> Iterable[str]:
    """Pieces of some size: an encoder's own are a few characters each."""
    kept: list[str] = []
    size = 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size >= most:
            yield "".join(kept)
            kept, size = [], 0
    yield "".join(kept)


def _svg(data: bytes, options: argparse.Namespace) -> Iterable[bytes]:
    from app.web.language import Texts  # not for every format: the web's room takes long to import

    recording = read([data])
    picture = Picture(
        width_px=options.width,
        theme=options.theme,
        start_ns=None if options.start is None else round(options.start * 1e9),
        end_ns=None if options.end is None else round(options.end * 1e9),
        title=_title(recording),
        subtitle=_subtitle(recording),
        words=Texts(resources.static_dir()).words(options.lang),
    )
    return [draw(recording, picture).encode("utf-8", "replace")]


def _title(recording: Recording) -> str:
    return str(recording.header.get("script", {}).get("name", "")) or "run"


def _subtitle(recording: Recording) -> str:
    """What ran it and with what: `CPython 3.11.2 · 2 × Xeon · --threads 4`."""
    interpreter, machine = recording.header.get("interpreter", {}), recording.header.get("machine", {})
    parts = (
        f"{interpreter.get('implementation', '')} {interpreter.get('version', '')}".strip(),
        f"{machine.get('cores', '?')} × {machine.get('cpu', '')}".strip(" ×"),
        " ".join(str(word) for word in recording.header.get("argv", [])),
    )
    return " · ".join(part for part in parts if part)


def _html(data: bytes, options: argparse.Namespace) -> Iterable[bytes]:
    from app.web.offline import page_of

    return [page_of(data, options.lang).encode("utf-8", "replace")]


_MAKERS: dict[str, Callable[[bytes, argparse.Namespace], Iterable[bytes]]] = {
    "json": lambda data, _: _json(json_document(read([data]))),
    "facts": lambda data, _: _json(facts(read([data]))),
    "csv": lambda data, _: [facts_csv(read([data])).encode("utf-8", "replace")],
    "perfetto": lambda data, _: perfetto_trace(read([data])),
    "svg": _svg,
    "png": lambda data, options: [card_png(read([data]), options.theme)],
    "html": _html,
}
