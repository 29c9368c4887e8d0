"""What scripts/interpreters.py checks, on every other CPython of this machine: their GILs, also those of subinterpreters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import extension, interpreters, probe
from scripts.interpreters import check, check_own, has_own
from tests.observed import observe, others, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


OTHERS = pytest.mark.parametrize("python", others() or [pytest.param("", marks=pytest.mark.skip(reason="there are no others"))])


@OTHERS
def test_the_gil_of_another_interpreter_is_seen(python: str, tmp_path: Path) -> None:
    assert check(python, tmp_path)


@OTHERS
def test_a_subinterpreters_own_gil_has_a_lane_and_its_holder_is_not_shown_without_one(python: str, tmp_path: Path) -> None:
    if not has_own(python):
        pytest.skip("it has none")
    why = extension.missing(interpreters.ask(python))
    assert ("not observed" in check_own(python, tmp_path)) == bool(why)


@OTHERS
def test_without_an_extension_its_holder_is_not_shown_without_one_either(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_own(python):
        pytest.skip("it has none")
    boot = tmp_path / "probe/boot"
    shutil.copytree(probe.BOOT, boot)
    monkeypatch.setattr(probe, "BOOT", boot)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    extension.folder.cache_clear()
    try:
        assert check_own(python, tmp_path)
    finally:
        extension.folder.cache_clear()


@OTHERS
def test_its_extension_is_built_when_it_is_first_asked_for(
    python: str, script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caches = (extension.folder, extension.missing)
    for kept in caches:
        kept.cache_clear()
    source = "import threading\nt = threading.Timer(0.05, print)\nt.name = 'called so'\nt.start()\nt.join()\n"
    try:
        run = observe(script(source), python=[python])
    finally:
        for kept in caches:
            kept.cache_clear()
    observers = run.json["header"]["observers"]
    if observers["lines"] != "exact":
        assert observers["lines"].startswith("unavailable: _hooks")
        assert observers["threads"] == "exact"
        pytest.skip(observers["lines"])
    main, other = run.lanes(LaneKind.THREAD)
    assert other.name == "called so"
    joins = [detail for _t, _end, detail in run.waits(main.id, "lock") if detail.get("text") == "Thread.join"]
    assert {detail["line"] for detail in joins} == {5}
    assert {(detail["object"], detail["holder"]) for detail in joins} == {("Thread called so", other.id)}


def test_without_its_headers_the_reason_is_said() -> None:
    said = {"implementation": "CPython", "version": "3.99.0", "free_threaded": False}
    bare = interpreters.Interpreter("/opt/python3.99", said, (), ".cpython-399-x86_64-linux-gnu.so", "/opt/none")
    assert (
        extension.missing(bare)
        == "_hooks.cpython-399-x86_64-linux-gnu.so is not built: the headers of /opt/python3.99 are not installed"
    )
