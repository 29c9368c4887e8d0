"""Facts are what a sum over the picture says: checked against runs whose answer is known beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from app import resources
from app.core.facts import facts
from app.core.recording import read
from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import Run, observe, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


def kernel_of(run: Run) -> bool:
    """Whether the kernel's switches were observed: what the facts are held to, so not asked of them."""
    return bool(run.json["header"]["observers"]["kernel"] == "exact")


def test_two_spinning_threads_share_one_gil_and_make_each_other_wait(script: Any) -> None:
    run = observe(
        script("""
import threading
def spins(n=3_000_000):
    while n: n -= 1
threads = [threading.Thread(target=spins, name=f"spins {i}") for i in range(2)]
for t in threads: t.start()
for t in threads: t.join()
""")
    )
    said = facts(run.recording)
    names = {lane.id: lane.name for lane in run.recording.lanes}
    (gil,) = said["gils"]
    assert gil["utilisation"] > 0.8
    assert gil["handovers"] > 10
    largest = [{names[pair["holder"]], names[pair["waiter"]]} for pair in gil["made_wait"][:2]]
    assert largest == [{"spins 0", "spins 1"}] * 2
    assert gil["longest_wait"]["duration_ns"] <= gil["waited_ns"]
    assert sum(pair["duration_ns"] for pair in gil["made_wait"]) <= gil["waited_ns"]
    if kernel_of(run):
        # Whoever holds the GIL here is on a core, or off it only because others took it.
        preempted_ns = sum(thread["preempted_ns"] for thread in said["threads"])
        assert said["parallelism"] < 1.3
        assert said["cpu_ns"] + preempted_ns > 0.3 * said["wall_ns"]
        for thread in said["threads"]:
            assert thread["on_cpu_ns"] + thread["preempted_ns"] <= thread["lifetime_ns"] * 1.02
    for thread in said["threads"]:
        assert sum(thread["states"].values()) == thread["lifetime_ns"]


def test_a_blocking_call_in_a_coroutine_is_named_as_the_stall_with_its_line(script: Any) -> None:
    path = script("""
import asyncio, time
async def ticks():
    for _ in range(4): await asyncio.sleep(0.01)
async def blocks():
    await asyncio.sleep(0.005)
    time.sleep(0.2)
async def main():
    await asyncio.gather(ticks(), ticks(), ticks(), asyncio.create_task(blocks(), name="the culprit"))
asyncio.run(main())
""")
    run = observe(path)
    stall = facts(run.recording)["stall"]
    assert run.recording.lanes[stall["culprit"]].name == "the culprit blocks"
    assert stall["ready_together"] == 3
    assert (stall["cause"]["state"], stall["cause"]["file"], stall["cause"]["line"]) == ("sleep", str(path), 7)
    assert stall["duration_ns"] > 0.8 * stall["cause"]["duration_ns"]


def test_a_run_that_only_sleeps_holds_no_gil_and_has_no_stall(script: Any) -> None:
    run = observe(script("import time\ntime.sleep(0.3)"))
    said = facts(run.recording)
    (main,) = said["threads"]
    assert main["longest_wait"]["state"] == "sleep"
    assert main["longest_wait"]["line"] == 2
    # Of what was its own doing: how long others kept it off the cores while it started is the machine's.
    on_cpu_ns = main["on_cpu_ns"] or main["lifetime_ns"] - main["states"]["starting"] - main["states"]["sleep"]
    assert main["states"]["sleep"] > 0.7 * (main["states"]["sleep"] + on_cpu_ns)
    assert said["stall"] is None
    assert said["gils"][0]["made_wait"] == []
    assert [lane.kind for lane in run.recording.lanes if lane.id == main["lane"]] == [LaneKind.THREAD]


