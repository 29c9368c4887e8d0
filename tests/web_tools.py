"""Tools of the web's tests: experiments in a folder of their own, real servers on free ports, and viewers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from app.core.blocks import Block, BlockKind, Decoder
from app.store import Store

ROOT = Path(__file__).resolve().parent.parent
NO_WARM_BROKER = {"SCHEDSCOPE_WARM_BROKER": "0"}
EVERY_ADMISSION = {"SCHEDSCOPE_RUNS_PER_MINUTE": "10000", "SCHEDSCOPE_WAITING_PER_CLIENT": "10000"}
PLAIN = (sys.executable, str(ROOT / "tests/web_plain.py"), "serve")
"""Runs experiments without a sandbox: what most tests of the web need."""
SANDBOXED = (sys.executable, "-m", "app", "serve")

HEADER = '''"""
id = "{id}"
topic = "{topic}"
order = {order}
title = {{ zh = "标题", en = "Title of {id}" }}
note = {{ zh = "说明", en = "A note" }}
shows = {{ zh = "一句话", en = "One line" }}
source = "the course"
{extra}

[question]
text = {{ zh = "问", en = "What?" }}
answers = [ {{ zh = "甲", en = "A" }}, {{ zh = "乙", en = "B" }} ]
correct = 0
explanation = {{ zh = "因为", en = "Because" }}
{parameters}
"""
'''
COUNT = """
[[parameters]]
name = "count"
kind = "int"
default = 3
minimum = 1
maximum = 100000
title = { zh = "次数", en = "How many" }
"""
PRINTS = """import sys
count = int(sys.argv[2])
for i in range(count):
    print("line", i, flush=True)
"""
WAITS = """import sys, time
print("began", flush=True)
time.sleep(3600)
"""


def write_experiment(
    folder: Path,
    experiment_id: str,
    body: str = "",
    *,
    topic: str = "gevent",
    order: int = 1,
    extra: str = "",
    parameters: str = "",
) -> Path:
    """A script with a header that holds, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment_id.replace('-', '_')}.py"
    header = HEADER.format(id=experiment_id, topic=topic, order=order, extra=extra, parameters=parameters)
    path.write_text(header + body, "utf-8")
    return path


class RunningServer:
    """`schedscope serve` as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self.http = httpx.Client(base_url=url, timeout=60.0)

    def start_run(self, experiment: str, **parameters: Any) -> tuple[str, str]:
        """Id and delete token of a new run."""
        answer = self.http.post("/api/runs", json={"experiment": experiment, "parameters": parameters})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"], answer.json()["delete_token"]

    def watch(self, run: str, offset: int = 0, **options: Any) -> Any:
        """A viewer's connection."""
        return connect(f"{self.url.replace('http', 'ws')}/api/runs/{run}/live?from={offset}", max_size=None, **options)


def receive_all(viewer: Any) -> tuple[bytes, list[dict[str, Any]]]:
    """Everything a viewer is sent until the server closes: the bytes, and what was said."""
    data, said = bytearray(), []
    for message in viewer:
        if isinstance(message, bytes):
            data += message
        else:
            said.append(json.loads(message))
    return bytes(data), said


def blocks_of(data: bytes) -> list[Block]:
    """A recording, decoded; every byte must belong to a whole block."""
    decoder = Decoder()
    decoder.receive_data(data)
    blocks = list(decoder.blocks())
    assert decoder.consumed_bytes == len(data)
    return blocks


def output_of(data: bytes) -> bytes:
    """What the program printed, as recorded."""
    return b"".join(block.output()[1] for block in blocks_of(data) if block.kind is BlockKind.OUTPUT)


@contextmanager
def serving(folder: Path, program: Sequence[str] = PLAIN, **environment: str) -> Iterator[RunningServer]:
    """A server on a free port: data in `folder/data`, experiments in `folder/experiments`; it is stopped in order."""
    command = [*program, "--port", "0", "--data", str(folder / "data")]
    variables = {**os.environ, "SCHEDSCOPE_EXPERIMENTS_DIR": str(folder / "experiments"), **EVERY_ADMISSION, **NO_WARM_BROKER}
    variables |= environment
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Schedscope on http"), line
            # Its access log must go somewhere: a full pipe would stop the server.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            server = RunningServer(process, line.split()[-1])
            with server.http:
                yield server
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def serving_course(folder: Path, **environment: str) -> Iterator[RunningServer]:
    """A server with three experiments: `prints` (count), `waits` (prints a line, then sleeps), `fails` (exit status 3)."""
    write_experiment(folder / "experiments", "prints", PRINTS, order=1, parameters=COUNT)
    write_experiment(folder / "experiments", "waits", WAITS, order=2, topic="gil")
    write_experiment(folder / "experiments", "fails", "raise SystemExit(3)\n", order=3, topic="gil")
    with serving(folder, **environment) as server:
        yield server


def wait_output(viewer: Any, text: bytes) -> bytes:
    """Take messages until the recording has this in its output; the bytes so far."""
    data, decoder, output = bytearray(), Decoder(), bytearray()
    for message in viewer:
        if isinstance(message, bytes):
            data += message
            decoder.receive_data(message)
            output += b"".join(block.output()[1] for block in decoder.blocks() if block.kind is BlockKind.OUTPUT)
            if text in output:
                return bytes(data)
    raise AssertionError(f"the run ended without {text!r}")


def store_recording(folder: Path, recording: bytes, name: str = "demo.py") -> str:
    """Lays a finished recording into `folder/data`, as a run of its own; its id. For a server that is started afterwards."""
    decoder = Decoder()
    decoder.receive_data(recording)
    end = next((block.document() for block in decoder.blocks() if block.kind is BlockKind.END), None)
    store = Store(folder / "data")
    store.open()
    try:
        run, _token = store.create(experiment=None, name=name, parameters={}, source_sha256="", now_s=time.time())
        store.recording_path(run.id).write_bytes(recording)
        outcome = end["outcome"] if end else "interrupted"
        store.mark_running(run.id, time.time())
        store.mark_ended(run.id, outcome, end, len(recording), time.time())
    finally:
        store.close()
    return run.id
