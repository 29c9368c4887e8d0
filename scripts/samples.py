"""Makes the sample recordings: every experiment really run, with its defaults, by a worker in the sandbox (`make samples`).

python scripts/samples.py [ID …]     app/experiments/samples/ID.sched, of all experiments or of those named

What this machine cannot run (no broker, no such interpreter, an unexpected outcome) keeps the sample it had, and is named.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import resources
from app.broker.installation import BrokerError
from app.broker.lease import KeeperProcess
from app.catalogue import Catalogue, Experiment
from app.core.expectations import expectations
from app.core.recording import read
from app.recorder import interpreters
from app.recorder.calibration import calibrate
from app.web.requirements import missing
from app.web.settings import Settings

GOOD = {"finished", "time limit"}  # an experiment may be about never coming to its end
MOST_BYTES = 1_000_000


def python_for(experiment: Experiment) -> str | None:
    """The interpreter that the experiment requires; None for this one."""
    found = interpreters.free_threaded() if "free-threaded" in experiment.header.requires else None
    return found.python if found else None


def broker_for(experiment: Experiment, keeper: KeeperProcess) -> dict[str, Any] | None:
    """What the worker is told of a broker; the first experiment that wants one starts it."""
    requires = experiment.header.requires
    return {"keeper": keeper.socket_path(), "whole": "broker-crash" in requires} if "broker" in requires else None


def carry_out(experiment: Experiment, recording: Path, keeper: KeeperProcess) -> dict[str, Any]:
    """One run by a worker of its own; the worker's last message."""
    values = experiment.validate({})
    job = {
        "run": "sample",
        "recording": str(recording),
        "name": experiment.path.name,
        "source": experiment.source,
        "argv": experiment.argv(values),
        "experiment": experiment.id,
        "parameters": values,
        "limits": experiment.header.limits,
        "trusted": False,
        "script_path": None,
        "python": python_for(experiment),
        "cwd": None,
        "slot": 899,
        "calibration": calibrate() if experiment.header.cpu_bound else None,
        "broker": broker_for(experiment, keeper),
    }
    command = [sys.executable, "-m", "app.worker"]
    with subprocess.Popen(
        command, cwd=resources.IMPORT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()  # and left open: its end would be an order to stop
        return [json.loads(line) for line in worker.stdout][-1]


def make_sample(experiment: Experiment, folder: Path, keeper: KeeperProcess) -> str:
    """Runs it and keeps the recording when it is good; what is to be said of it."""
    if lacking := missing(experiment.header.requires, Settings()):
        return f"not made: this machine lacks {', '.join(lacking)}"
    with tempfile.TemporaryDirectory() as place:
        recording = Path(place) / "run.sched"
        try:
            outcome = carry_out(experiment, recording, keeper).get("outcome")
        except BrokerError as error:
            return f"not made: {error}"
        data = recording.read_bytes()
        read_back = read([data])
    fails = [one["check"] for one in expectations(read_back) if one["verdict"] == "fails"]
    if outcome not in GOOD or (read_back.end or {}).get("dropped"):
        return f"not kept: {outcome}, {(read_back.end or {}).get('dropped')} records lost"
    if len(data) > MOST_BYTES:
        return f"not kept: {len(data)} bytes are more than {MOST_BYTES}"
    (folder / f"{experiment.id}.sched").write_bytes(data)
    return f"{len(data) / 1000:.0f} kB" + (f"; not as expected: {', '.join(fails)}" if fails else "")


def main(wanted: list[str]) -> int:
    """0 when every wanted experiment has a sample."""
    folder = resources.samples_dir()
    folder.mkdir(exist_ok=True)
    experiments = [one for one in Catalogue.load(resources.experiments_dir()).experiments if not wanted or one.id in wanted]
    keeper = KeeperProcess()
    try:
        for experiment in experiments:
            print(f"{experiment.id}: {make_sample(experiment, folder, keeper)}", flush=True)
    finally:
        keeper.close()
    return 0 if all((folder / f"{one.id}.sched").exists() for one in experiments if not one.header.requires) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
