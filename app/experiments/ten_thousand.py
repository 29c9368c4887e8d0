"""
id = "ten-thousand"
topic = "coroutine"
order = 50
source = "课程：“协程能在一个 CPU 上同时有上万个” · the course: coroutines run in tens of thousands on one CPU"
time_limit_s = 60
process_limit = 10010

[title]
zh = "上万协程"
en = "Ten thousand coroutines"

[note]
zh = "一万个协程各睡 1 秒。它们都在一个线程里：每个只是内存里一个不大的对象，睡觉就是在循环的定时器堆里占一个位置，系统一无所知，也无须为它切换线程。到了 1 秒，定时器几乎同时到期，一万个任务一起变为就绪，在队列里等着轮流运行：多出 1 秒的那一点时间，就是这一个线程依次创建和唤醒它们所花的。线程也能开一万个，但每个都要由内核创建、调度，并有自己的栈，因此慢得多，系统对它的个数也有限制。打印的是每个等待者占用的常驻内存。"
en = "Ten thousand coroutines sleep for 1 s each. All of them are in one thread: each is a small object in memory, its sleep an entry in the loop's heap of timers, and the system neither knows of it nor has to switch threads for it. After 1 s the timers run out nearly together; ten thousand tasks become ready at once and queue for their turn. Whatever the run takes beyond 1 s is what this one thread needs to create and to wake them one by one. Ten thousand threads are possible too, but the kernel has to create and schedule each of them and give it a stack of its own: that is far slower, and the system limits their number. What is printed is the resident memory that each sleeper takes."

[shows]
zh = "一万个等待要几个线程、多少时间、多少内存"
en = "How many threads, how much time and memory ten thousand waits take"

[question]
text = { zh = "一个线程里的 10,000 个协程各睡 1 秒，共要多久？", en = "10,000 coroutines in one thread sleep for 1 s each. How long does it take in all?" }
answers = [
    { zh = "略多于 1 秒", en = "A little over 1 s" },
    { zh = "约 10 秒", en = "About 10 s" },
    { zh = "约 10,000 秒", en = "About 10,000 s" },
    { zh = "报错：协程开不了这么多", en = "An error: there cannot be so many coroutines" },
]
correct = 0
explanation = { zh = "等待不占线程，所以一万个等待完全重叠；只有创建和唤醒要由这个线程一个一个地做，每个几十微秒。", en = "A wait does not occupy the thread, so ten thousand waits overlap. Only creating and waking them is done one by one, at some tens of microseconds each." }
when = { variant = ["asyncio", "gevent"], count = 10000 }

[[parameters]]
name = "variant"
kind = "choice"
default = "asyncio"
choices = ["asyncio", "gevent", "threads"]
labels = { threads = { zh = "线程", en = "threads" } }
title = { zh = "用什么", en = "With what" }

[[parameters]]
name = "count"
kind = "int"
default = 10000
minimum = 10
maximum = 100000
title = { zh = "个数（线程最多 10,000）", en = "How many (threads: at most 10,000)" }

[[expected]]
check = "lane_count"
arguments = { kind = "task", named = "sleeper", least = "$count" }
when = { variant = "asyncio" }
says = { zh = "每个等待者是一个任务", en = "every sleeper was a task" }

[[expected]]
check = "lane_count"
arguments = { kind = "greenlet", named = "sleeper", least = "$count" }
when = { variant = "gevent" }
says = { zh = "每个等待者是一个 greenlet", en = "every sleeper was a greenlet" }

[[expected]]
check = "lane_count"
arguments = { kind = "thread", most = 1 }
when = { variant = ["asyncio", "gevent"] }
says = { zh = "它们都在一个线程里", en = "all of them were in one thread" }

[[expected]]
check = "lane_count"
arguments = { kind = "thread", named = "sleeper", least = "$count" }
when = { variant = "threads" }
says = { zh = "每个等待者是系统的一个线程", en = "every sleeper was a thread of the system" }

[[expected]]
check = "ready_together"
arguments = { named = "sleeper", least = 100 }
when = { variant = ["asyncio", "gevent"], count = { minimum = 1000 } }
says = { zh = "许多等待者同时就绪，排队等着运行", en = "many sleepers were ready at once and queued for their turn" }

[[runs]]
title = { zh = "一万个 asyncio 任务", en = "10,000 asyncio tasks" }
parameters = { variant = "asyncio" }

[[runs]]
title = { zh = "一万个 greenlet：各带一个小栈", en = "10,000 greenlets, each with a small stack" }
parameters = { variant = "gevent" }

[[runs]]
title = { zh = "一千个线程：由内核创建和调度", en = "1,000 threads, created and scheduled by the kernel" }
parameters = { variant = "threads", count = 1000 }

[[runs]]
title = { zh = "十万个 asyncio 任务", en = "100,000 asyncio tasks" }
parameters = { variant = "asyncio", count = 100000 }
"""

import argparse
import asyncio
import os
import threading
import time

import gevent


async def asyncio_sleeper():
    await asyncio.sleep(1)


async def with_asyncio(count):
    tasks = [asyncio.create_task(asyncio_sleeper()) for _ in range(count)]
    await asyncio.sleep(0)  # let each of them begin
    print_memory(count)
    await asyncio.gather(*tasks)


def gevent_sleeper():
    gevent.sleep(1)


def with_gevent(count):
    greenlets = [gevent.spawn(gevent_sleeper) for _ in range(count)]
    gevent.sleep(0)  # let each of them begin
    print_memory(count)
    gevent.joinall(greenlets)


def thread_sleeper():
    time.sleep(1)


def with_threads(count):
    threads = [threading.Thread(target=thread_sleeper) for _ in range(count)]
    for thread in threads:
        thread.start()
    print_memory(count)
    for thread in threads:
        thread.join()


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def print_memory(count):
    print(f"all have begun: {(resident_bytes() - before) / count / 1000:.1f} kB each")


VARIANTS = {
    "asyncio": lambda count: asyncio.run(with_asyncio(count)),
    "gevent": with_gevent,
    "threads": with_threads,
}
parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=VARIANTS, default="asyncio")
parser.add_argument("--count", type=int, default=10_000)
args = parser.parse_args()
if args.variant == "threads" and args.count > 10_000:
    parser.error("count: at most 10000 with threads")

before, start = resident_bytes(), time.perf_counter()
VARIANTS[args.variant](args.count)
print(f"{args.count} × {args.variant}: {time.perf_counter() - start:.2f} s")
