"""One operation for each hook, timed: `operations.py FILE` writes [name, begin_ns, end_ns, wall_ns, cpu_ns, times] of each as JSON.

A plain script, run bare and observed by bench/hooks.py. Every operation is done in several short rounds, of which the cheapest is
told: whatever interrupts a round only adds to it. CPU time is that of the whole process, all threads.
"""

import asyncio
import json
import os
import sys
import threading
import time

import greenlet

ROUNDS = 5


def asyncio_step(times):
    async def work():
        for _ in range(times):
            await asyncio.sleep(0)

    asyncio.run(work())


def greenlet_switch(times):
    here = greenlet.getcurrent()

    def work():
        while True:
            here.switch()

    other = greenlet.greenlet(work)
    for _ in range(times // 2):
        other.switch()


def blocking_sleep(times):
    for _ in range(times):
        time.sleep(0)


def blocking_read(times):
    ends = os.pipe()
    os.write(ends[1], bytes(times))
    for _ in range(times):
        os.read(ends[0], 1)
    for fd in ends:
        os.close(fd)


def refused_read(times):
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    for _ in range(times):
        try:  # noqa: SIM105 - a context manager would be timed with it
            os.read(ends[0], 1)
        except BlockingIOError:
            pass
    for fd in ends:
        os.close(fd)


def gil_released(times):
    """lseek lets the GIL go for a call that nothing of ours is on."""
    with open(sys.executable, "rb") as file:
        fd = file.fileno()
        for _ in range(times):
            os.lseek(fd, 0, os.SEEK_SET)


def free_lock(times):
    lock = threading.Lock()
    for _ in range(times):
        lock.acquire()
        lock.release()


def contended_lock(times):
    """Two threads that wake each other in turn: every acquire waits, every release wakes."""
    mine, theirs = threading.Lock(), threading.Lock()
    mine.acquire()
    theirs.acquire()

    def other():
        for _ in range(times // 2):
            theirs.acquire()
            mine.release()

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(times // 2):
        theirs.release()
        mine.acquire()
    thread.join()


def thread_start_join(times):
    for _ in range(times):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def output_line(times):
    for _ in range(times):
        os.write(1, b"line\n")


def spin(times):
    for _ in range(times):
        pass


OPERATIONS = [
    ("asyncio step, sleep(0)", asyncio_step, 5_000),
    ("greenlet switch", greenlet_switch, 20_000),
    ("blocking call, time.sleep(0)", blocking_sleep, 4_000),
    ("blocking call, read of a ready pipe", blocking_read, 10_000),
    ("non-blocking read refused, EAGAIN", refused_read, 10_000),
    ("GIL released and taken", gil_released, 10_000),
    ("lock acquired and released, free", free_lock, 20_000),
    ("lock handed over, contended", contended_lock, 1_000),
    ("thread started and joined", thread_start_join, 150),
    ("line written", output_line, 500),
    ("spin (nothing to observe)", spin, 500_000),
]


def measured(operation, times):
    """The round that took the least CPU time: (begin_ns, end_ns, wall_ns, cpu_ns)."""
    rounds = []
    for _ in range(ROUNDS):
        cpu_ns, begin_ns = time.process_time_ns(), time.monotonic_ns()
        operation(times)
        end_ns = time.monotonic_ns()
        rounds.append((time.process_time_ns() - cpu_ns, end_ns - begin_ns, begin_ns, end_ns))
    cpu_ns, _wall_ns, begin_ns, end_ns = min(rounds)
    return begin_ns, end_ns, min(row[1] for row in rounds), cpu_ns


if __name__ == "__main__":
    told = [(name, *measured(operation, times), times) for name, operation, times in OPERATIONS]
    with open(sys.argv[1], "w") as file:
        json.dump(told, file)
