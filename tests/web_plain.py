"""A server whose workers run the catalogue as trusted scripts: the web's own tests need no sandbox.

`python tests/web_plain.py serve ARGS…` is `schedscope serve ARGS…`; `python tests/web_plain.py worker` is its worker process.
Everything else is the real thing: the processes, the probe, the recorder, the files, the sockets.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import worker
from app.cli import main
from app.web import application, server


def plain_worker() -> int:
    """The real worker; only where it would compose a sandbox it starts the script as `schedscope run` does."""
    really_prepare = worker.prepare
    with tempfile.TemporaryDirectory() as folder:

        def prepare(job: worker.Job) -> worker.Prepared:
            script = Path(folder) / job["name"]
            script.write_text(job["source"], "utf-8")
            return really_prepare({**job, "trusted": True, "script_path": str(script)})

        worker.prepare = prepare
        return worker.main()


def plain_server(words: list[str]) -> int:
    """`schedscope serve` with such workers."""
    command = (sys.executable, str(Path(__file__).resolve()), "worker")
    server.create_app = functools.partial(application.create_app, worker_command=command)
    return main(["serve", *words])


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        os._exit(plain_worker())
    sys.exit(plain_server(sys.argv[2:]))
