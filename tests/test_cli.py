"""The command line as a user meets it: real processes, real files, real exit statuses."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from app.cli.command_line import Divided, divide
from app.core.blocks import BlockKind
from app.core.records import Stream
from app.recorder import folders
from tests.web_tools import ROOT, blocks_of, output_of, receive_all

SCHEDSCOPE = [sys.executable, "-m", "app"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def schedscope(*words: str | Path, cwd: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [*SCHEDSCOPE, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, input=text, capture_output=True, text=True, timeout=100)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(
        "import json, sys\n"
        "print(json.dumps(sys.argv[1:]))\n"
        "print('to stderr', file=sys.stderr)\n"
        "print(sys.stdin.read().upper(), end='')\n"
        "sys.exit(int(sys.argv[1]))\n"
    )
    return path


VALUED, FLAGS = ("-o", "--output", "--python"), ("--sandbox",)


@pytest.mark.parametrize(
    ("line", "ours", "script"),
    [
        ("f.py -o x", "-o x", ""),
        ("-o x f.py", "-o x", ""),
        ("--output=x f.py a", "--output=x", "a"),
        ("f.py --threads 4 -o x", "-o x", "--threads 4"),
        ("f.py --threads 4 --output=x", "--output=x", "--threads 4"),
        ("f.py a --sandbox -o x", "--sandbox -o x", "a"),
        ("f.py a -o x --sandbox --python p", "-o x --sandbox --python p", "a"),
        ("f.py -o x a", "-o x", "a"),
        ("f.py a --output=x b -o", "--output=x", "a b -o"),
        ("f.py a -o x b -- -o y", "-o x", "a b -- -o y"),
        ("f.py -o", "", "-o"),
        ("f.py --python -o x", "-o x", "--python"),
        ("f.py -o a -o x", "-o a -o x", ""),
        ("f.py --sandbox", "", "--sandbox"),
        ("-o x f.py -o y", "-o x", "-o y"),
        ("-o x f.py --sandbox", "-o x", "--sandbox"),
        ("-o x f.py -- -o y", "-o x", "-o y"),
        ("-o x -- f.py -o y", "-o x", "-o y"),
        ("f.py -- -o x", "", "-o x"),
        ("f.py a -- -o x", "", "a -- -o x"),
        ("--sandbox f.py b -o x", "--sandbox -o x", "b"),
    ],
)
def test_a_line_is_divided_between_us_and_the_script(line: str, ours: str, script: str) -> None:
    divided = divide(line.split(), VALUED, FLAGS, ("-o", "--output"))
    assert divided == Divided(ours.split(), "f.py", script.split())


def test_a_line_without_a_file() -> None:
    assert divide(["-o", "x"], VALUED, FLAGS, ("-o",)).file is None
    assert divide(["-o", "x", "--"], VALUED, FLAGS, ("-o",)).file is None


def test_record_keeps_input_output_and_exit_status(script: Path, tmp_path: Path) -> None:
    done = schedscope("record", script, "7", "--flag", "-o", "run.sched", cwd=tmp_path, text="words\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, '["7", "--flag"]\nWORDS\n', "to stderr\n")
    data = (tmp_path / "run.sched").read_bytes()
    blocks = blocks_of(data)
    header, end = blocks[0].document(), blocks[-1].document()
    assert header["script"]["path"] == str(script)
    assert (header["argv"], header["sandbox"]) == (["7", "--flag"], "none: the script is its owner's")
    assert (end["outcome"], end["exit_code"]) == ("program error", 7)
    said = [block.output() for block in blocks if block.kind is BlockKind.OUTPUT]  # a line may come in two pieces
    assert b"".join(piece for stream, piece in said if stream == Stream.STDOUT) == b'["7", "--flag"]\nWORDS\n'
    assert b"".join(piece for stream, piece in said if stream == Stream.STDERR) == b"to stderr\n"


@pytest.mark.sandbox
def test_record_in_the_sandbox(tmp_path: Path) -> None:
    script = tmp_path / "snoop.py"
    script.write_text(f"import os, sys\nprint(os.path.exists({str(tmp_path)!r}), os.getpid() < 100)\nsys.exit(5)\n")
    done = schedscope("record", script, "-o", "run.sched", "--sandbox", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "False True\n")
    header = blocks_of((tmp_path / "run.sched").read_bytes())[0].document()
    assert header["sandbox"] == "bubblewrap"
    assert header["limits"]["processes"] > 0


@pytest.mark.sandbox
def test_record_in_the_sandbox_names_the_limit(tmp_path: Path) -> None:
    (tmp_path / "flood.py").write_text("while True: print('x' * 1000)\n")
    done = schedscope("record", "flood.py", "-o", "run.sched", "--sandbox", cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"schedscope record: output limit \(output_bytes 1\.04858e\+06\)", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nothing.py", "-o", "run.sched"], "nothing.py: No such file"),
        (["script.py", "0"], "-o/--output"),
        (["-o", "run.sched"], "FILE is missing"),
        (["script.py", "-o", "no/such/folder.sched"], "folder.sched: No such file"),
        (["script.py", "-o", "run.sched", "--python", "/bin/true"], "/bin/true is not a Python interpreter"),
        (["script.py", "-o", "run.sched", "--python", "/no/python"], "/no/python: No such file"),
        (["script.py", "-o", "run.sched", "--python", "python3", "--sandbox"], "--python is for scripts without it"),
    ],
)
def test_record_refuses_and_touches_nothing(script: Path, tmp_path: Path, words: list[str], named: str) -> None:
    (tmp_path / "run.sched").write_text("yesterday's")
    done = schedscope("record", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr
    assert (tmp_path / "run.sched").read_text() == "yesterday's"
    assert script.exists()


def test_record_of_a_script_killed_by_a_signal(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    assert schedscope("record", "dies.py", "-o", "x.sched", cwd=tmp_path).returncode == 128 + signal.SIGTERM
    end = blocks_of((tmp_path / "x.sched").read_bytes())[-1].document()
    assert (end["outcome"], end["signal"]) == ("signal", signal.SIGTERM)


def test_ctrl_c_is_the_scripts_and_the_recording_is_whole(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(
        "import sys, time\n"
        "try:\n"
        "    print('began', flush=True)\n"
        "    time.sleep(3600)\n"
        "except KeyboardInterrupt:\n"
        "    print('tidied up', flush=True)\n"
        "    sys.exit(9)\n"
    )
    ours, theirs = pty.openpty()
    command = [*SCHEDSCOPE, "record", "waits.py", "-o", "x.sched"]
    # Whoever started these tests in the background has had them ignore it, and what is ignored is inherited.
    controlling = ["env", "--default-signal=INT", "setsid", "--ctty", "--wait", *command]
    with subprocess.Popen(controlling, cwd=tmp_path, env=ENVIRONMENT, stdin=theirs, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"began\n"
        os.write(ours, b"\x03")
        assert process.stdout.read() == b"tidied up\n"
        assert process.wait(60) == 9
    os.close(ours)
    os.close(theirs)
    assert blocks_of((tmp_path / "x.sched").read_bytes())[-1].document()["exit_code"] == 9


def test_a_recorder_told_to_stop_finishes_the_recording(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("import time\nprint('began', flush=True)\ntime.sleep(3600)\n")
    command = [*SCHEDSCOPE, "record", "waits.py", "-o", "x.sched"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"began\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    assert blocks_of((tmp_path / "x.sched").read_bytes())[-1].document()["outcome"] == "cancelled"


def folder_of(recorder: subprocess.Popen[str]) -> Path:
    """Where the processes of this recorder's run make their rings: it holds that folder open."""
    held = [os.readlink(fd) for fd in Path(f"/proc/{recorder.pid}/fd").iterdir() if fd.exists()]
    (folder,) = [Path(path) for path in held if folders.PREFIX in path and Path(path).is_dir()]
    return folder


