"""
id = "coroutines-and-processes"
topic = "asyncio"
order = 150
source = "课程：协程要配合进程才能用满多核 · the course: coroutines need processes beside them to use several cores"
time_limit_s = 30
cpu_bound = true

[title]
zh = "协程配合进程，用满多核"
en = "Coroutines beside processes: every core used"

[note]
zh = "一个事件循环在一个线程里运行，上万个协程也只用得上一个核。要用满多核，就起几个进程，每个进程里各有一个事件循环，任务分给它们：进程给的是并行，循环里的协程给的是并发。这里同样多的任务，先由 1 个进程、再由几个进程来做。任务有一部分在等（网络、定时器），有一部分在算；等待在一个循环里就能重叠，只有计算的部分要靠更多的核。许多网络服务器就是这样：每核一个工作进程，各自运行事件循环。协程之间可以直接共享变量，进程之间不行。"
en = "An event loop runs in one thread, so ten thousand coroutines still use one core. To use them all, start several processes, each with an event loop of its own, and share the tasks out: processes give parallelism, the coroutines in each loop give concurrency. Here the same number of tasks is done by 1 process, then by several. Part of a task is waiting (for the network, a timer), part is computing: the waits overlap within one loop already; it is the computing that more cores make faster. Many network servers work this way, one worker process a core, each with an event loop. Coroutines of one loop share variables, processes do not."

[shows]
zh = "同样多的任务：一个循环，或几个进程各一个循环"
en = "The same tasks in one loop, or in processes with a loop each"

[question]
text = { zh = "20 个任务各要计算一会儿，全在一个事件循环里。换成 2 个进程，各一个循环、各 10 个任务（双核），会快多少？", en = "20 tasks that each compute for a while share one event loop. With 2 processes instead, a loop and 10 tasks each, on two cores: how much faster?" }
answers = [
    { zh = "不变：协程已经是并发的了", en = "No faster: coroutines are concurrent already" },
    { zh = "快一些，但不到 2 倍", en = "Faster, but less than twice as fast" },
    { zh = "20 倍", en = "20 times" },
]
correct = 1
explanation = { zh = "一个循环只有一个线程，计算部分在里面只能一个接一个。两个进程各有自己的线程和 GIL，计算可以在两个核上同时进行；每个进程里的任务仍然轮流。启动进程也要时间，所以到不了 2 倍；计算越多，越接近 2 倍。", en = "A loop has one thread in which the computing parts come one after another. Two processes have a thread and a GIL each and can compute on two cores at once; within each of them the tasks still take turns. Starting a process takes time as well, so it stays below twice; the more there is to compute, the nearer it comes." }
when = { processes = 2, tasks = 20 }

[[parameters]]
name = "processes"
kind = "int"
default = 2
minimum = 1
maximum = 8
title = { zh = "进程数", en = "Processes" }

[[parameters]]
name = "tasks"
kind = "int"
default = 20
minimum = 1
maximum = 200
title = { zh = "任务总数", en = "Tasks in all" }

[[expected]]
check = "at_once"
arguments = { kind = "gil", state = "held", named = "Process-", least = 1.15 }
when = { processes = { minimum = 2 }, tasks = { minimum = 10 } }
says = { zh = "几个进程同时在运行各自的协程", en = "several processes ran their coroutines at the same time" }

[[expected]]
check = "lane_count"
arguments = { kind = "loop", least = 2 }
says = { zh = "每个进程有自己的事件循环", en = "each process has an event loop of its own" }

[[expected]]
check = "uses_cores"
arguments = { least = 1.5 }
when = { processes = { minimum = 2 } }
says = { zh = "几个进程同时在几个核上", en = "the processes were on several cores at once" }

[[runs]]
title = { zh = "2 个进程，20 个任务", en = "2 processes, 20 tasks" }

[[runs]]
title = { zh = "4 个进程", en = "4 processes" }
parameters = { processes = 4 }

[[runs]]
title = { zh = "2 个进程，60 个任务", en = "2 processes, 60 tasks" }
parameters = { tasks = 60 }
"""

import argparse
import asyncio
import time
from multiprocessing import Process


async def task():
    for _ in range(5):
        sum(range(300_000))
        await asyncio.sleep(0.01)


async def loop(tasks):
    await asyncio.gather(*[task() for _ in range(tasks)])


def process(tasks):
    asyncio.run(loop(tasks))


def measure(count, tasks):
    start = time.perf_counter()
    shares = [tasks // count + (number < tasks % count) for number in range(count)]
    processes = [Process(target=process, args=[share]) for share in shares]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tasks", type=int, default=20)
    args = parser.parse_args()

    alone = measure(1, args.tasks)
    together = measure(args.processes, args.tasks)
    print(f"1 process, {args.tasks} tasks: {alone:.2f} s")
    print(f"{args.processes} processes, as many in all: {together:.2f} s, speed-up {alone / together:.2f}")
