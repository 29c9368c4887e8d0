"""How a sandboxed run ended: the outcome, and words a visitor understands."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from app.core.records import Outcome
from app.sandbox.limits import Limits


@dataclass(frozen=True, slots=True)
class Exit:
    """How the main process ended; code and signal are both None when the sandbox ended without a word from it."""

    code: int | None = None
    signal: int | None = None
    processes: int = 0
    """Processes and threads of the script that were there when it ended."""
    cpu_s: float = 0.0
    """CPU seconds of the main process and of the children it waited for."""


def outcome_of(ended: Exit, peak_processes: int, limits: Limits, *, out_of_memory: bool = False) -> tuple[Outcome, str]:
    """The outcome of a main process that ended by itself (no limit of ours ended it before), and a sentence.

    `out_of_memory`: the kernel ended the run's control group, the stage with it, which then had no time for a word.

    The kernel lets a run have one process more than its limit, so that having passed it can be told from having used it up.
    """
    if out_of_memory and ended.code is None:
        return Outcome.MEMORY_LIMIT, f"the memory limit of {limits.memory_bytes} bytes"
    if ended.code is None and ended.signal is None:
        return Outcome.FAULT, "the sandbox ended before the script did"
    if (ended.code or ended.signal) and peak_processes > limits.processes:
        return Outcome.PROCESS_LIMIT, f"the run passed its limit of {limits.processes} processes and threads"
    if ended.signal is not None:
        return _of_signal(ended.signal, ended.cpu_s, limits)
    if ended.code:
        return Outcome.PROGRAM_ERROR, f"exit code {ended.code}"
    return Outcome.FINISHED, ""


def _of_signal(number: int, cpu_s: float, limits: Limits) -> tuple[Outcome, str]:
    # The kernel's own CPU limit ends a process by SIGXCPU or SIGKILL, which anybody can also send.
    if number in (signal.SIGXCPU, signal.SIGKILL) and cpu_s >= limits.cpu_s:
        return Outcome.CPU_LIMIT, f"the CPU limit of {limits.cpu_s:g} s"
    if number == signal.SIGXFSZ:
        return Outcome.SIGNAL, f"a file grew past its bound of {limits.file_bytes} bytes"
    return Outcome.SIGNAL, f"ended by {signal.Signals(number).name}" if number < 32 else f"signal {number}"
