"""What a thread waits for, by name: which lock and who has it, which descriptor, and who ended the wait."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import Run, observe, others, script

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))
LONG_NS = 20_000_000
EACH_PYTHON = pytest.mark.parametrize(
    "python", [sys.executable, *(pytest.param(python, marks=pytest.mark.slow) for python in others())]
)


def observe_with(python: str, path: Any) -> Run:
    """As `observe`; skips where there is no extension for that interpreter and none can be built."""
    run = observe(path, python=[python])
    if run.json["header"]["observers"]["lines"] != "exact":
        pytest.skip(run.json["header"]["observers"]["lines"])
    return run


def threads(run: Run) -> dict[str, int]:
    return {lane.name: lane.id for lane in run.lanes(LaneKind.THREAD)}


def main_threads(run: Run) -> dict[str, int]:
    """The first thread of each process, by the process's name."""
    named = {lane.id: lane.name for lane in run.lanes(LaneKind.PROCESS)}
    return {
        named[lane.parent]: lane.id
        for lane in run.lanes(LaneKind.THREAD)
        if lane.name == "MainThread" and lane.parent is not None
    }


def long_waits(run: Run, lane: int, state: str) -> list[dict[str, Any]]:
    return [detail for t, end, detail in run.waits(lane, state) if end - t > LONG_NS]


@EACH_PYTHON
def test_a_deadlock_is_a_circle_of_locks_and_their_holders(script: Any, python: str) -> None:
    run = observe_with(
        python,
        script("""
import os, threading, time
first, second = threading.Lock(), threading.RLock()
both = threading.Barrier(2)
def one():
    with first:
        both.wait()
        with second: pass
def two():
    with second:
        both.wait()
        with first: pass
for work in (one, two): threading.Thread(target=work, name=work.__name__, daemon=True).start()
time.sleep(0.2)
os._exit(0)
"""),
    )
    named = threads(run)
    said = (long_waits(run, named[name], "lock") for name in ("one", "two"))
    (one,), (two,) = ([detail for detail in waits if "text" not in detail] for waits in said)  # those at the barrier say so
    assert (one["object"], one["holder"]) == ("RLock second", named["two"])
    assert (two["object"], two["holder"]) == ("Lock first", named["one"])
    assert one["address"] != two["address"]


@EACH_PYTHON
def test_each_wait_names_its_object(script: Any, python: str) -> None:
    run = observe_with(
        python,
        script("""
import queue, threading, time
class Account:
    def __init__(self): self.lock = threading.Lock()
    def pay(self):
        with self.lock: pass
account, forks, event, jobs = Account(), [threading.Lock(), threading.Lock()], threading.Event(), queue.Queue()
simple, slots, changed = queue.SimpleQueue(), threading.Semaphore(0), threading.Condition()
def eats():
    with forks[1]: pass
def waits(): event.wait()
def gets(): jobs.get()
def simply(): simple.get()
def enters(): slots.acquire()
def checks():
    with changed: changed.wait()
def joins(): event_waiter.join()
def local(mine):
    with mine: pass
mine = [threading.Lock()]
account.lock.acquire(); forks[1].acquire(); mine[0].acquire()
threads = [threading.Thread(target=work, name=work.__name__) for work in (eats, waits, gets, simply, enters, checks, joins)]
threads += [threading.Thread(target=account.pay, name="pays"), threading.Thread(target=local, args=mine, name="local")]
event_waiter = threads[1]
for thread in threads: thread.start()
time.sleep(0.1)
forks[1].release(); account.lock.release(); mine[0].release(); event.set(); jobs.put(1); simple.put(1); slots.release()
with changed: changed.notify()
for thread in threads: thread.join()
"""),
    )
    named = threads(run)
    said = {
        name: max(run.waits(lane, "lock"), key=lambda wait: wait[1] - wait[0])[2]
        for name, lane in named.items()
        if name != "MainThread"
    }
    assert {name: (detail.get("object"), detail.get("text")) for name, detail in said.items()} == {
        "eats": ("Lock forks[1]", None),
        "pays": ("Lock self.lock", None),
        "local": ("Lock mine[0]", None),
        "waits": ("Event event", "Event.wait"),
        "gets": ("Queue jobs", "Queue.get"),
        "simply": ("SimpleQueue simple", None),
        "enters": ("Semaphore slots", "Semaphore.acquire"),
        "checks": ("Condition changed", "Condition.wait"),
        "joins": ("Thread waits", "Thread.join"),
    }
    holders = {name: detail["holder"] for name, detail in said.items() if "holder" in detail}
    assert holders == dict.fromkeys(("eats", "pays", "local"), named["MainThread"]) | {"joins": named["waits"]}


