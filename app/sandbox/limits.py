"""The numbers a sandboxed run is held to. Each is a setting and is shown to the visitor when it is reached."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. `processes` counts those of the script and its threads; memory is that of the whole run, files in memory included."""

    wall_s: float = 30.0
    cpu_s: float = 20.0
    memory_bytes: int = 512 * MIB
    processes: int = 256
    file_bytes: int = 16 * MIB
    tmp_bytes: int = 64 * MIB
    tmp_inodes: int = 4096
    output_bytes: int = 1 * MIB
    records: int = 2_000_000
    descriptors: int = 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high = BOUNDS[field.name]
            value = getattr(self, field.name)
            if field.type == "int" and not isinstance(value, int):
                raise ValueError(f"limit {field.name} is {value}: it must be a whole number")
            if not low <= value <= high:
                raise ValueError(f"limit {field.name} is {value}: it must lie between {low} and {high}")

    def with_(self, **changes: float) -> Limits:
        """The same limits with some replaced; ValueError names the field and its bounds."""
        whole = {name: int(value) for name, value in changes.items() if name not in SECONDS and value == value // 1}
        return replace(self, **(changes | whole))  # type: ignore[arg-type]


SECONDS = frozenset({"wall_s", "cpu_s"})
"""The limits that may be fractions; settings and requests bring the others as floats too."""

BOUNDS: dict[str, tuple[float, float]] = {
    "wall_s": (0.1, 600),
    "cpu_s": (0.1, 600),
    "memory_bytes": (32 * MIB, 8192 * MIB),
    "processes": (4, 20_000),
    "file_bytes": (4096, 1024 * MIB),
    "tmp_bytes": (1 * MIB, 1024 * MIB),
    "tmp_inodes": (16, 100_000),
    "output_bytes": (1024, 64 * MIB),
    "records": (1000, 20_000_000),
    "descriptors": (16, 65_536),
}


RING_HEAD_BYTES = 4096
"""A ring of the probe's is a file too, and by this longer than its 16 MiB of records."""


def kernel_limits(limits: Limits) -> dict[str, int]:
    """What the kernel holds by itself, by the names of the `resource` module.

    One process more than allowed, so that a run that passed its limit can be told from one that just used it up; and one for
    the stage. No RLIMIT_AS: it counts what is reserved, not what is used (a stack of 8 MiB and often an arena of 64 MiB for each
    thread), and a script that runs into it fails with an error of its own, which then hides that its memory had no end.
    """
    return {
        "RLIMIT_NPROC": limits.processes + 2,
        "RLIMIT_FSIZE": limits.file_bytes + RING_HEAD_BYTES,
        "RLIMIT_NOFILE": limits.descriptors,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.cpu_s) + 1,
        "RLIMIT_MEMLOCK": 1 << 20,
    }
