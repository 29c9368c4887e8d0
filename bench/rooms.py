"""A lecture room with three hundred phones: how long until each sees where the teacher looks, and whether all end with the same place.

The teacher moves ten times a second, as fast as a page sends it; each place says when it was sent. Phones, teacher and server share the
machine's clock and its cores: the lag holds the measuring program's own work too.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.web_tools import serving_course

PHONES, MOVES = 300, 100
HERE = {"path": "/experiments/prints", "experiment": "prints", "step": "watch"}


def measure(_pairs: int, phones: int = PHONES, moves: int = MOVES) -> None:
    """Prints one line."""
    with tempfile.TemporaryDirectory() as name, serving_course(Path(name)) as server:
        before = _cpu_s(server.process.pid)
        lags, lasts, messages = asyncio.run(lecture(server.url, phones, moves))
        work_s = _cpu_s(server.process.pid) - before
    lags.sort()
    same = sum(last == moves for last in lasts)
    print(
        f"\nlecture room: {phones} phones, {moves} moves, ten a second: lag p50 {lags[len(lags) // 2]:.1f} ms,"
        f" p99 {lags[int(len(lags) * 0.99)]:.1f} ms, longest {lags[-1]:.1f} ms; {same} of {phones} have the last place;"
        f" {messages / phones:.0f} messages a phone; server {work_s:.1f} s of CPU"
    )


async def lecture(url: str, phones: int, moves: int) -> tuple[list[float], list[int], int]:
    """A lesson in a room of its own: lags in ms, the last move each phone saw, and how many messages all of them got."""
    async with httpx.AsyncClient(base_url=url) as http:
        room = (await http.post("/api/rooms", json={"place": HERE})).json()
    address = f"{url.replace('http', 'ws')}/api/rooms/{room['code']}/live"
    teacher = await connect(address)
    await teacher.send(json.dumps({"token": room["presenter_token"]}))
    connections: list[ClientConnection] = []
    for at in range(0, phones, 50):
        connections += await asyncio.gather(*(connect(address, ping_interval=None) for _ in range(min(50, phones - at))))
    listening = [asyncio.create_task(_follow(one, moves)) for one in connections]
    deaf = asyncio.create_task(_drain(teacher))
    for number in range(1, moves + 1):
        await teacher.send(json.dumps({"place": HERE | {"view": f"#t={time.monotonic_ns()}-{number}"}}))
        await asyncio.sleep(0.1)
    heard = await asyncio.gather(*listening)
    deaf.cancel()
    await asyncio.gather(teacher.close(), *(one.close() for one in connections))
    return [lag for lags, _ in heard for lag in lags], [last for _, last in heard], sum(len(lags) for lags, _ in heard)


async def _follow(phone: ClientConnection, moves: int) -> tuple[list[float], int]:
    lags, last = [], 0
    while last < moves:
        said: dict[str, Any] = json.loads(await asyncio.wait_for(phone.recv(), 60))
        sent, _, number = said["place"]["view"].removeprefix("#t=").partition("-")
        if number:
            lags.append((time.monotonic_ns() - int(sent)) / 1e6)
            last = int(number)
    return lags, last


async def _drain(connection: ClientConnection) -> None:
    async for _ in connection:
        pass


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