@EACH_PYTHON
def test_a_lock_that_goes_from_hand_to_hand_has_the_right_holder_and_the_next_one_another_name(
    script: Any, python: str
) -> None:
    run = observe_with(
        python,
        script("""
import threading, time
lock, again = threading.Lock(), threading.RLock()
done = dict.fromkeys("abcd", 0)
def takes(me, other):
    while done[me] < 40 and min(done[me], done[other]) < 4:
        with lock: time.sleep(0.004)
        done[me] += 1
def nests(me, other):
    while done[me] < 40 and min(done[me], done[other]) < 4:
        with again:
            with again: time.sleep(0.002)
            time.sleep(0.002)
        done[me] += 1
def one(kind):
    one = kind(); one.acquire(); needs(lambda: one.acquire() and one.release(), "one", one)
def two(kind):
    two = kind(); two.acquire(); needs(lambda: two.acquire() and two.release(), "two", two)
def needs(work, name, lock):
    thread = threading.Thread(target=work, name=name); thread.start(); time.sleep(0.03); lock.release(); thread.join()
threads = [threading.Thread(target=takes, args=pair, name=pair[0]) for pair in ("ab", "ba")]
threads += [threading.Thread(target=nests, args=pair, name=pair[0]) for pair in ("cd", "dc")]
for thread in threads: thread.start()
for thread in threads: thread.join()
for kind in (threading.Lock, threading.RLock): one(kind); two(kind)
"""),
    )
    named = threads(run)
    for lock, pair in (("Lock lock", "ab"), ("RLock again", "cd")):
        lanes = [named[name] for name in pair]
        holders = [
            {d.get("holder") for _t, _end, d in run.waits(lane, "lock") if d.get("object") == lock} - {None} for lane in lanes
        ]
        assert holders[0] | holders[1] <= set(lanes)
        assert holders[0] <= {lanes[1]}
        assert holders[1] <= {lanes[0]}
        assert holders[0] | holders[1], "nobody had to wait"
        if run.json["header"]["interpreter"]["version"] >= "3.14":  # it is handed over, and let go only with the GIL
            assert holders == [{lanes[1]}, {lanes[0]}]
    said = [
        (d["object"], d["holder"])
        for lane in run.lanes(LaneKind.THREAD)
        if lane.name in ("one", "two")
        for d in long_waits(run, lane.id, "lock")
    ]
    assert said == [(f"{kind} {name}", named["MainThread"]) for kind in ("Lock", "RLock") for name in ("one", "two")]


