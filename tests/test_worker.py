"""The worker protocol, spoken to real workers over real pipes."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.blocks import BlockKind
from tests.web_tools import ROOT, blocks_of, output_of

WAITS = "import time\nprint('began', flush=True)\ntime.sleep(3600)\n"


@contextmanager
def worker() -> Iterator[subprocess.Popen[str]]:
    """A worker that has said it is ready."""
    command = [sys.executable, "-m", "app.worker"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert hear(process) == {"ready": True}
        yield process
        if process.stdin:
            process.stdin.close()
        process.wait(60)


def say(process: subprocess.Popen[str], **message: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


def hear_all(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Everything up to the outcome."""
    heard = [hear(process)]
    while "outcome" not in heard[-1]:
        heard.append(hear(process))
    return heard


def job(folder: Path, source: str, **changes: Any) -> dict[str, Any]:
    script = folder / "script.py"
    script.write_text(source)
    trusted = {"trusted": True, "script_path": str(script), "cwd": str(folder), "python": None, "slot": 0}
    about = {"run": "r", "recording": str(folder / "r.sched"), "name": "script.py", "source": source, "argv": []}
    return about | {"experiment": None, "parameters": {}, "limits": {}} | trusted | changes


def test_a_run_from_ready_to_done(tmp_path: Path) -> None:
    with worker() as process:
        say(process, **job(tmp_path, "import sys\nprint(sys.argv[1:])\nsys.exit(3)\n", argv=["--n", "2"], parameters={"n": 2}))
        heard = hear_all(process)
        assert process.wait(60) == 0
    data = (tmp_path / "r.sched").read_bytes()
    assert [message["started"] > 0 for message in heard if "started" in message] == [True]
    sizes = [message["size_bytes"] for message in heard if "size_bytes" in message]
    assert sizes == sorted(sizes)
    ends = {0, *(end for _, end in blocks_with_ends(data))}
    assert ends >= set(sizes)
    assert heard[-1] == {
        "outcome": "program error",
        "exit_code": 3,
        "size_bytes": len(data),
        "end": blocks_of(data)[-1].document(),
    }
    assert output_of(data) == b"['--n', '2']\n"


def blocks_with_ends(data: bytes) -> Iterator[tuple[BlockKind, int]]:
    from app.core.blocks import Decoder

    decoder = Decoder()
    decoder.receive_data(data)
    for block in decoder.blocks():
        yield block.kind, decoder.consumed_bytes


@pytest.mark.parametrize(("hang_up", "outcome"), [(False, "cancelled"), (True, "interrupted")])
def test_an_order_ends_the_run_and_the_recording_says_which(tmp_path: Path, hang_up: bool, outcome: str) -> None:
    with worker() as process:
        say(process, **job(tmp_path, WAITS))
        while b"began" not in (tmp_path / "r.sched").read_bytes() if (tmp_path / "r.sched").exists() else True:
            hear(process)
        if hang_up:
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None
        else:
            say(process, cancel=True)
        assert hear_all(process)[-1]["outcome"] == outcome
    end = blocks_of((tmp_path / "r.sched").read_bytes())[-1]
    assert (end.kind, end.document()["outcome"]) == (BlockKind.END, outcome)


def test_a_worker_without_a_job_goes_when_the_server_does() -> None:
    with worker() as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
        process.stdin = None


def test_nobody_repairs_a_recording_that_is_being_written(tmp_path: Path) -> None:
    with worker() as process:
        say(process, **job(tmp_path, WAITS))
        hear(process)
        with (tmp_path / "r.sched").open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        say(process, cancel=True)
        hear_all(process)
        process.wait(60)
    with (tmp_path / "r.sched").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_script_cannot_speak_in_the_workers_name(tmp_path: Path) -> None:
    forges = (
        'import os\nfor fd in range(200):\n    try: os.write(fd, b\'{"outcome": "forged"}\\n\')\n    except OSError: pass\n'
    )
    with worker() as process:
        say(process, **job(tmp_path, forges))
        heard = hear_all(process)
    assert [message["outcome"] for message in heard if "outcome" in message] == ["finished"]


def test_a_job_that_cannot_be_carried_out_is_our_fault_and_recorded(tmp_path: Path) -> None:
    with worker() as process:
        say(process, **job(tmp_path, "", cwd=str(tmp_path / "nowhere")))
        assert hear_all(process)[-1]["outcome"] == "sandbox fault"
        assert process.wait(60) == 1
    header, end = blocks_of((tmp_path / "r.sched").read_bytes())
    assert header.document()["script"]["name"] == "script.py"
    assert "nowhere" in end.document()["message"]


def test_a_limit_is_named_with_its_bound(tmp_path: Path) -> None:
    with worker() as process:
        say(process, **job(tmp_path, "print('x' * 5000)\n" + WAITS, limits={"output_bytes": 2000}))
        end = hear_all(process)[-1]["end"]
    assert (end["outcome"], end["limit"], end["bound"]) == ("output limit", "output_bytes", 2000)


@pytest.mark.sandbox
def test_an_untrusted_job_is_in_the_sandbox(tmp_path: Path) -> None:
    looks = f"import os\nprint(os.path.exists({str(tmp_path)!r}), os.getpid() < 100, __file__)\n"
    with worker() as process:
        say(process, **job(tmp_path, looks, trusted=False, limits={"wall_s": 20}, slot=1))
        assert hear_all(process)[-1]["outcome"] == "finished"
    data = (tmp_path / "r.sched").read_bytes()
    header = blocks_of(data)[0].document()
    assert output_of(data) == f"False True {header['script']['path']}\n".encode()
    assert (header["sandbox"], header["limits"]["wall_s"]) == ("bubblewrap", 20)


@pytest.mark.parametrize(("experiment", "outcome"), [("prints", "finished"), (None, "sandbox fault")])
def test_without_a_sandbox_only_the_catalogues_own_run(tmp_path: Path, experiment: str | None, outcome: str) -> None:
    hidden = "import app.sandbox.launch as launch; launch.bubblewrap = lambda: None; from app import worker; worker.main()"
    command = [sys.executable, "-c", hidden]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert hear(process) == {"ready": True}
        say(process, **job(tmp_path, "print('ran')\n", trusted=False, experiment=experiment))
        assert hear_all(process)[-1]["outcome"] == outcome
    data = (tmp_path / "r.sched").read_bytes()
    assert output_of(data) == (b"ran\n" if experiment else b"")
    assert blocks_of(data)[0].document()["sandbox"].startswith("none: ")
