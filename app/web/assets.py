"""What a page asks for besides itself, in few files: its modules as one, its style sheets as one, each under an address that has the
content's hash, so that a browser keeps it for ever and asks for nothing twice.

There is no build step: the files are read as they lie in `static/`, and again when one of them has changed. Templates name single files;
a page is dressed after it is rendered. What cannot be bundled goes out as it is.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.export.asked import CLASSIC, FILE, MODULE, MODULE_AHEAD, SPRITE, STYLE, style_alone
from app.core.export.bundle import bundle
from app.web.problems import unknown

router = APIRouter(include_in_schema=False)
_log = logging.getLogger("schedscope")
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_LOOK_EVERY_S = 0.5
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out."""

    media_type: str
    plain: bytes
    gzipped: bytes


@dataclass(slots=True)
class _Files:
    """The files of `static/` at one moment, by path, and the addresses of what was made of them."""

    stamp: tuple[int, ...]
    texts: dict[str, str]
    addresses: dict[tuple[str, ...], str] = field(default_factory=dict)
    heads: dict[tuple[str, ...], str] = field(default_factory=dict)


class Assets:
    """The files of one static folder. With `bundled` false every page stays as its template names its files."""

    def __init__(self, static_dir: Path, bundled: bool) -> None:
        self._static = static_dir
        self._bundled = bundled
        self._looked_s = 0.0
        self._files = _Files((), {})
        self._assets: dict[str, Asset] = {}

    def get(self, name: str) -> Asset | None:
        """By the last part of its address. An address once given out stays good while the server lives."""
        return self._assets.get(name)

    def dress(self, page: str) -> str:
        """The rendered page, asking for few files that stay, instead of many."""
        if not self._bundled:
            return page
        try:
            self._look()
            return self._dress(page)
        except (
            OSError,
            ValueError,
            KeyError,
        ) as error:  # a file that is missing, or a form that the bundle does not understand
            _log.warning("the page's files go out one by one: %s", error)
            return page

    def _dress(self, page: str) -> str:
        styles, modules = STYLE.findall(page), MODULE.findall(page)
        key = (*styles, *modules)
        if key not in self._files.heads:
            self._files.heads[key] = self._head(styles, modules)
        sheets = iter([self._files.heads[key]])
        page = STYLE.sub(lambda _: next(sheets, ""), MODULE_AHEAD.sub("", page))
        page = MODULE.sub(lambda match: f'<script type="module" src="{self._module(match[1])}"></script>', page)
        page = CLASSIC.sub(lambda match: f'<script src="{self._file(match[1])}"></script>', page)
        return FILE.sub(lambda match: self._file(match[1]), page)

    def _head(self, styles: list[str], modules: list[str]) -> str:
        """In place of the first style sheet: all of them, and what the page will run, fetched meanwhile."""
        ahead = [f'<link rel="modulepreload" href="{self._module(path)}">' for path in modules]
        return "\n  ".join([*ahead, f'<link rel="stylesheet" href="{self._sheet(*styles)}">'])

    def _look(self) -> None:
        """Has a file changed? Asked at most twice a second."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        paths = sorted(path for path in self._static.rglob("*") if path.suffix in _MEDIA_TYPES)
        stamp = tuple(path.stat().st_mtime_ns for path in paths)
        if stamp != self._files.stamp:
            self._files = _Files(stamp, {path.relative_to(self._static).as_posix(): path.read_text("utf-8") for path in paths})

    def _module(self, path: str) -> str:
        return self._address("module", path)

    def _later(self, path: str) -> str:
        """A worker with all it imports; a vendored module, which imports nothing, as it is."""
        return self._file(path) if path.startswith("vendor/") else self._module(path)

    def _sheet(self, *paths: str) -> str:
        return self._address("sheet", *paths)

    def _file(self, path: str) -> str:
        return self._address("file", path)

    def _address(self, kind: str, *paths: str) -> str:
        known = self._files.addresses.get((kind, *paths))
        if known is None:
            make: dict[str, Callable[..., str]] = {"module": self._bundle, "sheet": self._joined, "file": self._one}
            known = self._files.addresses[(kind, *paths)] = self._keep(paths[-1], make[kind](*paths))
        return known

    def _bundle(self, path: str) -> str:
        return bundle(path, self._sources(), self._later).replace(SPRITE, self._file("icons.svg") + "#")

    def _sources(self) -> dict[str, str]:
        return {name: text for name, text in self._files.texts.items() if name.endswith(".js")}

    def _joined(self, *paths: str) -> str:
        return "\n".join(style_alone(path, self._one(path)) for path in paths)

    def _one(self, path: str) -> str:
        return self._files.texts[path]

    def _keep(self, path: str, text: str) -> str:
        data = text.encode()
        suffix = Path(path).suffix
        name = f"{Path(path).stem}-{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
        self._assets[name] = Asset(_MEDIA_TYPES[suffix], data, gzip.compress(data, 9, mtime=0))
        return f"/assets/{name}"


def compressed(request: Request, data: bytes) -> tuple[bytes, dict[str, str]]:
    """The data as this browser takes it, and the headers that say so."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return data, {}
    return gzip.compress(data, 5, mtime=0), {"Content-Encoding": "gzip"}


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """One file, compressed beforehand."""
    found: Asset | None = request.app.state.pages.assets.get(name)
    if found is None:
        raise unknown("file", name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.gzipped, headers=_HEADERS | {"Content-Encoding": "gzip"}, media_type=found.media_type)
    return Response(found.plain, headers=_HEADERS, media_type=found.media_type)
