"""Where the files that come with the program lie: inside an installed package first, else in the checkout.

A wheel carries `static/` and `templates/` as `app/_static` and `app/_templates`; a checkout has them beside `app/`.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IMPORT_ROOT = PACKAGE.parent
"""The folder that makes `import app` work: what a child process needs as its working folder for `python -m app.…`."""


def static_dir() -> Path:
    """The browser's files: ES modules, styles, `i18n/`."""
    return _packaged_or_checkout("static")


def templates_dir() -> Path:
    """The Jinja2 templates."""
    return _packaged_or_checkout("templates")


def experiments_dir() -> Path:
    """The curated scripts."""
    return PACKAGE / "experiments"


def samples_dir() -> Path:
    """One recording per experiment, made by `make samples`: `ID.sched`."""
    return experiments_dir() / "samples"


def _packaged_or_checkout(name: str) -> Path:
    packaged = PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else IMPORT_ROOT / name
