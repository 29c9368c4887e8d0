"""What an operator may set: places, bounds, retention. Each field can come from the environment as SCHEDSCOPE_<FIELD>."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from app import resources
from app.broker.lease import parse_url
from app.sandbox.limits import Limits

_DAY_S = 24 * 3600


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/schedscope`, by default `~/.local/share/schedscope`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "schedscope"


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's settings; units are in the names. Defaults fit one small public machine."""

    data_dir: Path = field(default_factory=default_data_dir)
    database_url: str | None = None
    broker_url: str | None = None
    """A broker that somebody else runs (amqp://…), for every experiment but those that kill it; None: nodes of our own."""
    warm_broker: bool = True
    """Start a node of our own with the server, where RabbitMQ is installed: the first run then need not wait for it."""
    experiments_dir: Path = field(default_factory=resources.experiments_dir)
    static_dir: Path = field(default_factory=resources.static_dir)
    templates_dir: Path = field(default_factory=resources.templates_dir)

    bundled: bool = True
    """Modules and style sheets go out as one file each; false: every file by itself, for whoever works on them in a browser's tools."""

    slots: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Runs at once."""
    queue_length: int = 64
    """Runs that may wait; the next is refused with 503."""
    runs_per_minute: int = 6
    """For one client: a browser with our cookie, or, without one, an address (of IPv6 its /64)."""
    waiting_per_client: int = 2
    runs_per_minute_per_address: int = 300
    """For all browsers behind one address: a lecture hall of 300 behind one NAT, one run each a minute."""
    waiting_per_address: int = 60
    """Less than the queue holds, so that others still find a place."""

    wall_limit_s: int = 120
    """Upper bound of an experiment's own `time_limit_s`, which is 30 s where it does not say: one that kills a broker waits for its restart."""
    limits: dict[str, float] = field(default_factory=dict)
    """The sandbox's other limits where they differ from its defaults, as `cpu_s=20,memory_bytes=536870912`."""
    retention_s: int = 180 * _DAY_S
    store_bytes: int = 16 * 1024**3
    """All recordings together; the oldest give way."""
    body_bytes: int = 256 * 1024
    """Largest request body; a larger one is refused with 413."""

    message_bytes: int = 256 * 1024
    """Largest WebSocket message to a viewer."""
    viewer_timeout_s: float = 60.0
    """A viewer that takes no message for so long is closed; it may resume from its offset."""
    viewers: int = 5000
    """Live connections at once; the next is refused."""

    rooms: int = 100
    """Lecture rooms open at once; the next is refused with 503."""
    rooms_per_client: int = 4
    """Of one client; the next is refused with 429."""
    room_members: int = 500
    """Phones in one room."""
    room_lifetime_s: float = 6 * 3600
    """A room is closed after so long, whatever goes on in it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Defaults, then SCHEDSCOPE_<FIELD>, then `overrides` that are not None. Raises ValueError naming the variable."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for spec in fields(cls):
            variable = f"SCHEDSCOPE_{spec.name.upper()}"
            if variable in environment:
                values[spec.name] = _parse(variable, str(spec.type), environment[variable])
        return cls(**values | {name: value for name, value in overrides.items() if value is not None})

    def __post_init__(self) -> None:
        try:
            Limits().with_(**self.limits)
        except TypeError as error:
            raise ValueError(f"limits: {error}") from error
        if self.broker_url is not None:
            parse_url(self.broker_url)
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, int | float) and value < (1 if spec.name in ("slots", "message_bytes") else 0):
                raise ValueError(f"{spec.name} is {value}: too small")


def _parse_bool(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text.strip().lower()]


def _parse(variable: str, type_name: str, text: str) -> Any:
    parsers: dict[str, Any] = {
        "int": int,
        "float": float,
        "bool": _parse_bool,
        "Path": Path,
        "str | None": str,
        "dict[str, float]": _parse_limits,
    }
    try:
        return parsers[type_name](text)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{variable}={text!r} is not of type {type_name}") from error


def _parse_limits(text: str) -> dict[str, float]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {name.strip(): float(value) if "." in value else int(value) for name, _, value in pairs}
