"""The live view: however and whenever one looks, the bytes are the same."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from app.core.blocks import MAGIC, Decoder
from tests.web_tools import RunningServer, blocks_of, output_of, receive_all, serving_course, wait_output

MESSAGE_BYTES = 256 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serving_course(tmp_path_factory.mktemp("live"), SCHEDSCOPE_SLOTS="2") as server:
        yield server


def closing(server: RunningServer, run: str, offset: int = 0) -> int:
    """The code with which the server closes a viewer's connection."""
    with server.watch(run, offset) as viewer:
        with suppress(ConnectionClosed):
            for _ in viewer:
                pass
        assert viewer.protocol.close_code is not None
        return int(viewer.protocol.close_code)


def test_early_late_slow_and_resumed_viewers_end_with_the_same_bytes(server: RunningServer) -> None:
    run, _ = server.start_run("prints", count=20000)
    began, may_read = threading.Event(), threading.Event()

    def early() -> bytes:
        with server.watch(run) as viewer:
            seen = wait_output(viewer, b"line 0\n")
            began.set()
            return seen + receive_all(viewer)[0]

    def late() -> bytes:
        began.wait()
        with server.watch(run) as viewer:
            return receive_all(viewer)[0]

    def slow() -> bytes:
        with server.watch(run, max_queue=1) as viewer:
            first = viewer.recv()
            may_read.wait()  # until everybody else is done
            data, said = receive_all(viewer)
            assert isinstance(first, str)
            assert json.loads(first)["behind_bytes"] >= 0
            assert said[-1]["behind_bytes"] == 0
            return data

    def resumed() -> bytes:
        whole = b""
        while True:
            decoder, data = Decoder(), bytearray(whole)
            decoder.receive_data(whole)
            assert decoder.consumed_bytes == len(whole) or sum(1 for _ in decoder.blocks())
            with server.watch(run, len(whole), close_timeout=0.1) as viewer:
                for message in viewer:
                    if isinstance(message, bytes):
                        data += message
                        decoder.receive_data(message)
                        if sum(1 for _ in decoder.blocks()):
                            break  # hangs up after every block and comes back with its offset
                else:
                    return whole
            whole = bytes(data[: decoder.consumed_bytes])

    with ThreadPoolExecutor(8) as pool:
        slow_one = pool.submit(slow)
        others = [pool.submit(watch) for watch in (early, early, late, late, resumed)]
        try:
            seen = [viewer.result() for viewer in others]
        finally:
            may_read.set()
        seen.append(slow_one.result())
    recording = server.http.get(f"/api/runs/{run}/recording").content
    assert output_of(recording).count(b"\n") == 20000
    assert [data == recording for data in seen] == [True] * 6


def test_messages_are_whole_blocks_of_bounded_size_and_the_first_has_the_magic(server: RunningServer) -> None:
    run, _ = server.start_run("prints", count=20000)
    decoder, received, whole = Decoder(), 0, True
    with server.watch(run) as viewer:
        for message in viewer:
            if isinstance(message, str):
                continue
            assert message.startswith(MAGIC) == (received == 0)
            assert len(message) <= MESSAGE_BYTES
            decoder.receive_data(message)
            received += len(message)
            began_whole, found = whole, sum(1 for _ in decoder.blocks())
            whole = decoder.consumed_bytes == received
            # A block larger than a message comes alone, in full messages and a rest.
            assert whole or len(message) == MESSAGE_BYTES
            assert found == 1 or (began_whole and found > 1) or not whole
    assert whole
    assert received == server.http.get(f"/api/runs/{run}").json()["size_bytes"]


def test_a_viewer_hears_the_state_first_and_the_end_last(server: RunningServer) -> None:
    run, token = server.start_run("waits")
    with server.watch(run) as viewer:
        assert json.loads(viewer.recv())["state"] in ("queued", "running")
        wait_output(viewer, b"began\n")
        server.http.post(f"/api/runs/{run}/cancel", headers={"X-Delete-Token": token})
        heard = list(viewer)
    assert json.loads(heard[-1]) == {"state": "finished", "outcome": "cancelled", "position": 0, "behind_bytes": 0}
    assert blocks_of(server.http.get(f"/api/runs/{run}/recording").content)
    assert closing(server, run) == 1000


def test_a_viewer_resumes_at_any_block_and_nowhere_else(server: RunningServer) -> None:
    run, _ = server.start_run("prints", count=300)
    with server.watch(run) as viewer:
        whole, _ = receive_all(viewer)
    decoder, ends = Decoder(), []
    for at in range(len(whole)):
        decoder.receive_data(whole[at : at + 1])
        ends += [decoder.consumed_bytes for _ in decoder.blocks()]
    for end in ends:
        with server.watch(run, end) as viewer:
            rest, said = receive_all(viewer)
        assert rest == whole[end:]
        assert said[-1]["outcome"] == "finished"
    for wrong in (1, len(MAGIC) + 1, ends[0] - 1, ends[0] + 1, len(whole) + 1):
        assert closing(server, run, wrong) == 4400


def test_whom_there_is_nothing_to_show_is_told_why(server: RunningServer) -> None:
    run, token = server.start_run("prints", count=1)
    server.http.delete(f"/api/runs/{run}", headers={"X-Delete-Token": token})
    assert closing(server, run) == 4410
    assert closing(server, "never-was") == 4404


def test_a_viewer_that_takes_nothing_is_dropped_and_the_run_goes_on(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_VIEWER_TIMEOUT_S="0.2", SCHEDSCOPE_MESSAGE_BYTES="65536") as server:
        run, _ = server.start_run("prints", count=100000)
        with server.watch(run) as viewer:
            receive_all(viewer)
        size_bytes = server.http.get(f"/api/runs/{run}").json()["size_bytes"]
        host, port = server.url.removeprefix("http://").split(":")
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect((host, int(port)))
            upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
            stuck.sendall(f"GET /api/runs/{run}/live HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n\r\n".encode())
            assert stuck.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 101"
            while server.http.get("/healthz").json()["viewers"] > 0:
                pass
            taken = 0
            with suppress(ConnectionResetError):
                while piece := stuck.recv(65536):
                    taken += len(piece)
            assert taken < size_bytes  # dropped, not closed: what waited in the server is thrown away
        assert closing(server, run) == 1000


def test_viewers_beyond_the_bound_are_sent_away(tmp_path: Path) -> None:
    with serving_course(tmp_path, SCHEDSCOPE_VIEWERS="1") as server:
        run, _ = server.start_run("waits")
        with server.watch(run) as viewer:
            viewer.recv()
            assert closing(server, run) == 1013
