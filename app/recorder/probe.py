"""Where the probe's built parts are, and the environment that puts them into a process."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "probe"
LIBRARY = FOLDER / "libprobe.so"
BOOT = FOLDER / "boot"


def missing() -> list[str]:
    """What of the probe is not built, in words; empty when everything is there for this interpreter."""
    hooks = FOLDER / f"_hooks{sysconfig.get_config_var('EXT_SUFFIX')}"
    return [f"{path.name} is not built (run: make build)" for path in (LIBRARY, hooks) if not path.exists()]


def environment(rings: str, hooks: str, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that make a Python process and its children observed; `rings` is the folder as that process sees it, `hooks`
    the one with the extensions of other interpreters (`extension.folder`).

    LD_PRELOAD and PYTHONPATH of `inherited` are kept behind ours.
    """
    inherited = os.environ if inherited is None else inherited
    preload = [str(LIBRARY), *inherited.get("LD_PRELOAD", "").split()]
    path = [str(BOOT), *filter(None, [inherited.get("PYTHONPATH")])]
    return {
        "LD_PRELOAD": ":".join(preload),
        "PYTHONPATH": os.pathsep.join(path),
        "SCHEDSCOPE_RINGS": rings,
        "SCHEDSCOPE_HOOKS": hooks,
    }
