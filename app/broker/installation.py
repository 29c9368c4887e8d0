"""The distribution's RabbitMQ, found but not asked to do anything: its own start script, and Erlang's port mapper.

Debian's `/usr/sbin/rabbitmq-server` is a wrapper that insists on the user `rabbitmq` and the system's folders. The script behind
it takes every folder from the environment, and that is the one used here.

SCHEDSCOPE_RABBITMQ=FOLDER names another RabbitMQ, laid out as its generic archive unpacks: `FOLDER/sbin/rabbitmq-server`, `FOLDER/plugins`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "rabbitmq-server"
CHOSEN = "SCHEDSCOPE_RABBITMQ"
_SERVERS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
)


class BrokerError(RuntimeError):
    """RabbitMQ cannot be had or does not do what it is asked; the message says which, and what the node said."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the start script and epmd are; `version` is RabbitMQ's, empty where its folders do not tell."""

    server: str
    epmd: str
    version: str


def find(places: Sequence[str] = _SERVERS) -> Installation | None:
    """The installed RabbitMQ, or the one that is named; None where there is none, or no Erlang to run it."""
    if chosen := os.environ.get(CHOSEN):
        places = [os.path.join(os.path.abspath(chosen), "sbin/rabbitmq-server")]
    server = next((path for path in places if os.access(path, os.X_OK)), None)
    epmd = shutil.which("epmd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin"]))
    if server is None or epmd is None:
        return None
    home = Path(os.path.realpath(server)).parent.parent
    versions = [path.name.removeprefix("rabbit-") for path in home.glob("plugins/rabbit-[0-9]*")]
    return Installation(server, epmd, versions[0].removesuffix(".ez") if versions else "")


def must_find() -> Installation:
    """As `find`. Raises BrokerError that says what to install."""
    found = find()
    if found is None and (chosen := os.environ.get(CHOSEN)):
        raise BrokerError(f"{CHOSEN}={chosen}: there is no sbin/rabbitmq-server in it, or no epmd of Erlang's to go with it")
    if found is None:
        raise BrokerError(f"RabbitMQ is not installed: apt-get install --no-install-recommends {PACKAGE}")
    return found
