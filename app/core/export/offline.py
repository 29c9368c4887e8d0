"""A run's page as one file that replays without a network: its style, modules, words and recording are inside.

The content policy inside the file permits its own scripts and styles by their hashes and nothing else, no connection either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from app.core.export.asked import CLASSIC, MODULE, SPRITE, STYLE, style_alone
from app.core.export.bundle import bundle

_REST = re.compile(r'\s*<link rel="(?!stylesheet)[^>]*>|\s*<meta (?:property|name)="(?:og|twitter):[^>]*>')
_SPRITE_INSIDE = "#icon-"


def offline_page(
    page: str, files: Mapping[str, str], recording: bytes, words: Mapping[str, Any], facts: Mapping[str, Any] | None
) -> str:
    """The page `page` (as the server would send it) with everything it asks for inside.

    `files` are the static files by path: style sheets, modules, `icons.svg`. `words` is the page's language.
    """
    hashes: dict[str, list[str]] = {"script": [], "style": []}

    def inside(kind: str, attributes: str, text: str) -> str:
        hashes[kind].append(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
        return f"<{kind}{attributes}>{text}</{kind}>"

    def module(match: re.Match[str]) -> str:
        sources = {path: text for path, text in files.items() if path.endswith(".js")}
        text = _unbroken(bundle(match[1], sources)).replace(SPRITE, _SPRITE_INSIDE)
        return _enclosed(recording, words, facts) + inside("script", ' type="module"', text)

    page = _REST.sub("", page)
    page = STYLE.sub(lambda match: inside("style", "", style_alone(match[1], files[match[1]])), page)
    page = CLASSIC.sub(lambda match: inside("script", "", _unbroken(files[match[1]])), page)
    page = MODULE.sub(module, page).replace(SPRITE, _SPRITE_INSIDE)
    page = re.sub(r"(<body[^>]*>)", lambda match: match[1] + _sprite(files["icons.svg"]), page, count=1)
    return page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n  {_policy(hashes)}', 1)


def _policy(hashes: Mapping[str, list[str]]) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(hashes["script"]),
        "style-src": " ".join(hashes["style"]),
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    content = "; ".join(f"{name} {value}" for name, value in rules.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">'


def _enclosed(recording: bytes, words: Mapping[str, Any], facts: Mapping[str, Any] | None) -> str:
    """What the modules would fetch, as data that no browser takes for a script."""
    parts = {
        "enclosed-words": json.dumps(words, ensure_ascii=False),
        "enclosed-recording": base64.b64encode(recording).decode(),
    }
    if facts is not None:
        parts["enclosed-facts"] = json.dumps(facts, ensure_ascii=False)
    return "".join(f'<script type="application/json" id="{name}">{_data(text)}</script>\n' for name, text in parts.items())


def _data(text: str) -> str:
    return text.replace("<", "\\u003c")


def _unbroken(script: str) -> str:
    """A script must not contain what ends it."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


def _sprite(icons: str) -> str:
    """The icons, by names that are nobody else's on the page."""
    named = icons[icons.index("<svg ") :].replace(' id="', ' id="icon-')
    return named.replace("<svg ", '<svg hidden aria-hidden="true" ', 1)
