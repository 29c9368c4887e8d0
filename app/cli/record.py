"""A script of one's own, recorded into a file without a server: `schedscope record`.

Input, output and exit status stay the script's. Signals do too: what the terminal sends goes to the script, which decides; we
stay to write the end of the recording.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.broker.installation import BrokerError
from app.broker.lease import KeeperProcess
from app.core.records import Outcome, Stream
from app.recorder import extension, header, interpreters
from app.recorder.session import record as observe
from app.sandbox.launch import SandboxError
from app.worker import broker_words, prepare


class RefusedError(Exception):
    """Nothing was run; the message says why."""


class _Stops:
    """Whether we were told to stop (SIGTERM, SIGHUP, or nobody reads the output any more)."""

    def __init__(self) -> None:
        self.status: int | None = None

    def on_signal(self, number: int, _frame: object) -> None:
        self.status = 128 + number

    def echo(self, stream: Stream, data: bytes) -> None:
        """Pass the script's output on as it comes."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(1 if stream is Stream.STDOUT else 2, view) :]
        except BrokenPipeError:  # the script itself would be ended by SIGPIPE, or meet the error, at its next write
            self.status = 128 + signal.SIGPIPE


def record_script(
    script: Path, argv: Sequence[str], output: Path, python: str | None, sandbox: bool, broker: str | None = None
) -> int:
    """Run the script and write its recording; the script's exit status. Raises RefusedError when it cannot even start.

    The file is made only once the script is ready to start: a mistyped line costs no recording of yesterday.
    """
    if sandbox and python:
        raise RefusedError("the sandbox has the interpreter of this program; --python is for scripts without it")
    keeper = KeeperProcess()
    try:
        return _record(script, argv, output, python, sandbox, _broker(broker, keeper))
    except BrokerError as error:
        raise RefusedError(str(error)) from error
    finally:
        keeper.close()


def _broker(asked: str | None, keeper: KeeperProcess) -> dict[str, Any] | None:
    """`local`: a node for this run alone, which it may kill; a URL: that broker."""
    if asked is None:
        return None
    return {"keeper": keeper.socket_path(), "whole": True} if asked == "local" else {"url": asked}


def _record(
    script: Path, argv: Sequence[str], output: Path, python: str | None, sandbox: bool, broker: Mapping[str, Any] | None
) -> int:
    try:
        source = script.read_text("utf-8", "replace")
        job = _job(script, source, argv, python, sandbox) | {"broker": broker}
        other = interpreters.ask(python) if python else None
        hooks = extension.missing(other) if other else None
        prepared = prepare(job)
    except (OSError, ValueError, SandboxError) as error:
        raise RefusedError(_words(error)) from error
    document = header.document(
        script_path=prepared.script_path,
        source=source,
        interpreter=other.says if other else header.interpreter(),
        hooks=hooks,
        argv=argv,
        limits=prepared.limits,
    )
    try:
        out = output.open("wb")
    except OSError as error:
        prepared.target.close()
        if prepared.broker is not None:
            prepared.broker.close()
        raise RefusedError(_words(error)) from error
    stops = _Stops()
    with out, _signals(stops):
        end = observe(
            prepared.target,
            out,
            document | {"sandbox": prepared.sandbox} | broker_words(prepared.broker),
            prepared.bounds,
            cancelled=lambda: stops.status is not None,
            classify=prepared.classify,
            echo=stops.echo,
            beside=[prepared.broker] if prepared.broker else [],
            afterwards=_say_what_is_left,
        )
    return _status(end, stops)


def _job(script: Path, source: str, argv: Sequence[str], python: str | None, sandbox: bool) -> dict[str, Any]:
    return {
        "name": script.name,
        "source": source,
        "argv": list(argv),
        "experiment": None,
        "limits": {},
        "trusted": not sandbox,
        "script_path": str(script),
        "python": python,
        "cwd": os.getcwd(),
        "slot": 0,
    }


def _say_what_is_left(records: int) -> None:
    """Only where one would wonder what takes so long: about a million are written in a second."""
    if records > 1_000_000:
        print(f"schedscope record: the script has ended; writing {records / 1e6:.1f} million records of it", file=sys.stderr)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _status(end: dict[str, Any], stops: _Stops) -> int:
    """The script's own exit status; where a limit or we ended it, that is said and the status is 1 (128 + N for signal N)."""
    if end["outcome"] == Outcome.CANCELLED and stops.status is not None:
        return stops.status
    if end["outcome"] not in (Outcome.FINISHED, Outcome.PROGRAM_ERROR, Outcome.SIGNAL):
        bound = f" ({end['limit']} {end['bound']:g})" if end.get("bound") is not None else ""
        print(f"schedscope record: {end['outcome']}{bound} {end['message']}".rstrip(), file=sys.stderr)
        return 1
    return int(end["exit_code"]) if end["exit_code"] is not None else 128 + int(end["signal"] or 0)


@contextmanager
def _signals(stops: _Stops) -> Iterator[None]:
    """Outlive what a terminal sends to the script and to us alike. (Handlers, not SIG_IGN: the script would inherit that.)"""
    taken = dict.fromkeys((signal.SIGTERM, signal.SIGHUP), stops.on_signal)
    before = {number: signal.signal(number, handler) for number, handler in taken.items()}
    before |= {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
