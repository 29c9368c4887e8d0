"""A recording in other formats. Every maker is pure: a recording in, text or bytes out."""

from app.core.export.card import card_png
from app.core.export.document import json_document
from app.core.export.perfetto import perfetto_trace
from app.core.export.picture import Picture, draw
from app.core.export.table import facts_csv

__all__ = ["Picture", "card_png", "draw", "facts_csv", "json_document", "perfetto_trace"]
