"""What a rendered page asks its server for: the forms in which our templates name style sheets, scripts and modules."""

from __future__ import annotations

import re

STYLE = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)">')
CLASSIC = re.compile(r'<script src="/static/([^"]+)"></script>')
MODULE = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')
MODULE_AHEAD = re.compile(r'<link rel="modulepreload" href="/static/([^"]+)">\s*')
FILE = re.compile(r'(?<=\bhref=")/static/([^"#]+\.(?:svg|json))(?=["#])')
SPRITE = "/static/icons.svg#"


def style_alone(path: str, text: str) -> str:
    """A style sheet that asks for no other file. Raises ValueError for one that does."""
    if "@import" in text or re.search(r"url\((?!['\"]?(?:data:|#))", text):
        raise ValueError(f"{path} asks for another file")
    return text
