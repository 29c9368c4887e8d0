"""What this machine gives, found out by looking, and what to install or grant for the rest: `schedscope doctor`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from app.broker import installation
from app.broker.greeting import greet
from app.broker.installation import BrokerError
from app.broker.lease import parse_url
from app.recorder import extension, header, interpreters, probe
from app.sandbox import check


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `remedy` says what to install or grant; empty where nothing is to be done."""

    room: str
    name: str
    holds: bool
    text: str
    remedy: str = ""


def findings(broker_url: str | None) -> Iterator[Finding]:
    """Everything looked at, in the order it is printed. `broker_url` is the broker that would be given to `serve --broker`."""
    yield from observers()
    yield from sandbox()
    yield from broker() if broker_url is None else given_broker(broker_url)
    yield amqp_tools()


def observers() -> Iterator[Finding]:
    """As the header of a recording made here would name them."""
    missing = probe.missing()
    remedy = "install a C compiler and the interpreter's headers, then: make run" if missing else ""
    for name, text in header.observers(header.interpreter()).items():
        yield Finding("observer", name, text == "exact", text, remedy)
    other = interpreters.free_threaded()
    if other:
        why = extension.missing(other)
        remedy = "install a C compiler and that interpreter's headers" if why else ""
        yield Finding("observer", "free-threaded", not why, why or f"{other.says['version']}, {other.python}", remedy)


def sandbox() -> Iterator[Finding]:
    """Every layer, tried from inside by a probe script."""
    for layer in check.layers():
        room = "observer" if layer.name in check.OPTIONAL else "sandbox"
        yield Finding(room, layer.name, layer.holds, layer.text, layer.remedy)


def broker() -> Iterator[Finding]:
    """RabbitMQ's own start script: its node is started for the experiments that need one."""
    found = installation.find()
    remedy = f"apt-get install --no-install-recommends {installation.PACKAGE} (or serve --broker amqp://…)"
    if found is None:
        yield Finding("broker", "RabbitMQ", False, "not installed", remedy)
    else:
        yield Finding("broker", "RabbitMQ", True, f"{found.version or 'version unknown'}, {found.server}")


def given_broker(url: str) -> Iterator[Finding]:
    """Logs in there, as every run with a broker will."""
    try:
        access = parse_url(url)
        greet(access)
    except BrokerError as error:
        yield Finding(
            "broker", "RabbitMQ", False, str(error), "start it there, or correct the URL's user, password or virtual host"
        )
    else:
        what = f"lets {access.user} into the virtual host {access.vhost}, which all runs share and none is cleared of; it is not ours to kill"
        yield Finding("broker", "RabbitMQ", True, f"{access.host}:{access.port} {what}")


def amqp_tools() -> Finding:
    """The C programs of one experiment."""
    there = shutil.which("amqp-consume")
    remedy = "" if there else "apt-get install amqp-tools (for rabbit-languages)"
    return Finding("broker", "amqp-tools", there is not None, there or "not installed", remedy)
