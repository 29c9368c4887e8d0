"""What a thread waits for, by name: which lock and who has it, which descriptor, and who ended the wait."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.records import LaneKind
from app.recorder import probe
from tests.observed import EACH_PYTHON, LONG_NS, long_waits, observe, observe_with, script, threads

__all__ = ["script"]
pytestmark = pytest.mark.skipif(bool(probe.missing()), reason="; ".join(probe.missing()))


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
