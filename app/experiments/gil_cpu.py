"""
id = "gil-cpu"
topic = "gil"
order = 80
cpu_bound = true
source = "David Beazley, Understanding the Python GIL (2010)：倒数 · counting down"
time_limit_s = 30

[title]
zh = "GIL 与 CPU 密集"
en = "The GIL and CPU-bound work"

[note]
zh = "同样多的倒数，先由 1 个、再由 2 个、4 个线程平分。拿着 GIL 的线程才能运行 Python 代码，所以线程只是轮流运行：别的线程等满切换间隔（默认 5 毫秒）就请求换手，时间片交替而从不重叠，总时间并不缩短。换成进程，每个进程有自己的解释器和自己的 GIL，就能同时在几个核上运行。课程里说“每个 CPU 一个 GIL”不准确：GIL 属于解释器，通常也就是每个进程一个，与 CPU 的个数无关。自由线程版 Python（3.13 起）没有 GIL。"
en = "The same countdown is shared out among 1, then 2, then 4 threads. Only the thread that holds the GIL runs Python code, so threads merely take turns: one that has waited for the switch interval (5 ms by default) asks for the GIL, slices alternate and never overlap, and the whole takes no less time. Each process has an interpreter and a GIL of its own, so processes do run on several cores at once. “One GIL per CPU”, as one may hear, is loose: the GIL belongs to an interpreter, so usually there is one per process, whatever the number of CPUs. A free-threaded Python (since 3.13) has none."

[shows]
zh = "计算分给几个线程或进程：GIL 在谁手里，核上是谁"
en = "Computing shared out: who holds the GIL, and who is on a core"

[question]
text = { zh = "一段纯 Python 计算要 1 秒。在双核机器上分给 2 个线程，各做一半，共要多久？", en = "A pure Python computation takes 1 s. Shared between 2 threads on a two-core machine, half each, how long does it take?" }
answers = [
    { zh = "约 0.5 秒", en = "About 0.5 s" },
    { zh = "约 1 秒", en = "About 1 s" },
    { zh = "约 2 秒", en = "About 2 s" },
]
correct = 1
explanation = { zh = "任何时刻只有一个线程持有 GIL，两个线程轮流运行，工作总量没变，所以还是约 1 秒（再加一点切换的代价）。用 2 个进程才会接近 0.5 秒。", en = "At any moment one thread holds the GIL. The two take turns at the same amount of work, so it is still about 1 s, and a little more for the switching. Two processes come near 0.5 s." }
when = { variant = "threads" }

[[parameters]]
name = "variant"
kind = "choice"
default = "threads"
choices = ["threads", "processes"]
labels = { threads = { zh = "线程", en = "threads" }, processes = { zh = "进程", en = "processes" } }
title = { zh = "用线程还是进程", en = "Threads or processes" }

[[parameters]]
name = "most"
kind = "int"
default = 4
minimum = 1
maximum = 16
title = { zh = "最多几个（1、2、4……）", en = "Workers at most (1, 2, 4 …)" }

[[parameters]]
name = "count"
kind = "int"
default = 10000000
minimum = 100000
maximum = 50000000
title = { zh = "每轮共倒数多少", en = "Countdown per round, in all" }

[baseline]
variant = "threads"

[[expected]]
check = "in_turn"
arguments = { kind = "thread", named = "count_down", state = "running" }
when = { variant = "threads", most = { minimum = 2 } }
needs = ["gil"]
says = { zh = "没有两个线程同时持有 GIL", en = "no two threads held the GIL at once" }

[[expected]]
check = "at_once"
arguments = { kind = "gil", state = "held", least = 1.15 }
when = { variant = "processes", most = { minimum = 2 } }
says = { zh = "每个进程有自己的 GIL，几个 GIL 同时被持有", en = "each process has a GIL of its own, and several were held at once" }

[[expected]]
check = "uses_cores"
arguments = { least = 1.5 }
when = { variant = "processes", most = { minimum = 2 } }
says = { zh = "几个进程同时在几个核上运行", en = "the processes ran on several cores at once" }

[[expected]]
check = "cores_in_turn"
arguments = { most = 1.3 }
when = { variant = "threads", most = { minimum = 2 } }
says = { zh = "几个线程合起来只用了大约一个核", en = "all threads together used about one core" }

[[runs]]
title = { zh = "线程：轮流持有一个 GIL", en = "Threads take turns with one GIL" }
parameters = { variant = "threads" }

[[runs]]
title = { zh = "进程：各有一个 GIL，能用多个核", en = "Processes have a GIL each and use the cores" }
parameters = { variant = "processes" }
"""

import argparse
import multiprocessing
import threading
import time


def count_down(number):
    while number > 0:
        number -= 1


def measure(worker_type, workers, count):
    start = time.perf_counter()
    all_workers = [worker_type(target=count_down, args=[count // workers]) for _ in range(workers)]
    for worker in all_workers:
        worker.start()
    for worker in all_workers:
        worker.join()
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=["threads", "processes"], default="threads")
    parser.add_argument("--most", type=int, default=4)
    parser.add_argument("--count", type=int, default=10_000_000)
    args = parser.parse_args()

    worker_type = threading.Thread if args.variant == "threads" else multiprocessing.Process
    workers, alone = 1, None
    while workers <= args.most:
        seconds = measure(worker_type, workers, args.count)
        alone = alone or seconds
        print(f"{workers} {args.variant}: {seconds:.2f} s, speed-up {alone / seconds:.2f}")
        workers *= 2
