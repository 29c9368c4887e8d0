"""`python -m bench [NAME …]`: every measurement that needs no root, or those named."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from app.recorder import header
from bench import audience, broker, coroutines, crowd, echo, fidelity, hooks, overhead, page, records, rooms, viewers

MEASUREMENTS: dict[str, Callable[[int], None]] = {
    "overhead": overhead.measure,
    "echo": echo.measure,
    "records": records.measure,
    "hooks": hooks.measure,
    "coroutines": coroutines.measure,
    "page": page.measure,
    "broker": broker.measure,
    "crowd": crowd.measure,
    "audience": audience.measure,
    "rooms": rooms.measure,
    "viewers": viewers.measure,
    "fidelity": fidelity.measure,
}
ASKED_FOR = ("fidelity", "viewers")
"""Measured only when named: the first needs root, the second fetches other viewers."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS], default=[], metavar="NAME")
    parser.add_argument("--pairs", type=int, default=5, help="alternating pairs of each ratio (default 5)")
    arguments = parser.parse_args()
    machine, interpreter = header.machine(), header.interpreter()
    print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']} {machine['kernel']}, Python {interpreter['version']}"
    )
    for name in arguments.names or [name for name in MEASUREMENTS if name not in ASKED_FOR]:
        MEASUREMENTS[name](arguments.pairs)


if __name__ == "__main__":
    main()