def test_what_a_killed_recorder_left_is_removed_by_the_next_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("print('here', flush=True)\ninput()\n")

    def start(name: str) -> subprocess.Popen[str]:
        words = [*SCHEDSCOPE, "record", "-o", name, "waits.py"]
        process = subprocess.Popen(
            words, cwd=tmp_path, env=ENVIRONMENT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        return process

    with start("killed.sched") as killed, start("lives.sched") as lives:
        left, used = folder_of(killed), folder_of(lives)
        killed.kill()
        killed.communicate()
        with start("next.sched") as following:
            following.communicate("\n")
        assert not left.exists()
        assert used.is_dir()
        lives.communicate("\n")
    assert (lives.returncode, following.returncode) == (0, 0)
    assert not used.exists()


def test_output_that_nobody_reads_any_more_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True: print('y' * 1000)\n")
    command = [*SCHEDSCOPE, "record", "endless.py", "-o", "x.sched"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(60) == 128 + signal.SIGPIPE


def test_export_to_a_file_and_to_standard_output(script: Path, tmp_path: Path) -> None:
    schedscope("record", script, "0", "-o", "run.sched", cwd=tmp_path)
    assert schedscope("export", "run.sched", "--format", "json", "-o", "run.json", cwd=tmp_path).returncode == 0
    document = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (document["format"], document["header"]["argv"]) == ("schedscope", ["0"])
    assert json.loads(schedscope("export", "run.sched", "--format", "json", cwd=tmp_path).stdout) == document
    begins = {"csv": "section,lane,", "svg": "<svg ", "html": "<!doctype html>", "facts": "{"}
    for kind, head in begins.items():
        assert schedscope("export", "run.sched", "--format", kind, cwd=tmp_path).stdout.startswith(head), kind
    assert schedscope("export", "run.sched", "--format", "perfetto", "-o", "run.pftrace", cwd=tmp_path).returncode == 0
    assert (tmp_path / "run.pftrace").read_bytes()[:1] == b"\n"  # field 1 of a Trace: a packet


@pytest.mark.parametrize(
    ("words", "status", "named"),
    [
        (["export", "nothing.sched", "--format", "json"], 2, "nothing.sched: No such file"),
        (["export", "script.py", "--format", "json"], 1, "not a Schedscope recording"),
        (["export", "script.py", "--format", "docx"], 2, "docx"),
        (["export", "script.py", "--format", "svg", "--width", "9"], 2, "--width is 9: it must be from 200 to 8000"),
        (["export", "script.py", "--format", "svg", "--start", "2", "--end", "1"], 2, "before --end"),
        (["fly"], 2, "no such command: fly"),
        ([], 2, "a command is missing"),
        (["run", "nothing.py"], 2, "nothing.py: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    script: Path, tmp_path: Path, words: list[str], status: int, named: str
) -> None:
    done = schedscope(*words, cwd=tmp_path)
    assert done.returncode == status
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert script.exists()


@pytest.mark.parametrize(
    "words", [["--help"], *([command, "--help"] for command in ("serve", "run", "record", "export", "doctor"))]
)
def test_every_command_has_help(tmp_path: Path, words: list[str]) -> None:
    done = schedscope(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert "usage: schedscope" in done.stdout


def test_doctor_says_what_is_there(tmp_path: Path) -> None:
    done = schedscope("doctor", cwd=tmp_path)
    rows = re.findall(r"^(yes|no ) +(observer|sandbox|broker) +([^:]+): (.+)$", done.stdout, re.MULTILINE)
    assert {room for _, room, _, _ in rows} == {"observer", "sandbox", "broker"}
    assert {"threads", "asyncio", "greenlets", "gil"} <= {name for _, _, name, _ in rows}
    assert done.returncode == (0 if all(held == "yes" for held, *_ in rows) else 1)
    assert all(text for *_, text in rows)


def test_run_opens_the_same_live_page(tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text("import os, sys\nprint('own', sys.argv[1:], os.getcwd(), os.environ['OWN'], input())\nsys.exit(4)\n")
    command = [*SCHEDSCOPE, "run", "--no-browser", "own.py", "--port", "9"]
    environment = {**ENVIRONMENT, "OWN": "mine"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("typed\n")
        process.stdin.flush()
        page = process.stdout.readline().split()[2]
        address, run = page.split("/runs/")
        with connect(f"{address.replace('http', 'ws')}/api/runs/{run}/live", max_size=None) as viewer:
            data, said = receive_all(viewer)
        assert said[-1]["outcome"] == "program error"
        assert output_of(data) == f"own ['--port', '9'] {tmp_path} mine typed\n".encode()
        assert blocks_of(data)[0].document()["script"]["path"] == str(script)
        answer = httpx.get(page, headers={"Accept": "text/html"})
        assert (answer.status_code, "own.py" in answer.text) == (200, True)
        process.send_signal(signal.SIGINT)
        _, heard = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "own ['--port', '9']" in heard
    assert "Traceback" not in heard
