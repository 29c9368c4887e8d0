"""The page of a recording as one file: rendered from the same template as the run's own page, then closed up by `core`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from app import resources
from app.catalogue import Catalogue
from app.core.export.offline import offline_page
from app.core.facts import facts
from app.core.recording import Recording, read
from app.web.language import Language, Texts

_KINDS = (".js", ".css", ".svg")


def page_of(recording: bytes, lang: Language) -> str:
    """The file's text. Raises RecordingError for bytes that are not a recording."""
    decoded = read([recording])
    static = resources.static_dir()
    page = _render(decoded, lang, static)
    files = {str(path.relative_to(static)): path.read_text("utf-8") for path in static.rglob("*") if path.suffix in _KINDS}
    words = json.loads((static / "i18n" / f"{lang}.json").read_text("utf-8"))
    return offline_page(page.lstrip(), files, recording, words, facts(decoded))


def _render(recording: Recording, lang: Language, static: Path) -> str:
    environment = Environment(loader=FileSystemLoader(resources.templates_dir()), autoescape=select_autoescape())
    header = _experiment(recording)
    page = {"kind": "run", "run": _run(recording), "experiment": header, "lang": lang}
    context = {"lang": lang, "t": Texts(static).translator(lang), "alternate_url": "#", "page": page}
    return environment.get_template("run.html").render(context | {"run": page["run"], "experiment": header, "offline": True})


def _experiment(recording: Recording) -> dict[str, Any] | None:
    """The catalogue's words about the experiment, where this version still has it."""
    found = Catalogue.load(resources.experiments_dir()).get(recording.header.get("experiment") or "")
    return found.as_json() if found else None


def _run(recording: Recording) -> dict[str, Any]:
    """What the run page must know of an ended run, from its recording alone."""
    end = recording.end or {}
    return {
        "id": "",
        "state": "finished" if recording.end else "interrupted",
        "outcome": end.get("outcome", "interrupted"),
        "name": recording.header.get("script", {}).get("name", ""),
        "parameters": recording.header.get("parameters", {}),
        "end": recording.end,
    }
