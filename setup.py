"""What pyproject.toml cannot say: the two C parts, and the folders of the page.

`python setup.py build_ext --inplace` builds into the checkout what `pip install` builds into a wheel:

  app/probe/libprobe.so   preloaded into every observed process, also those that are not Python:
                          a plain shared library, without Python symbols and without an ABI suffix
  app/probe/_hooks.*.so   the extension, built against the running interpreter's headers
"""

from __future__ import annotations

import os
import shlex
import sysconfig
from pathlib import Path

from setuptools import Extension, find_namespace_packages, setup
from setuptools.command.build_ext import build_ext

PROBE = Path("app/probe")
HEADERS = sorted(str(path) for path in PROBE.rglob("*.h"))
LIBRARY = "app.probe.libprobe"
LIBRARY_FLAGS = "-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -fPIC -fvisibility=hidden -shared -pthread".split()
EXTENSION_FLAGS = "-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -fvisibility=hidden".split()


def sources(folder: str) -> list[str]:
    """The C files of one part, relative to the root as setuptools wants them."""
    return sorted(str(path) for path in (PROBE / folder).glob("*.c"))


class BuildProbe(build_ext):
    """Builds the preload library beside the extension, so that install, inplace and wheel treat both alike."""

    def get_ext_filename(self, fullname: str) -> str:
        # Asked with and without the package's name.
        if fullname in (LIBRARY, LIBRARY.rpartition(".")[2]):
            return os.path.join(*fullname.split(".")) + ".so"
        return super().get_ext_filename(fullname)

    def build_extension(self, ext: Extension) -> None:
        if ext.name != LIBRARY:
            super().build_extension(ext)
            return
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        extra = shlex.split(os.environ.get("CFLAGS", ""))
        # Written beside and renamed: a run that has the old library mapped must not see its bytes change.
        fresh = target.with_suffix(".so.new")
        self.spawn([*compiler, *LIBRARY_FLAGS, *extra, "-o", str(fresh), *ext.sources, "-ldl"])
        fresh.replace(target)


# Without the interpreter's headers threads are still observed, tasks and greenlets are not. With them, failing to build is an error.
has_headers = Path(sysconfig.get_paths()["include"], "Python.h").exists()
parts = [
    Extension(LIBRARY, sources("preload"), depends=HEADERS),
    Extension(
        "app.probe._hooks",
        sources("hooks"),
        depends=HEADERS,
        extra_compile_args=EXTENSION_FLAGS,
        optional=not has_headers,
    ),
]

packages = find_namespace_packages(include=["app", "app.*"], exclude=["*.__pycache__", "app.probe.preload", "app.probe.hooks"])

setup(
    packages=[*packages, "app._static", "app._templates"],
    package_dir={"app._static": "static", "app._templates": "templates"},
    package_data={"app._static": ["**/*"], "app._templates": ["**/*"], "app.experiments.samples": ["*.sched"]},
    include_package_data=False,
    ext_modules=[part for part in parts if part.sources],
    cmdclass={"build_ext": BuildProbe},
)
