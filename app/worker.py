"""One run in a process of its own: `python -m app.worker`, started ahead of time, speaks "Worker protocol" of ARCHITECTURE.md.

It is told one job on stdin and answers on stdout, one JSON object a line each way. The recording is written under an exclusive
`flock`, so that nobody repairs it meanwhile. Because the server may be killed at any time, the end of stdin is an order:
kill the run, finish the recording with outcome `interrupted`, go.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.broker.connect import broker_of, local_listeners
from app.broker.installation import BrokerError
from app.broker.lease import Lease
from app.broker.observer import AMQP_PORT, BrokerObserver
from app.broker.switch import PORT as SWITCH_PORT
from app.core.blocks import MAGIC, BlockKind, encode_document
from app.core.records import Outcome, Stream
from app.recorder import extension, header, interpreters, probe
from app.recorder.plain import PlainTarget
from app.recorder.session import Bounds, Target, record
from app.sandbox.command import RINGS
from app.sandbox.launch import Program, SandboxedRun, SandboxError
from app.sandbox.limits import Limits
from app.sandbox.runtime import Runtime

Job = Mapping[str, Any]
Classify = Callable[[Any], tuple[Outcome, str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A program ready to be released, and what its recording says of it. `sandbox` is `bubblewrap`, or `none: ` and why."""

    target: Target
    script_path: str
    bounds: Bounds
    limits: Mapping[str, Any]
    sandbox: str
    classify: Classify | None = None
    broker: BrokerObserver | None = None