@EACH_PYTHON
def test_processes_know_who_has_their_lock_and_who_let_it_go(script: Any, python: str) -> None:
    run = observe_with(
        python,
        script("""
import multiprocessing, sys, time
def holds(lock, ready):
    with lock: ready.set(); time.sleep(0.1)
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        lock, ready = context.Lock(), context.Event()
        child = context.Process(target=holds, args=[lock, ready], name=method); child.start()
        ready.wait()
        with lock: pass
        child.join()
"""),
    )
    mains = main_threads(run)
    parent = next(lane.id for lane in run.lanes(LaneKind.THREAD))
    waits = [(t, end, d) for t, end, d in run.waits(parent, "lock") if d.get("object") == "Lock lock" and end - t > LONG_NS]
    assert [detail["holder"] for _t, _end, detail in waits] == [mains["fork"], mains["spawn"]]
    wakes = {(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "wake"}
    joins = [(flow[1], flow[3]) for flow in run.json["flows"] if flow[4] == "join"]
    for method in ("fork", "spawn"):
        assert (mains[method], parent) in wakes
        assert (mains[method], parent) in joins


def test_a_childs_end_leads_to_who_waited_for_it(script: Any) -> None:
    run = observe(
        script("""
import subprocess, sys, threading
def waits(): subprocess.run([sys.executable, "-c", "import time; time.sleep(0.05)"])
thread = threading.Thread(target=waits, name="waits"); thread.start(); thread.join()
""")
    )
    child = next(lane for lane in run.lanes(LaneKind.THREAD) if lane.pid != run.lanes(LaneKind.PROCESS)[0].pid)
    waiter = threads(run)["waits"]
    (arrow,) = [flow for flow in run.json["flows"] if flow[4] == "join" and flow[3] == waiter]
    assert arrow[1] == child.id
    wait = next(wait for wait in run.waits(waiter, "child") if wait[1] - wait[0] > LONG_NS)
    assert wait[0] < arrow[0] <= wait[1]
    assert wait[2]["pid"] == child.pid


def test_a_descriptor_is_what_it_is(script: Any) -> None:
    run = observe(
        script("""
import os, select, socket, threading, time
server = socket.create_server(("127.0.0.1", 0)); port = server.getsockname()[1]
def client():
    time.sleep(0.05); peer = socket.create_connection(("127.0.0.1", port)); time.sleep(0.05); peer.sendall(b"x" * 100); peer.recv(1)
threading.Thread(target=client, name="client").start()
peer, address = server.accept(); peer.recv(1000); peer.close()
r, w = os.pipe(); threading.Timer(0.05, os.write, [w, b"abc"]).start(); os.read(r, 10)
print(port, address[1], os.fstat(r).st_ino, flush=True)
os.dup2(os.open("/dev/zero", os.O_RDONLY), r); os.close(w)
a, b = socket.socketpair(); threading.Timer(0.05, b.send, [b"y"]).start()
select.select([a], [], []); select.poll().poll(1); poll = select.poll(); poll.register(b); poll.poll(30)
""")
    )
    port, peer, inode = run.output.split()
    main = threads(run)["MainThread"]
    said = {state: long_waits(run, main, state) for state in ("accept", "read", "pipe", "poll")}
    assert said["accept"][0]["object"] == f"TCP listen 127.0.0.1:{port}"
    assert said["read"][0]["object"] == f"TCP 127.0.0.1:{port} ↔ 127.0.0.1:{peer}"
    assert said["pipe"][0]["object"] == f"pipe:[{inode}]"
    client = threads(run)["client"]
    assert [d["object"] for _s, _e, d in run.waits(client, "connect")] == [f"127.0.0.1:{port}"]
    assert [d["object"] for _s, _e, d in run.waits(client, "write")] == [f"TCP 127.0.0.1:{peer} ↔ 127.0.0.1:{port}"]


def test_a_blocking_read_waits_then_copies_and_one_that_does_not_block_says_so(script: Any) -> None:
    run = observe(
        script("""
import socket, threading, time
a, b = socket.socketpair()
threading.Timer(0.05, b.send, [b"x" * 4000]).start()
a.recv(5000)
a.setblocking(False)
refused = 0
for turn in range(200):
    try: a.recv(10)
    except BlockingIOError: refused += 1
b.send(b"y" * 30)
print(refused, len(a.recv(10)), len(a.recv(100)))
""")
    )
    main = threads(run)["MainThread"]
    assert run.output.split() == ["200", "10", "20"]
    assert len([d for _t, _e, d in run.waits(main, "read") if d.get("text") == "EAGAIN"]) == 200
    copies = run.waits(main, "copy")
    if run.json["header"]["observers"]["kernel"] != "exact":
        pytest.skip("where the wait ends is the kernel's to say")
    assert [d["bytes"] for _t, _e, d in copies] == [4000, 10, 20]
    (waited,) = [wait for wait in run.waits(main, "read") if wait[1] - wait[0] > LONG_NS]
    assert waited[1] == copies[0][0]
    assert copies[0][1] - copies[0][0] < waited[1] - waited[0]
    assert copies[0][2]["line"] == waited[2]["line"]


def test_whether_a_read_waits_is_asked_anew_once_somebody_may_have_changed_it(script: Any) -> None:
    """One that waits, but not for ever, fails with the same error: only where it did not wait it was refused."""
    run = observe(
        script("""
import fcntl, os, socket, struct
def pair():
    end, other = socket.socketpair(); kept.append(other)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 1000))
    return end
def read(end):
    try: end.recv(1)
    except BlockingIOError: pass
kept = []
one, two, three = pair(), pair(), pair()
for end in (one, two, three): end.setblocking(False); read(end); read(end)
one.setblocking(True); read(one)
fcntl.fcntl(two.dup(), fcntl.F_SETFL, 0); read(two); read(three)
child = os.fork()
if child == 0: three.setblocking(True); os._exit(0)
os.waitpid(child, 0); read(three)
""")
    )
    main = run.lanes(LaneKind.THREAD)[0].id
    came = [d.get("text", "") for _t, _e, d in run.waits(main, "read")]
    assert [text == "EAGAIN" for text in came] == [True] * 6 + [False, False, True, False]


def test_what_one_process_writes_leads_to_who_read_it(script: Any) -> None:
    run = observe(
        script("""
import multiprocessing, time
def child(jobs, results, one_way):
    for _ in range(5): results.send_bytes(jobs.get())
    one_way.send_bytes(b"last")
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    jobs, (ours, theirs), (reads, writes) = context.Queue(), context.Pipe(), context.Pipe(duplex=False)
    process = context.Process(target=child, args=[jobs, theirs, writes], name="child"); process.start()
    for n in range(5):
        time.sleep(0.01); jobs.put(b"x" * n); ours.recv_bytes()
    reads.recv_bytes()
    process.join()
""")
    )
    mains = main_threads(run)
    named = {lane: name for name, lane in mains.items()} | {threads(run)["QueueFeederThread"]: "feeder"}
    messages = [flow for flow in run.json["flows"] if flow[4] == "message"]
    pairs = [(named[flow[1]], named[flow[3]]) for flow in messages]
    # a queue's and a connection's message is a length and the bytes, read one after the other
    assert pairs.count(("feeder", "child")) == 10
    assert pairs.count(("child", "script.py")) == 12 - 1  # an empty one has no bytes to read
    assert set(pairs) == {("feeder", "child"), ("child", "script.py")}
    assert all(flow[0] <= flow[2] for flow in messages)
    child_reads = [end for _t, end, d in run.waits(mains["child"], "copy") if d.get("text") == "Queue.get"]
    assert {flow[2] for flow in messages if named[flow[1]] == "feeder"} <= set(child_reads)
