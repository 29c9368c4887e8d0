"""A recording in other formats. Every maker is pure: a recording in, text or bytes out."""

from app.core.export.document import json_document
from app.core.export.picture import Picture, draw

__all__ = ["Picture", "draw", "json_document"]