class Control:
    """The server at the other end of two pipes. `say` may be called from any thread."""

    def __init__(self, orders: BinaryIO, answers: BinaryIO) -> None:
        self._orders, self._answers = orders, answers
        self._saying = threading.Lock()
        self._stopped: Outcome | None = None

    @classmethod
    def take_over_stdio(cls) -> Control:
        """Move the conversation off descriptors 0 and 1, so that neither a stray print nor a child can speak in it."""
        orders = os.fdopen(os.dup(0), "rb")
        answers = os.fdopen(os.dup(1), "wb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(orders, answers)

    def receive_job(self) -> dict[str, Any] | None:
        """Wait for the job; None when the server hung up without one."""
        line = self._orders.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def listen(self) -> None:
        """From now on heed orders in a thread of their own."""
        threading.Thread(target=self._heed, name="orders", daemon=True).start()

    def say(self, **message: object) -> None:
        """One answer. A server that is gone does not hear it, and the run comes to its end all the same."""
        with self._saying, suppress(OSError):
            self._answers.write(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    @property
    def stopped(self) -> Outcome | None:
        """CANCELLED once the server said so, INTERRUPTED once it is gone, else None."""
        return self._stopped

    def _heed(self) -> None:
        for line in self._orders:
            if not line.endswith(b"\n"):
                break
            if json.loads(line).get("cancel"):
                self._stopped = self._stopped or Outcome.CANCELLED
        self._stopped = self._stopped or Outcome.INTERRUPTED


class Stoppable:
    """A target that ends when the server says so or is gone.

    The order is looked at in `poll`, which the session calls at every turn, because a sandbox must be killed by the thread
    that started it. `classify` then names the outcome after the order instead of the signal.
    """

    def __init__(self, prepared: Prepared, control: Control) -> None:
        self._target, self._classify, self._control = prepared.target, prepared.classify, control
        self.stdout_fd, self.stderr_fd = self._target.stdout_fd, self._target.stderr_fd
        self.ring_dir_fd, self.exit_fd = self._target.ring_dir_fd, self._target.exit_fd
        self.switch_fds, self.kernel = self._target.switch_fds, self._target.kernel
        self.proc_fd = self._target.proc_fd
        self._stopped: Outcome | None = None
        self.usage, self.kill, self.close = self._target.usage, self._target.kill, self._target.close

    def release(self) -> None:
        """Start the script, and say so."""
        self._target.release()
        self.exit_fd = self._target.exit_fd
        self._control.say(started=time.monotonic_ns())

    def poll(self) -> Any:
        """How the program ended, None while it runs."""
        ended = self._target.poll()
        if ended is None and self._stopped is None and self._control.stopped is not None:
            self._stopped = self._control.stopped
            self._target.kill()
            ended = self._target.poll()
        return ended

    def classify(self, ended: Any) -> tuple[Outcome, str]:
        """Outcome and words."""
        if self._stopped is not None:
            return self._stopped, ""
        if self._classify is not None:
            return self._classify(ended)
        failed = Outcome.SIGNAL if ended.signal else Outcome.PROGRAM_ERROR if ended.code else Outcome.FINISHED
        return failed, ""


def prepare(job: Job) -> Prepared:
    """The job's program in its sandbox, or, of a trusted job, as its owner would start it. Nothing of it runs yet.

    A machine without a sandbox still runs the catalogue's own experiments, and the recording says so; anything else raises
    SandboxError there.
    """
    lease = broker_of(job.get("broker"))
    try:
        return _prepare(job, lease)
    except BaseException:
        if lease is not None:
            lease.close()
        raise


def _prepare(job: Job, lease: Lease | None) -> Prepared:
    if job["trusted"]:
        return _plain(job, "none: the script is its owner's", lease)
    try:
        return _sandboxed(job, lease)
    except SandboxError as error:
        if job["experiment"] is None:
            raise
        return _plain(job, f"none: {error}", lease)


def _sandboxed(job: Job, lease: Lease | None) -> Prepared:
    limits = Limits().with_(**job["limits"])
    environment = probe.environment(RINGS, str(extension.folder()), {})
    program = Program(job["source"].encode("utf-8", "replace"), job["name"], job["argv"], environment)
    ports = (AMQP_PORT, SWITCH_PORT) if lease else ()
    run = SandboxedRun(program, limits, _runtime(job), job["slot"], ports=ports)
    broker = BrokerObserver(lease, run.listeners[AMQP_PORT], run.listeners[SWITCH_PORT]) if lease else None
    return Prepared(run, program.path, _bounds(asdict(limits)), asdict(limits), "bubblewrap", run.classify, broker)


def _runtime(job: Job) -> Runtime:
    if job["python"] is None:
        return Runtime.of_this_interpreter()
    other = interpreters.ask(job["python"])
    extension.missing(other)  # built before the sandbox takes its folder inside
    return Runtime.of_another(other.python, [*other.folders, str(extension.folder())])


def _plain(job: Job, sandbox: str, lease: Lease | None) -> Prepared:
    os.chdir(job["cwd"])
    if job.get("stdin"):
        given = os.open(job["stdin"], os.O_RDONLY | os.O_NOCTTY)
        os.dup2(given, 0)
        os.close(given)
    broker = BrokerObserver(lease, *local_listeners(AMQP_PORT, SWITCH_PORT)) if lease else None
    try:
        target = PlainTarget([job["python"] or sys.executable, job["script_path"], *job["argv"]])
    except BaseException:
        if broker is not None:
            broker.close()
        raise
    return Prepared(target, job["script_path"], _bounds(job["limits"]), job["limits"], sandbox, broker=broker)


def _bounds(limits: Mapping[str, Any]) -> Bounds:
    """What the session watches over; the rest of the limits is the kernel's to hold."""
    return Bounds(**{name: limits[name] for name in Bounds.__slots__ if name in limits})


def carry(job: Job, file: BinaryIO, control: Control) -> dict[str, Any]:
    """Run the job, write its recording; the END document."""
    if job.get("broker"):
        control.say(waits_for="broker")
    prepared = prepare(job)
    target = Stoppable(prepared, control)
    document = _document(job, prepared.script_path, prepared.limits, prepared.sandbox)
    return record(
        target,
        file,
        document | broker_words(prepared.broker),
        prepared.bounds,
        on_flush=lambda size: control.say(size_bytes=size),
        classify=target.classify,
        echo=_echo if job["trusted"] else None,
        beside=[prepared.broker] if prepared.broker else [],
    )


def broker_words(broker: BrokerObserver | None) -> dict[str, str]:
    """What the recording's header says of the run's broker, if it has one."""
    return {} if broker is None else {"broker": broker.description}


def _document(job: Job, script_path: str, limits: Mapping[str, Any], sandbox: str) -> dict[str, Any]:
    other = interpreters.ask(job["python"]) if job["python"] else None
    document = header.document(
        script_path=script_path,
        source=job["source"],
        interpreter=other.says if other else header.interpreter(),
        hooks=extension.missing(other) if other else None,
        argv=job["argv"],
        experiment=job["experiment"],
        parameters=job["parameters"],
        limits=limits,
    )
    if job.get("calibration"):
        document["machine"] = document["machine"] | {"calibration": job["calibration"]}
    return document | {"sandbox": sandbox}


def _echo(_stream: Stream, data: bytes) -> None:
    """What a script of the owner's prints is seen in the terminal too: `schedscope run` has given us that as stderr."""
    with suppress(OSError):
        os.write(2, data)


def main(carry: Callable[[Job, BinaryIO, Control], dict[str, Any]] = carry) -> int:
    """The process from ready to done; 0 unless the job itself could not be carried out."""
    control = Control.take_over_stdio()
    header.machine()
    header.interpreter()
    control.say(ready=True)
    job = control.receive_job()
    if job is None:
        return 0
    control.listen()
    with Path(job["recording"]).open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            end = carry(job, file, control)
        except Exception as error:
            if not isinstance(error, BrokerError):
                traceback.print_exc()
            end = _fault(file, job, error)
        file.flush()
        size_bytes = os.fstat(file.fileno()).st_size
    control.say(outcome=end["outcome"], exit_code=end.get("exit_code"), size_bytes=size_bytes, end=end)
    return 1 if end["outcome"] == Outcome.FAULT else 0


def _fault(file: BinaryIO, job: Job, error: Exception) -> dict[str, Any]:
    """End a recording that we failed to make, however far it came."""
    now_ns = time.monotonic_ns()
    refused = isinstance(error, BrokerError)
    message = str(error) if refused else f"{type(error).__name__}: {error}"
    outcome = Outcome.REFUSED if refused else Outcome.FAULT
    end = {"outcome": outcome, "exit_code": None, "t_end_ns": now_ns, "message": message}
    file.flush()
    if file.tell() == 0:
        document = _document({**job, "python": None}, job["name"], job["limits"], "none: nothing was run") | {"t0_ns": now_ns}
        file.write(MAGIC + encode_document(BlockKind.HEADER, now_ns, document))
    file.write(encode_document(BlockKind.END, now_ns, end))
    return end


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # everything is written and closed: taking the interpreter apart would only delay the next run