def test_a_task_that_blocks_says_in_what_and_where_on_its_own_lane(script: Any) -> None:
    path = script("""
import asyncio, time
async def main():
    time.sleep(0.1)
    sum(range(100))
asyncio.run(main())
""")
    run = observe(path)
    (task,) = [lane for lane in run.lanes(LaneKind.TASK) if lane.name.endswith(" main")]
    told = [(end - begin, detail) for begin, end, detail in run.waits(task.id, "running") if detail]
    assert [(detail["text"], detail["file"], detail["line"]) for _ns, detail in told] == [("sleep", str(path), 4)]
    slept = sum(end - begin for begin, end, _d in run.waits(run.lanes(LaneKind.THREAD)[0].id, "sleep"))
    assert told[0][0] == pytest.approx(slept, rel=0.1)


def test_tasks_and_greenlets_have_rows_too_and_very_many_a_total(script: Any) -> None:
    run = observe(
        script("""
import asyncio
async def naps(): await asyncio.sleep(0.05)
async def main(): await asyncio.gather(*[naps() for _ in range(500)])
asyncio.run(main())
""")
    )
    said = facts(run.recording)
    total = said["lanes"]["task"]
    assert total["count"] >= 501
    assert total["shown"] == len(said["tasks"]) < total["count"]
    assert sum(total["states"].values()) == total["lifetime_ns"]
    assert {row["longest_wait"]["reason"] for row in said["tasks"] if row["longest_wait"]} >= {"timer"}
    lanes = {lane.id: lane.kind for lane in run.recording.lanes}
    assert {lanes[row["lane"]] for row in said["tasks"]} == {LaneKind.TASK}
    for row in said["tasks"]:
        assert sum(row["states"].values()) == row["lifetime_ns"]


def test_switches_per_thread_add_up_to_those_of_the_run(script: Any) -> None:
    run = observe(script("import time\nfor _ in range(20): time.sleep(0.002)"))
    said = facts(run.recording)
    if not kernel_of(run):
        pytest.skip("the kernel's switches are not observed here")
    for word in ("voluntary", "involuntary"):
        assert sum(thread[word] for thread in said["threads"]) == said["switches"][word]
    assert said["switches"]["voluntary"] >= 20


def test_what_reads_copied_and_how_often_there_was_nothing(script: Any) -> None:
    run = observe(
        script("""
import socket, time
a, b = socket.socketpair()
b.setblocking(False)
for _ in range(7):
    try: b.recv(100)
    except BlockingIOError: pass
a.sendall(b"x" * 3000)
print(len(b.recv(5000)))
""")
    )
    said = facts(run.recording)["reads"]
    assert said["refused"] == 7
    assert said["first_refused"]["state"] == "read"
    if not kernel_of(run):
        pytest.skip("the kernel's switches are not observed here")
    socket_copies = said["copied_bytes"]
    assert 3000 <= socket_copies < 3000 + (1 << 20)
    assert said["longest_copy"]["state"] == "copy"


@pytest.mark.parametrize(
    ("experiment", "counted"),
    [
        ("rabbit-work", {"published": 16, "delivered": 16, "acked": 8}),
        ("rabbit-exchanges", {"published": 9, "delivered": 10, "unroutable": 1}),
        ("rabbit-durable", {"published": 12, "lost": 9}),
    ],
)
def test_what_became_of_a_brokers_messages(experiment: str, counted: dict[str, int]) -> None:
    run = read([(resources.samples_dir() / f"{experiment}.sched").read_bytes()])
    names = ("published", "delivered", "acked", "redelivered", "returned", "unroutable", "lost")
    assert facts(run)["messages"] == dict.fromkeys(names, 0) | counted


def test_what_a_crash_took_is_what_the_script_misses() -> None:
    run = read([(resources.samples_dir() / "rabbit-confirm.sched").read_bytes()])
    output = b"".join(data for _t, _stream, data in run.output).decode()
    missed = int(output.split("lost: ")[1].split()[0])
    assert missed > 0
    assert facts(run)["messages"]["lost"] == missed
