"""The run's control group: found only where it is delegated; its files and its end. No machine of ours delegates one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.core.records import Outcome
from app.sandbox import cgroup
from app.sandbox.launch import bubblewrap
from app.sandbox.limits import MIB, Limits
from app.sandbox.outcome import Exit, outcome_of
from tests.sandboxed import held

OWN = "9:name=systemd:/\n4:memory:/elsewhere\n0::/system.slice/schedscope.service/server\n"
SERVICE = "system.slice/schedscope.service"


def hierarchy(root: Path, enabled: dict[str, str]) -> Path:
    """Folders that look like control groups with these controllers enabled for their children."""
    for name, controllers in enabled.items():
        (root / name).mkdir(parents=True)
        (root / name / "cgroup.subtree_control").write_text(controllers + "\n")
        (root / name / "cgroup.procs").touch()
    return root


@pytest.mark.parametrize(
    ("enabled", "found"),
    [
        ({SERVICE: "cpu memory pids", f"{SERVICE}/server": ""}, SERVICE),
        ({SERVICE: "", f"{SERVICE}/server": "memory pids"}, f"{SERVICE}/server"),
        ({SERVICE: "memory", f"{SERVICE}/server": ""}, None),  # pids is missing
        ({"system.slice": "memory pids", SERVICE: "", f"{SERVICE}/server": ""}, None),  # not ours: further up
        ({}, None),
    ],
)
def test_a_subtree_is_used_when_both_controllers_are_enabled_next_to_us(
    enabled: dict[str, str], found: str | None, tmp_path: Path
) -> None:
    assert cgroup.subtree(OWN, hierarchy(tmp_path, enabled), 1000) == (found and tmp_path / found)


def test_no_hierarchy_and_a_group_outside_of_ours_are_no_subtree(tmp_path: Path) -> None:
    hierarchy(tmp_path, {"inner": "memory pids"})
    assert cgroup.subtree("4:memory:/inner\n", tmp_path, 1000) is None
    assert cgroup.subtree("0::/../inner\n", tmp_path, 1000) is None
    assert (
        cgroup.subtree("0::/\n", tmp_path / "inner", 1000) == tmp_path / "inner"
    )  # a container sees its own group as the root


def test_what_root_can_write_to_is_not_yet_delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = hierarchy(tmp_path, {SERVICE: "memory pids", f"{SERVICE}/server": ""})
    assert cgroup.subtree(OWN, root, 0) is None
    monkeypatch.setattr(os, "getxattr", lambda _path, name: b"1" if name == "trusted.delegate" else b"0")
    assert cgroup.subtree(OWN, root, 0) == root / SERVICE


def test_the_groups_limits_leave_room_for_what_is_ours() -> None:
    assert cgroup.settings(Limits(memory_bytes=128 * MIB, processes=40)) == {
        "memory.max": (128 + 256 + 64) * MIB,
        "memory.oom.group": 1,
        "pids.max": 42,
    }


def test_events_are_what_the_kernel_counted(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n")
    group = cgroup.Group(tmp_path)
    assert group.events() == cgroup.Events(out_of_memory=3)
    (tmp_path / "pids.events").write_text("max 7\n")
    assert group.events() == cgroup.Events(3, 7)
    group.close()


def test_a_group_that_ran_out_of_memory_is_the_memory_limit() -> None:
    for ended in (Exit(), Exit(signal=9)):
        assert outcome_of(ended, 1, Limits(), out_of_memory=True)[0] is Outcome.MEMORY_LIMIT
    assert outcome_of(Exit(code=0), 1, Limits(), out_of_memory=True)[0] is Outcome.FINISHED  # it was a child's, and borne
    assert outcome_of(Exit(), 1, Limits())[0] is Outcome.FAULT


def test_a_group_that_cannot_be_limited_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(PermissionError):
        cgroup.Group.of_run(tmp_path, Limits())
    assert list(tmp_path.iterdir()) == []


def test_groups_of_workers_that_are_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"schedscope-{gone.pid}-0").mkdir()
    (tmp_path / f"schedscope-{os.getpid()}-x").mkdir()
    (tmp_path / "another").mkdir()
    monkeypatch.setattr(cgroup, "settings", lambda _limits: {"cgroup.procs": 0})
    monkeypatch.setattr(cgroup, "_numbers", iter([5]))
    group = cgroup.Group.of_run(tmp_path, Limits())
    assert {path.name for path in tmp_path.iterdir()} == {
        f"schedscope-{os.getpid()}-x",
        f"schedscope-{os.getpid()}-5",
        "another",
    }
    group.close()


UNIFIED = next((root for root in cgroup.ROOTS if os.access(root / "cgroup.procs", os.W_OK)), None)


@pytest.mark.skipif(UNIFIED is None, reason="no cgroup v2 hierarchy that may be written to")
def test_a_real_group_is_entered_killed_and_removed() -> None:
    assert UNIFIED
    path = UNIFIED / f"schedscope-test-{os.getpid()}"
    path.mkdir()
    group = cgroup.Group(path)
    try:
        command = ["sh", "-c", "echo 0 >&3; exec 3>&-; setsid sh -c 'kill -STOP $$' & trap '' TERM; echo in; wait"]
        child = subprocess.Popen(
            ["sh", "-c", f"exec 3>/proc/self/fd/{group.procs_fd}; exec \"$@\"", "sh", *command],
            stdout=subprocess.PIPE, pass_fds=[group.procs_fd],
        )  # fmt: skip
        assert child.stdout
        assert child.stdout.readline() == b"in\n"
        assert str(child.pid) in (path / "cgroup.procs").read_text().split()
        group.kill()
        assert child.wait() == -9
        assert child.stdout.read() == b""  # the one in a session of its own is gone too
        child.stdout.close()
    finally:
        group.close()
    assert not path.exists()


@pytest.mark.skipif(
    UNIFIED is None or bubblewrap() is None, reason="no cgroup v2 hierarchy that may be written to, or no bubblewrap"
)
def test_a_run_is_in_its_group_from_the_first_process_on_and_the_group_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert UNIFIED
    monkeypatch.setattr(cgroup, "delegated", lambda: UNIFIED)
    monkeypatch.setattr(cgroup, "settings", lambda _limits: {})  # no controllers here: the group alone
    made = f"schedscope-{os.getpid()}-*"
    with held("import os, signal; os.fork() or os.setsid(); print('up', flush=True); signal.pause()"):
        (path,) = UNIFIED.glob(made)
        assert len((path / "cgroup.procs").read_text().split()) == 4  # bubblewrap, the stage, the script and its child
    assert list(UNIFIED.glob(made)) == []
