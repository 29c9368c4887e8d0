"""The command `schedscope`: one function for each of its words."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cli.command_line import ScriptParser

_HELP = """\
usage: schedscope COMMAND …

An oscilloscope for Python concurrency.

  serve    the web server: catalogue, live runs, share links
  run      run a script of your own, observed, and open its live page
  record   run a script of your own, observed, into a file
  export   a recording in another format
  doctor   what this machine gives, and what to install or grant for the rest

`schedscope COMMAND --help` says more."""


_BROKER = """\
let the script find RabbitMQ at localhost:5672, and draw what goes over the wire: `local` starts a node for this run,
amqp://USER:PASSWORD@HOST:PORT/VHOST leads to one that is there"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status (2 where the command line is wrong)."""
    words = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Callable[[list[str]], int]] = {
        "serve": serve,
        "run": run,
        "record": record,
        "export": export,
        "doctor": doctor,
    }
    if words and words[0] in commands:
        return commands[words[0]](words[1:])
    asked = words[:1] in (["-h"], ["--help"])
    print(_HELP, file=sys.stdout if asked else sys.stderr)
    if not asked:
        print(f"no such command: {words[0]}" if words else "a command is missing", file=sys.stderr)
    return 0 if asked else 2


def serve(words: list[str]) -> int:
    """`schedscope serve`: until a signal."""
    parser = argparse.ArgumentParser(prog="schedscope serve", description="Serve the catalogue, live runs and share links.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one and says which (default %(default)s)")
    parser.add_argument(
        "--database", metavar="URL", help="postgresql://… or sqlite:///…; by default SQLite in the data directory"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where recordings are kept (default ~/.local/share/schedscope)"
    )
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="amqp://USER:PASSWORD@HOST:PORT/VHOST; by default nodes of our own, where RabbitMQ is installed",
    )
    options = parser.parse_args(words)

    from app.web import Settings, server

    try:
        settings = Settings.from_environment(data_dir=options.data, database_url=options.database, broker_url=options.broker)
        server.serve(settings, options.host, options.port)
    except (ValueError, OSError, RuntimeError) as error:
        return _complain("serve", str(error), 1)
    return 0


def run(words: list[str]) -> int:
    """`schedscope run`: a local server and in it one trusted run; the page is opened, and served until Ctrl-C."""
    parser = ScriptParser(
        prog="schedscope run",
        usage="schedscope run [--host HOST] [--port PORT] [--python PATH] [--broker local|URL] [--no-browser] FILE [ARGS …]",
        description="Run a script of your own (your environment, no sandbox), observed, and open its live page. "
        "Everything behind FILE is the script's.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the page (default %(default)s: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: a free one)")
    parser.add_argument("--python", metavar="PATH", help="another interpreter")
    parser.add_argument("--broker", metavar="local|URL", help=_BROKER)
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    options = parser.parse_divided(words)
    path = Path(options.file)
    try:
        source = path.read_text("utf-8", "replace")
    except OSError as error:
        return _complain("run", f"{path}: {error.strerror}", 2)

    from app.web import Settings, server
    from app.web.runs import Job

    job = Job(
        name=path.name,
        source=source,
        argv=options.script,
        trusted=True,
        script_path=str(path.absolute()),
        python=options.python,
        cwd=str(Path.cwd()),
        stdin=f"/proc/{os.getpid()}/fd/0" if _is_open(0) else None,
        broker="whole" if options.broker == "local" else "shared" if options.broker else None,
    )
    url = None if options.broker == "local" else options.broker
    with tempfile.TemporaryDirectory(prefix="schedscope-run-") as folder:
        try:
            settings = Settings.from_environment(data_dir=Path(folder), slots=1, broker_url=url, warm_broker=False)
            server.serve_run(settings, options.host, options.port, job, open_browser=not options.no_browser)
        except (ValueError, OSError, RuntimeError) as error:
            return _complain("run", str(error), 1)
    return 0


def record(words: list[str]) -> int:
    """`schedscope record`: no server; ends with the script's own exit status."""
    parser = ScriptParser(
        prog="schedscope record",
        usage="schedscope record -o RUN.sched [--sandbox] [--python PATH] [--broker local|URL] FILE [ARGS …]   or, with the options last,\n"
        "       schedscope record FILE [ARGS …] -o RUN.sched [--sandbox] [--python PATH] [--broker local|URL]",
        description="Run a script of your own, observed, into a file. Its input, output and exit status are its own; killed by "
        "signal N it is 128 + N. Where our options stand before FILE, or behind a `--`, all the rest is the script's.",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUN.sched", help="the file to write")
    parser.add_argument("--sandbox", action="store_true", help="in the server's sandbox, with its limits")
    parser.add_argument("--python", metavar="PATH", help="another interpreter")
    parser.add_argument("--broker", metavar="local|URL", help=_BROKER)
    options = parser.parse_divided(words, output=("-o", "--output"))

    from app.cli.record import RefusedError, record_script

    try:
        return record_script(
            Path(options.file), options.script, options.output, options.python, options.sandbox, options.broker
        )
    except RefusedError as error:
        return _complain("record", str(error), 2)


def export(words: list[str]) -> int:
    """`schedscope export`: to a file or to standard output."""
    from app.cli.export import ExportError, write_export
    from app.core.export.formats import FORMATS

    parser = argparse.ArgumentParser(prog="schedscope export", description="Write a recording in another format.")
    parser.add_argument("recording", type=Path, metavar="RUN.sched")
    kinds = "; ".join(f"{name}: {spec.about}" for name, spec in FORMATS.items())
    parser.add_argument("--format", choices=list(FORMATS), required=True, help=kinds)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("--lang", choices=["zh", "en"], default="en", help="the words of svg and html")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="the colours of svg and png")
    parser.add_argument("--start", type=float, metavar="S", help="svg: from so many seconds after the recording's start")
    parser.add_argument("--end", type=float, metavar="S", help="svg: to so many seconds after it")
    parser.add_argument("--width", type=int, default=1200, metavar="PX", help="svg: width, 200 to 8000 (default 1200)")
    options = parser.parse_args(words)
    try:
        write_export(options)
    except BrokenPipeError:
        return _hung_up()
    except ExportError as error:
        return _complain("export", str(error), error.status)
    return 0


def doctor(words: list[str]) -> int:
    """`schedscope doctor`: 0 when everything this version can use is there, else 1."""
    parser = argparse.ArgumentParser(
        prog="schedscope doctor",
        description="What this machine gives (observers, sandbox, broker), and what to install or grant for the rest.",
    )
    parser.add_argument("--broker", metavar="URL", help="ask this broker, as for serve --broker, instead of what is installed")
    options = parser.parse_args(words)

    from app.cli.doctor import findings

    whole = True
    for finding in findings(options.broker or os.environ.get("SCHEDSCOPE_BROKER_URL")):
        whole = whole and finding.holds
        print(f"{'yes' if finding.holds else 'no ':3}  {finding.room:9}  {finding.name}: {finding.text}")
        if finding.remedy:
            print(f"{'':16} → {finding.remedy}")
    return 0 if whole else 1


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _complain(command: str, what: str, status: int) -> int:
    print(f"schedscope {command}: {what}", file=sys.stderr)
    return status


def _hung_up() -> int:
    """Whoever read our output has gone (`… | head`): not worth a traceback, nor another one at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141
