"""A script of one's own, recorded into a file without a server: `schedscope record`.

Input, output and exit status stay the script's. Signals do too: what the terminal sends goes to the script, which decides; we
stay to write the end of the recording.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.records import Outcome, Stream
from app.recorder import header
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds
from app.recorder.session import record as observe

_ASK_INTERPRETER = """
import json, platform, sys
print(json.dumps({"implementation": platform.python_implementation(), "version": platform.python_version(),
                  "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)()}))
"""


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


def record_script(script: Path, argv: Sequence[str], output: Path, python: str | None, sandbox: bool) -> int:
    """Run the script and write its recording; the script's exit status. Raises RefusedError when it cannot even start."""
    try:
        source = script.read_text("utf-8", "replace")
    except OSError as error:
        raise RefusedError(f"{script}: {error.strerror}") from error
    interpreter = _ask(python) if python else header.interpreter()
    document = header.document(script_path=str(script.absolute()), source=source, interpreter=interpreter, argv=argv, limits={})
    try:
        out = output.open("wb")
    except OSError as error:
        raise RefusedError(f"{output}: {error.strerror}") from error
    stops = _Stops()
    with out, _signals(stops):
        target = PlainTarget([python or sys.executable, str(script), *argv])
        end = observe(target, out, document, Bounds(), cancelled=lambda: stops.status is not None, echo=stops.echo)
    return _status(end, stops)


def _status(end: dict[str, Any], stops: _Stops) -> int:
    if end["outcome"] == Outcome.CANCELLED and stops.status is not None:
        return stops.status
    if end["exit_code"] is not None:
        return int(end["exit_code"])
    return 128 + int(end["signal"]) if end["signal"] else 1


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


def _ask(python: str) -> dict[str, Any]:
    """What another interpreter says of itself."""
    try:
        answer = subprocess.run([python, "-I", "-c", _ASK_INTERPRETER], capture_output=True, check=True, timeout=30)
        return dict(json.loads(answer.stdout))
    except OSError as error:
        raise RefusedError(f"{python}: {error.strerror}") from error
    except (subprocess.SubprocessError, ValueError) as error:
        raise RefusedError(f"{python} is not a Python interpreter: {error}") from error
