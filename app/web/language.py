"""Which language a page is in, and its texts: one catalogue per language in `static/i18n/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from starlette.requests import Request

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def choose(request: Request) -> Language:
    """`?lang=` where it names one, else what the browser prefers, else English."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> Language:
    """The one of our languages with the highest weight in an Accept-Language header (RFC 9110, 12.5.4); English by default."""
    best: tuple[float, Language] = (0.0, "en")
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, text = parameter.strip().partition("=")
        try:
            weight = float(text) if name == "q" else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES and weight > best[0]:
            best = (weight, primary)
    return best[1]


def alternate_url(request: Request, lang: Language) -> str:
    """The same page in the other language (path and query)."""
    other = "en" if lang == "zh" else "zh"
    url = request.url.include_query_params(lang=other)
    return f"{url.path}?{url.query}"


class Texts:
    """The catalogues, read once. A key without a text gives the key: visible, and no reason to fail a page."""

    def __init__(self, static_dir: Path) -> None:
        self._texts = {lang: self._read(static_dir / "i18n" / f"{lang}.json") for lang in LANGUAGES}

    def translator(self, lang: Language) -> Callable[..., str]:
        """`t(key, **values)`: the text, with `{name}` replaced by the value of that name."""
        texts = self._texts[lang]

        def translate(key: str, **values: object) -> str:
            text = texts.get(key, key)
            for name, value in values.items():
                text = text.replace("{" + name + "}", str(value))
            return text

        return translate

    def words(self, lang: Language) -> dict[str, str]:
        """Every text by its key."""
        return self._texts[lang]

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        if not path.exists():
            return {}
        return dict(_flat("", json.loads(path.read_text("utf-8"))))


def _flat(prefix: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else key, inner)]
    return [(prefix, str(value))]
