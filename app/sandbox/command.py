"""Bubblewrap's arguments: a pure function of limits and paths.

Everything is unshared; the root is read-only and holds only what the interpreter needs; what can be written to lies on tmpfs of
stated size. `--dev` and the root are tmpfs of unstated size themselves, so both are made read-only last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.sandbox.limits import MIB, Limits
from app.sandbox.runtime import SYSTEM

WORK = "/sandbox"
RUN = "/run/schedscope"
RINGS = f"{RUN}/rings"
STAGE = f"{RUN}/stage.py"
SWITCHES = f"{RUN}/switches.py"
RINGS_BYTES = 256 * MIB
WRITABLE = ("/tmp", "/dev/shm", WORK)
"""Writable folders besides the rings; each is a tmpfs of `Limits.tmp_bytes`, and together they count as memory."""


def bubblewrap_arguments(
    limits: Limits,
    bound: Iterable[tuple[str, str]],
    links: Mapping[str, str],
    data: Sequence[tuple[int, str]],
    *,
    seccomp_fd: int,
    info_fd: int,
) -> list[str]:
    """The options of `bwrap`. `bound` is (outside, inside) of read-only paths, `links` of symbolic links inside → target,
    `data` (descriptor, inside) of files given by descriptor."""
    arguments = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"]
    arguments += ["--uid", "1000", "--gid", "1000", "--hostname", "schedscope", "--clearenv", "--cap-drop", "ALL"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for folder in WRITABLE:
        arguments += ["--perms", "0755", "--size", str(limits.tmp_bytes), "--tmpfs", folder]
    arguments += ["--size", str(RINGS_BYTES), "--tmpfs", RINGS]
    for outside, inside in bound:  # after the tmpfs: an interpreter may live in /tmp
        arguments += ["--ro-bind", outside, inside]
    for inside, target in links.items():
        arguments += ["--symlink", target, inside]
    for fd, inside in data:
        arguments += ["--perms", "0444", "--ro-bind-data", str(fd), inside]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]
    return [*arguments, "--seccomp", str(seccomp_fd), "--info-fd", str(info_fd)]


def system_paths(exists: Mapping[str, str | None]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The host's system folders as binds and links; `exists` maps each of SYSTEM that is there to its link target or None."""
    bound = [(path, path) for path in SYSTEM if path in exists and exists[path] is None]
    links = {path: target for path in SYSTEM if (target := exists.get(path)) is not None}
    return bound, links
