"""What an experiment requires and this machine or server lacks."""

from __future__ import annotations

import shutil

from app.broker import installation
from app.recorder import interpreters
from app.web.settings import Settings

BROKER, CRASH = "broker", "broker-crash"
"""Requirements of an experiment: a broker; and that it may kill it, which it asks for beside the first."""
PROGRAMS = {"amqp-tools": "amqp-consume"}
"""Requirements that are a package of programs: by which of them one sees that it is there."""

LACKED = {
    BROKER: f"a RabbitMQ (apt-get install --no-install-recommends {installation.PACKAGE}, or serve --broker URL)",
    CRASH: "a RabbitMQ that it may kill (the one given with --broker is not ours to kill)",
}
"""What is said of a requirement that cannot be had, where its name alone is not clear."""


def missing(requires: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Those of `requires` that cannot be had; with --broker URL there is a broker, but none to be killed."""
    lacking = list(interpreters.missing(requires))
    if settings.broker_url is not None:
        lacking += [one for one in requires if one == CRASH]
    elif installation.find() is None:
        lacking += [one for one in requires if one == BROKER]
    lacking += [one for one in requires if one in PROGRAMS and shutil.which(PROGRAMS[one]) is None]
    return tuple(lacking)
