"""The web server: pages, the run API, the live view. Nothing outside `app.cli` imports this room."""

from app.web.application import create_app
from app.web.settings import Settings

__all__ = ["Settings", "create_app"]
