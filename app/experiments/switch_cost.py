"""
id = "switch-cost"
topic = "coroutine"
order = 40
source = "课程：协程没有线程切换的开销 · the course: coroutines cost no thread switch"
time_limit_s = 30

[title]
zh = "切换的代价"
en = "What a switch costs"

[note]
zh = "两方来回交出控制权，量每交接一次要多久，并读内核自己的计数，看它为此切换了几次线程（因等待而让出和被抢占都算）。进程和线程每次交接都要睡下一个、唤醒另一个，必经内核；两个线程醒来后还要再争 GIL，又多睡一次。greenlet、asyncio 任务和生成器在一个线程里交接，内核一次也不参与。asyncio 比 greenlet 慢，是因为每次交接都要经过事件循环，不是因为内核。被观测时每次交接都要记录，时间会比单独运行这段脚本长一些，相差的倍数仍看得出来。"
en = "Two sides hand control to and fro. What is measured is the time a hand-over takes and, by the kernel's own count, how many thread switches that took (because one waits, or is preempted). With processes and threads each hand-over puts one to sleep and wakes the other, which takes the kernel; of two threads the one that woke has to get the GIL as well, and may sleep once more for it. Greenlets, asyncio tasks and generators hand over within one thread, without the kernel. asyncio is slower than greenlets because each hand-over goes through the event loop, not because of the kernel. While it is observed every hand-over is recorded, so the times are somewhat longer than those of the script run by itself; by what factor they differ can still be seen."

[shows]
zh = "交接一次要多久，内核为此切换几次"
en = "How long a hand-over takes, and how often the kernel switches for it"

[question]
text = { zh = "把控制权交给对方，线程之间要比 greenlet 之间慢多少？", en = "How much slower is a hand-over between threads than one between greenlets?" }
answers = [
    { zh = "差不多", en = "About the same" },
    { zh = "约 2 倍", en = "About twice" },
    { zh = "十倍以上", en = "Ten times or more" },
]
correct = 2
explanation = { zh = "greenlet 的切换只保存和恢复寄存器与栈，不到 1 微秒；线程要由内核唤醒、调度，GIL 还要换手，通常要几微秒到几十微秒。", en = "A greenlet switch saves and restores registers and stack and takes less than 1 µs. A thread must be woken and scheduled by the kernel, and the GIL must change hands: several to tens of µs as a rule." }

[[parameters]]
name = "rounds"
kind = "int"
default = 400
minimum = 100
maximum = 5000
title = { zh = "来回几次", en = "Round trips" }

[[expected]]
check = "kernel_switches"
arguments = { kind = "process", named = "Process-", each = "$rounds", least = 0.5, most = 4 }
says = { zh = "进程每次交接都要经过内核", en = "processes handed over through the kernel each time" }

[[expected]]
check = "kernel_switches"
arguments = { kind = "thread", named = "(play)", each = "$rounds", least = 0.5, most = 6 }
says = { zh = "线程每次交接都要经过内核", en = "threads handed over through the kernel each time" }

[[expected]]
check = "kernel_switches"
arguments = { kind = "task", named = "player", each = "$rounds", most = 0.1 }
says = { zh = "asyncio 任务的交接不经过内核", en = "asyncio tasks handed over without the kernel" }

[[expected]]
check = "kernel_switches"
arguments = { kind = "greenlet", each = "$rounds", most = 0.1 }
says = { zh = "greenlet 的交接不经过内核", en = "greenlets handed over without the kernel" }

[[runs]]
title = { zh = "400 个来回", en = "400 round trips" }

[[runs]]
title = { zh = "1000 个来回：更准，记录也更多", en = "1000 round trips: more exact, and more to record" }
parameters = { rounds = 1000 }
"""

import argparse
import asyncio
import resource
import time
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from threading import Lock, Thread

from greenlet import getcurrent, greenlet

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=400)
rounds = parser.parse_args().rounds


def kernel_switches():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_nvcsw + one.ru_nivcsw for one in used)


@contextmanager
def measured(name):
    before, start = kernel_switches(), time.perf_counter()
    yield
    microseconds = (time.perf_counter() - start) * 1e6 / (2 * rounds)
    switches = (kernel_switches() - before) / (2 * rounds)
    bar = "█" * min(round(microseconds / 4), 8) or "▏"
    print(f"{name:9}{microseconds:7.2f} µs{switches:6.2f} {bar}")


def play(first, second):
    for _ in range(rounds):
        first()
        second()


def processes():
    here, there = Pipe()
    child = Process(target=play, args=[there.recv_bytes, lambda: there.send_bytes(b"ball")])
    child.start()
    with measured("process"):
        play(lambda: here.send_bytes(b"ball"), here.recv_bytes)
        child.join()


def threads():
    ping, pong = Lock(), Lock()
    ping.acquire()
    pong.acquire()
    Thread(target=play, args=[ping.acquire, pong.release]).start()
    with measured("thread"):
        play(ping.release, pong.acquire)


async def tasks():
    async def player():
        for _ in range(rounds):
            await asyncio.sleep(0)

    with measured("task"):
        await asyncio.gather(player(), player())


def greenlets():
    other = greenlet(lambda: [getcurrent().parent.switch() for _ in range(rounds)])
    with measured("greenlet"):
        for _ in range(rounds):
            other.switch()


def generators():
    other = (None for _ in range(rounds))
    with measured("generator"):
        for _ in range(rounds):
            next(other)


print("hand-over: time, kernel switches")
for show in (processes, threads, lambda: asyncio.run(tasks()), greenlets, generators):
    show()
    time.sleep(0.1)
