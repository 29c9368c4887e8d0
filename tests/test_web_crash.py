"""The server may end at any moment: what was recorded stays, and every run comes to rest."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from app.core.blocks import BlockKind
from tests.web_tools import PLAIN, RunningServer, blocks_of, output_of, receive_all, serving_course, wait_output


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found, todo = [], [pid]
    while todo:
        todo += (below := children.get(todo.pop(), []))
        found += below
    return found


def wait_gone(pids: list[int]) -> None:
    """Block until every process has ended (a descriptor of a process is readable then)."""
    import select

    for pid in pids:
        try:
            file = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(file, "rb"):
            assert select.select([file], [], [], 60)[0], f"process {pid} is still there"


def start_and_wait(server: RunningServer) -> tuple[str, bytes]:
    run, _ = server.start_run("waits")
    with server.watch(run) as viewer:
        return run, wait_output(viewer, b"began\n")


def check_kept(server: RunningServer, run: str, seen: bytes) -> None:
    """The run is there, interrupted, with what had been recorded, and every viewer gets it."""
    row = server.http.get(f"/api/runs/{run}").json()
    assert (row["state"], row["outcome"]) == ("interrupted", "interrupted")
    recording = server.http.get(f"/api/runs/{run}/recording").content
    assert len(recording) == row["size_bytes"]
    assert recording.startswith(seen)
    assert output_of(recording) == b"began\n"
    with server.watch(run) as viewer:
        data, said = receive_all(viewer)
    assert data == recording
    assert said[-1]["state"] == "interrupted"


def test_a_server_killed_in_the_middle_of_a_run(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_SLOTS="1") as server:
        run, seen = start_and_wait(server)
        queued, _ = server.start_run("waits")
        below = descendants(server.process.pid)
        assert len(below) >= 3  # the worker, its script, a spare
        server.process.kill()
        server.process.wait()
    with serving_course(tmp_path) as server:
        wait_gone(below)  # nothing the old server started outlives it
        check_kept(server, run, seen)
        end = blocks_of(server.http.get(f"/api/runs/{run}/recording").content)[-1]
        assert (end.kind, end.document()["outcome"]) == (BlockKind.END, "interrupted")  # the worker saw to that
        row = server.http.get(f"/api/runs/{queued}").json()
        assert (row["state"], row["size_bytes"]) == ("interrupted", 0)
        assert server.http.get(f"/api/runs/{queued}/recording").status_code == 404
        again, _ = server.start_run("prints", count=1)
        with server.watch(again) as viewer:
            assert receive_all(viewer)[1][-1]["outcome"] == "finished"


def test_server_and_worker_killed_together_leave_whole_blocks(tmp_path: Path) -> None:
    with serving_course(tmp_path) as server:
        run, seen = start_and_wait(server)
        below = descendants(server.process.pid)
        for pid in [server.process.pid, *below]:
            os.kill(pid, signal.SIGKILL)
        server.process.wait()
    with (tmp_path / "data/runs" / f"{run}.sched").open("ab") as file:
        file.write(b"\x40\x00\x00\x00torn")
    with serving_course(tmp_path) as server:
        wait_gone(below)
        check_kept(server, run, seen)


def test_a_server_that_is_stopped_interrupts_its_runs(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_SLOTS="1") as server:
        run, seen = start_and_wait(server)
        queued, _ = server.start_run("waits")
        below = descendants(server.process.pid)
        server.process.terminate()
        assert server.process.wait(60) == 0
        wait_gone(below)
    with serving_course(tmp_path) as server:
        check_kept(server, run, seen)
        assert server.http.get(f"/api/runs/{queued}").json()["state"] == "interrupted"


def test_a_worker_that_dies_is_our_fault_and_costs_no_slot(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_SLOTS="1") as server:
        run, _ = server.start_run("waits")
        with server.watch(run) as viewer:
            seen = wait_output(viewer, b"began\n")
            for pid in descendants(server.process.pid):
                os.kill(pid, signal.SIGKILL)
            rest, said = receive_all(viewer)
        assert said[-1] == {"state": "finished", "outcome": "sandbox fault", "position": 0, "behind_bytes": 0}
        assert server.http.get(f"/api/runs/{run}/recording").content == seen + rest
        again, _ = server.start_run("prints", count=1)  # the dead spare is passed over
        with server.watch(again) as viewer:
            assert receive_all(viewer)[1][-1]["outcome"] == "finished"


def test_two_servers_do_not_share_a_data_directory(tmp_path: Path) -> None:
    with serving_course(tmp_path) as server:
        run, seen = start_and_wait(server)
        second = subprocess.run([*PLAIN, "--port", "0", "--data", str(tmp_path / "data")], capture_output=True, text=True)
        assert second.returncode != 0
        assert "another server uses" in second.stderr
        assert server.http.get(f"/api/runs/{run}").json()["state"] == "running"
        assert seen
