"""Runs at rest: states, deletion, retention, and what is left of a run whose server died."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.blocks import MAGIC, BlockKind, RecordingError, encode_document, encode_output
from app.store import Run, RunDeletedError, RunUnknownError, State, Store, block_ends, read_whole, repair, sha256_of
from app.store.runs import StoreVersionError
from app.store.schema import meta, metadata, runs

HEAD = MAGIC + encode_document(BlockKind.HEADER, 1, {"format": "schedscope"})
OUTPUT = encode_output(2, 1, b"words of the program\n" * 50)
END = encode_document(BlockKind.END, 3, {"outcome": "finished", "exit_code": 0})


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own, on a socket in a folder of its own."""
    pytest.importorskip("psycopg")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "/none/initdb").parent]
    if not (programs[-1] / "initdb").exists():
        pytest.skip("needs PostgreSQL's initdb")
    user = pwd.getpwnam("postgres").pw_name if os.getuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="schedscope-pg-") as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        init = [programs[-1] / "initdb", "--pgdata", data, "--username", "tests", "--auth", "trust", "--no-sync"]
        subprocess.run(init, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
        options = f"-c listen_addresses= -c fsync=off -k {folder}"
        control = [programs[-1] / "pg_ctl", "--pgdata", data, "--wait", "--log", f"{folder}/log"]
        subprocess.run([*control, "--options", options, "start"], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
        try:
            yield f"postgresql://tests@/postgres?host={folder}"
        finally:
            stop = [*control, "--mode", "immediate", "stop"]
            subprocess.run(stop, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    store = Store(tmp_path / "data", url)
    store.open()
    try:
        yield store
    finally:
        metadata.drop_all(store._db)
        store.close()


def create(store: Store, now_s: float = 100.0) -> Run:
    return store.create(experiment="x", name="x.py", parameters={"n": 3}, source_sha256="0" * 64, now_s=now_s)[0]


def rest(store: Store, run: Run, data: bytes = HEAD + OUTPUT + END, outcome: str = "finished") -> Run:
    store.recording_path(run.id).write_bytes(data)
    return store.mark_ended(run.id, outcome, {"outcome": outcome}, len(data), 200.0)


def test_a_run_goes_through_its_states(store: Store) -> None:
    run, token = store.create(experiment="x", name="x.py", parameters={"n": 3}, source_sha256="0" * 64, now_s=1.5)
    assert (run.state, run.created_s, run.parameters, run.outcome) == (State.QUEUED, 1.5, {"n": 3}, None)
    store.mark_running(run.id, 2.5)
    assert (store.get(run.id).state, store.get(run.id).started_s) == (State.RUNNING, 2.5)
    ended = rest(store, run)
    assert (ended.state, ended.outcome, ended.ended_s) == (State.FINISHED, "finished", 200.0)
    assert ended.recording_sha256 == sha256_of(store.recording_path(run.id))
    assert store.token_fits(run.id, token)
    assert not store.token_fits(run.id, token[:-1])


def test_ids_and_tokens_cannot_be_guessed_and_the_token_is_not_kept(store: Store) -> None:
    made = [store.create(experiment=None, name="x", parameters={}, source_sha256="", now_s=0) for _ in range(50)]
    assert len({run.id for run, _ in made} | {token for _, token in made}) == 100
    assert all(len(run.id) >= 16 and run.id.replace("-", "").replace("_", "").isalnum() for run, _ in made)
    with store._db.connect() as db:
        kept = str(db.execute(runs.select()).all())
    assert all(run.id in kept and token not in kept for run, token in made)


def test_deleted_and_unknown_are_told_apart(store: Store) -> None:
    run = rest(store, create(store))
    store.delete(run.id, 300.0)
    assert not store.recording_path(run.id).exists()
    with store._db.connect() as db:
        kept = db.execute(runs.select()).one()
    assert (kept.parameters, kept.end_document, kept.size_bytes) == ({}, None, 0)  # nor what it was asked for and said
    for ask in (store.get, lambda run_id: store.token_fits(run_id, ""), lambda run_id: store.delete(run_id, 1.0)):
        with pytest.raises(RunDeletedError):
            ask(run.id)
        with pytest.raises(RunUnknownError):
            ask("never-was")


def test_what_the_last_server_left_is_put_to_rest(store: Store) -> None:
    queued, running, written, whole = create(store), create(store), create(store), rest(store, create(store))
    for run in (running, written):
        store.mark_running(run.id, 101.0)
    store.recording_path(running.id).write_bytes(HEAD + OUTPUT + OUTPUT[:-1])
    store.recording_path(written.id).write_bytes(HEAD + OUTPUT + END)
    again = Store(store.data_dir, store._url)
    again.open()
    assert set(again.recover(500.0)) == {queued.id, running.id, written.id}
    assert (again.get(queued.id).state, again.get(queued.id).size_bytes) == (State.INTERRUPTED, 0)
    cut = again.get(running.id)
    assert (cut.state, cut.outcome, cut.end, cut.size_bytes) == (State.INTERRUPTED, "interrupted", None, len(HEAD + OUTPUT))
    assert again.recording_path(running.id).read_bytes() == HEAD + OUTPUT
    kept = again.get(written.id)
    assert (kept.state, kept.outcome, kept.end) == (State.FINISHED, "finished", {"outcome": "finished", "exit_code": 0})
    assert again.get(whole.id) == whole
    assert again.recover(600.0) == []
    again.close()


@given(cut=st.integers(0, len(HEAD + OUTPUT + OUTPUT + END)))
def test_wherever_a_recording_is_torn_its_whole_blocks_stay(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "torn.sched"
    pieces = [HEAD, OUTPUT, OUTPUT, END]
    path.write_bytes(b"".join(pieces)[:cut])
    ends = [sum(map(len, pieces[: n + 1])) for n in range(4)]
    expected = max((end for end in ends if end <= cut), default=0)
    whole = repair(path)
    assert whole.size_bytes == expected
    assert (path.read_bytes() if path.exists() else b"") == b"".join(pieces)[:expected]
    assert (whole.end is not None) == (cut == ends[-1])


def test_whole_blocks_are_found_without_decoding_them() -> None:
    first, blocks = len(HEAD) - len(MAGIC), HEAD[len(MAGIC) :] + OUTPUT + END
    ends = [0, first, first + len(OUTPUT), len(blocks)]
    for limit in range(len(blocks) + 1):
        assert block_ends(blocks, limit) == max(end for end in ends if end <= limit)
    with pytest.raises(RecordingError, match=f"no block begins {first} bytes on"):
        block_ends(blocks[:first] + bytes(100), first + 100)


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 4096, OUTPUT[:24] + b"not deflated at all" * 50])
def test_a_tail_that_a_crashed_disk_left_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "x.sched"
    path.write_bytes(HEAD + OUTPUT + tail)
    assert repair(path).size_bytes == len(HEAD + OUTPUT)
    assert path.read_bytes() == HEAD + OUTPUT


@pytest.mark.parametrize("data", [b"", b"SCHED", b"something else altogether", MAGIC, MAGIC[:-1] + b"\x63" + HEAD[8:]])
def test_what_is_no_recording_leaves_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.sched"
    path.write_bytes(data)
    assert read_whole(path).end is None
    assert repair(path).size_bytes == 0
    assert not path.exists()
    assert repair(path).size_bytes == 0


def test_repair_waits_for_the_writer_and_never_cuts_under_it(tmp_path: Path) -> None:
    path = tmp_path / "x.sched"
    with path.open("wb", buffering=0) as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        writer.write(HEAD + OUTPUT[:-3])
        with pytest.raises(BlockingIOError):
            repair(path)
        repaired: list[int] = []
        waiting = threading.Thread(target=lambda: repaired.append(repair(path, wait_s=60).size_bytes))
        waiting.start()
        writer.write(OUTPUT[-3:] + END)
    waiting.join()
    assert repaired == [len(HEAD + OUTPUT + END)]


def test_retention_by_age_and_by_size(store: Store) -> None:
    old, middle, new = (rest(store, create(store, now_s=now_s)) for now_s in (100.0, 200.0, 300.0))
    going_on = create(store, now_s=50.0)
    assert store.expire(now_s=1000.0, retention_s=850.0, max_bytes=1 << 40) == [old.id]
    assert store.expire(now_s=1000.0, retention_s=850.0, max_bytes=new.size_bytes) == [middle.id]
    assert store.expire(now_s=1000.0, retention_s=850.0, max_bytes=new.size_bytes) == []
    assert store.get(new.id) == new
    assert store.get(going_on.id).state is State.QUEUED
    with pytest.raises(RunDeletedError):
        store.get(old.id)


def test_a_database_of_another_version_is_refused(store: Store) -> None:
    with store._db.begin() as db:
        db.execute(meta.update().values(value=99))
    with pytest.raises(StoreVersionError, match="schema 99"):
        Store(store.data_dir, store._url).open()
