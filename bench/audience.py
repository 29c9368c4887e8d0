"""Two hundred viewers of one live run: how late each block reaches them, what it costs the server, and that all end with the same bytes.

The viewers are WebSocket connections of another process (the load generator shares the machine, so these are upper bounds). A block's
lag is from when the first viewer of all had it to when each viewer had it, and from its newest time stamp (the recording's clock is
this machine's) to each viewer.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from websockets.asyncio.client import connect

from app.core.blocks import BlockKind, Decoder
from tests.web_tools import ROOT, SANDBOXED, RunningServer, serving

VIEWERS = 200
EXPERIMENT = "gil-cpu"


@dataclass
class Viewer:
    """What one viewer was sent: the hash of it all, and when each block of states arrived, by its place in the recording."""

    bytes_sha256: str = ""
    size_bytes: int = 0
    arrived_ns: dict[int, int] = field(default_factory=dict)


def measure(pairs: int) -> None:
    """Prints lag, CPU and whether all bytes are the same; `pairs` runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "app/experiments", folder / "experiments")
        with serving(folder, SANDBOXED) as server:
            for _ in range(min(pairs, 3)):
                _one_run(server)


def _one_run(server: RunningServer) -> None:
    process = psutil.Process(server.process.pid)
    run, _ = server.start_run(EXPERIMENT)
    before, began = process.cpu_times(), time.monotonic()
    viewers, stamps = asyncio.run(_watch_all(server.url.replace("http", "ws"), run))
    after, wall_s = process.cpu_times(), time.monotonic() - began
    whole = server.http.get(f"/api/runs/{run}/recording").content
    same = sum(viewer.bytes_sha256 == hashlib.sha256(whole).hexdigest() for viewer in viewers)
    behind = np.array(
        [at - min(v.arrived_ns[key] for v in viewers) for viewer in viewers for key, at in viewer.arrived_ns.items()]
    )
    late = np.array([at - stamps[key] for viewer in viewers for key, at in viewer.arrived_ns.items()])
    cpu_s = after.user + after.system - before.user - before.system
    print(
        f"\n{len(viewers)} viewers of one live run ({len(whole) / 1e6:.2f} MB each, {len(stamps)} blocks, {wall_s:.1f} s):"
        f" {same} have the recording's very bytes"
        f"\nbehind the first viewer: p50 {np.percentile(behind, 50) / 1e6:.1f} ms, p99 {np.percentile(behind, 99) / 1e6:.1f} ms"
        f"\nobservation → viewer (newest of a block): p50 {np.percentile(late, 50) / 1e6:.0f} ms, p99 {np.percentile(late, 99) / 1e6:.0f} ms"
        f"\nthe server's CPU: {cpu_s:.2f} s of {wall_s:.1f} s ({100 * cpu_s / wall_s:.0f} % of one core), {1e6 * cpu_s / len(viewers):.0f} µs a viewer"
    )


async def _watch_all(url: str, run: str) -> tuple[list[Viewer], dict[int, int]]:
    stamps: dict[int, int] = {}
    viewers = [Viewer() for _ in range(VIEWERS)]
    await asyncio.gather(
        *(_watch(f"{url}/api/runs/{run}/live", viewer, stamps if not at else None) for at, viewer in enumerate(viewers))
    )
    return viewers, stamps


async def _watch(url: str, viewer: Viewer, stamps: dict[int, int] | None) -> None:
    """Keep what comes; decoding waits until the end, so that the generator does not slow what it measures."""
    pieces: list[tuple[int, bytes]] = []
    async with connect(url, max_size=None, compression=None) as socket:
        async for message in socket:
            if isinstance(message, bytes):
                pieces.append((time.monotonic_ns(), message))
    whole = b"".join(piece for _, piece in pieces)
    viewer.bytes_sha256, viewer.size_bytes = hashlib.sha256(whole).hexdigest(), len(whole)
    _note_arrivals(viewer, pieces, stamps)


def _note_arrivals(viewer: Viewer, pieces: list[tuple[int, bytes]], stamps: dict[int, int] | None) -> None:
    """Arrival by block of states: messages are cut differently for each viewer, blocks are not."""
    decoder = Decoder()
    arrived: dict[int, int] = {}
    for at_ns, piece in pieces:
        decoder.receive_data(piece)
        for block in decoder.blocks():
            if block.kind is not BlockKind.STATES:
                continue
            arrived[decoder.consumed_bytes] = at_ns
            if stamps is not None:
                stamps[decoder.consumed_bytes] = block.t0_ns + int(block.columns()["t"].max())
    viewer.arrived_ns = arrived
