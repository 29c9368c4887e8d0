"""How a sandboxed run ended: the outcome, and words a visitor understands."""

from __future__ import annotations

import signal

from app.core.records import Outcome
from app.sandbox.limits import Limits

NEARLY = 0.98
"""Of the allowed processes: a failed run that had this many at once ran out of them."""


def outcome_of(code: int | None, signal_number: int | None, peak_processes: int, limits: Limits) -> tuple[Outcome, str]:
    """The outcome of a main process that ended by itself (no limit of ours ended it before), and a sentence."""
    if code is None and signal_number is None:
        return Outcome.FAULT, "the sandbox ended before the script did"
    if (code or signal_number) and peak_processes >= limits.processes * NEARLY:
        return Outcome.PROCESS_LIMIT, f"the run had {peak_processes} of {limits.processes} processes and threads"
    if signal_number == signal.SIGXFSZ:
        return Outcome.SIGNAL, f"a file grew past its bound of {limits.file_bytes} bytes"
    if signal_number == signal.SIGXCPU:
        return Outcome.CPU_LIMIT, f"the CPU limit of {limits.cpu_s:g} s"
    if signal_number is not None:
        return (
            Outcome.SIGNAL,
            f"ended by {signal.Signals(signal_number).name}" if signal_number < 32 else f"signal {signal_number}",
        )
    if code:
        return Outcome.PROGRAM_ERROR, f"exit code {code}"
    return Outcome.FINISHED, ""
