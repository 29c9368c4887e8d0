"""The command `schedscope`: one function for each of its words, and how a command line is divided between us and a script."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(argv)
    return int(options.command(options))


def serve(options: argparse.Namespace) -> int:
    """`schedscope serve`: the web server, until a signal."""
    from app.web import Settings
    from app.web.server import serve as run_server

    try:
        settings = Settings.from_environment(data_dir=options.data, database_url=options.database)
        run_server(settings, options.host, options.port)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"schedscope serve: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="schedscope", description="An oscilloscope for Python concurrency.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="serve the catalogue, live runs and share links")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    command.add_argument("--port", type=int, default=8000, help="port; 0 takes a free one and says which (default %(default)s)")
    command.add_argument(
        "--database", metavar="URL", help="postgresql://… or sqlite:///…; by default SQLite in the data directory"
    )
    command.add_argument(
        "--data", type=Path, metavar="DIR", help="where recordings are kept (default ~/.local/share/schedscope)"
    )
    command.set_defaults(command=serve)
    return parser
