"""One private RabbitMQ node: started, watched, killed and restarted as an ordinary user, in a folder of its own.

Everything that RabbitMQ shares by default is its own here: data, logs, cookie, AMQP and distribution port, control socket. Nothing
listens beyond loopback. The start script replaces itself by the Erlang VM (RABBITMQ_ALLOW_INPUT), so the process we start *is* the
node: a SIGKILL to it is a crash, and PR_SET_PDEATHSIG (setpriv --pdeathsig) ends it with the thread that started it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from app.broker.erlang import LISTEN, Erlang
from app.broker.installation import BrokerError, Installation

Spawn = Callable[..., "subprocess.Popen[bytes]"]
UNPRIVILEGED_UID = 63_999
"""Whom root becomes for a node; the sandbox's runs are other users."""
START_S = 120.0
MEMORY_BYTES = 256 << 20
DISK_FREE_BYTES = 64 << 20
_CONFIGURATION = """\
[{{rabbit, [
    {{tcp_listeners, [{{"127.0.0.1", {port}}}]}},
    {{default_user, <<"schedscope">>}}, {{default_pass, <<"{password}">>}},
    {{vm_memory_high_watermark, {{absolute, {memory_bytes}}}}},
    {{disk_free_limit, {disk_free_bytes}}},
    {{frame_max, 131072}}, {{heartbeat, 60}},
    {{permit_deprecated_features, #{{transient_nonexcl_queues => true}}}}
]}}].
"""
"""In Erlang's own terms, because there a setting that a version does not know is passed over: since 4.3 a queue that is neither
durable nor exclusive, as in every first lesson, must be permitted."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_ordinary_user() -> list[str]:
    """The words before a command that make it end with the thread that starts it, and, where we are root, not be root."""
    words = ["setpriv", "--pdeathsig", "KILL"]
    if os.getuid() == 0:
        words += ["--reuid", str(UNPRIVILEGED_UID), "--regid", str(UNPRIVILEGED_UID), "--clear-groups"]
    return [*words, "--"]


class Node:
    """A node in `folder`, which it makes and removes. `spawn` starts its process, from a thread that outlives the node."""

    def __init__(self, installation: Installation, folder: Path, epmd_port: int, spawn: Spawn = subprocess.Popen) -> None:
        self._installation, self._folder, self._epmd_port, self._spawn = installation, folder, epmd_port, spawn
        self.name = folder.name
        self.port = 0
        self.starts = 0
        self.version = ""
        """RabbitMQ's own word for it, once the node has started."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the Erlang VM; None where there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, first or again, on the data it has; returns once it accepts AMQP. Raises BrokerError."""
        if self.starts == 0:
            self._prepare()
        self.starts += 1
        self._control_path.unlink(missing_ok=True)
        with (self._folder / "output.log").open("ab") as log:
            self._process = self._spawn(
                [*as_ordinary_user(), self._installation.server, "-noinput", *self._erlang_words()],
                env=self._environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_started(self._process, time.monotonic() + START_S)

    def alive(self) -> bool:
        """Whether the VM runs and its broker does: asked, not assumed."""
        if self._process is None or self._process.poll() is not None:
            return False
        with suppress(OSError, BrokerError):
            return self.evaluate("atom_to_list(rabbit:is_running())") == b"true"
        return False

    def evaluate(self, expression: str) -> bytes:
        """The value of an Erlang expression inside the node. Raises BrokerError, OSError."""
        erlang = Erlang(self._control_path)
        try:
            return erlang.evaluate(expression)
        finally:
            erlang.close()

    def kill(self) -> None:
        """SIGKILL, as a power cut would; returns once the process is gone. Its data stay. Idempotent."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- starting

    @property
    def _control_path(self) -> Path:
        return self._folder / "control"

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700)
        self.port, self._distribution_port = free_port(), free_port()
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        values = {"port": self.port, "password": secrets.token_hex(16)}
        bounds = {"memory_bytes": MEMORY_BYTES, "disk_free_bytes": DISK_FREE_BYTES}
        (self._folder / "advanced.config").write_text(_CONFIGURATION.format(**values, **bounds))
        (self._folder / "plugins").write_text("[].\n")
        for empty in ("environment.conf",):
            (self._folder / empty).touch()
        if os.getuid() == 0:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID)

    def _environment(self) -> Mapping[str, str]:
        """Nothing of ours but PATH and language: a RABBITMQ_ or ERL_ variable of the user's is meant for another node."""
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": folder,
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/environment.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_FEATURE_FLAGS_FILE": f"{folder}/feature_flags",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ALLOW_INPUT": "1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": "/dev/null",
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    def _erlang_words(self) -> list[str]:
        interface = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
        return [*interface, "-eval", LISTEN.replace("PATH", str(self._control_path)).replace("\n", " ")]

    def _await_started(self, process: subprocess.Popen[bytes], deadline_s: float) -> None:
        while True:
            if process.poll() is not None:
                raise BrokerError(f"RabbitMQ ended while it started: {self._last_words()}")
            if self.alive():
                self.version = self.evaluate("rabbit_misc:version()").decode()
                return
            if time.monotonic() > deadline_s:
                self.kill()
                raise BrokerError(f"RabbitMQ did not start within {START_S:g} s: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = (self._folder / "output.log").read_text("utf-8", "replace").strip().splitlines()
            errors = [line for line in lines if "rror" in line]
            return " ".join((errors or lines)[-1:])[-500:] or "it said nothing"
        return "it said nothing"
