"""
id = "no-gil"
topic = "gil"
order = 100
source = "PEP 703、PEP 779；与“GIL 与 CPU 密集”同样的倒数 · PEP 703, PEP 779; the countdown of “The GIL and CPU-bound work”"
time_limit_s = 30
cpu_bound = true
requires = ["free-threaded"]

[title]
zh = "自由线程：没有 GIL 的 Python"
en = "Free threading: Python without the GIL"

[note]
zh = "GIL 最初是为内存管理而设的：引用计数的加减不是原子的，一把大锁最省事。自由线程版（3.13 起，PEP 703；可执行文件常叫 python3.13t、python3.14t）去掉了它，改用偏向引用计数，并给字典、列表等对象各配一把细锁。于是纯 Python 的线程也能同时在几个核上运行，这与“GIL 与 CPU 密集”是同一段倒数，结果却不同。代价：单线程略慢（3.13 约慢四成，3.14 起约一成），有的 C 扩展还不支持。没有 GIL 不等于线程安全：counter = counter + 1 照样会丢，反而更容易丢，锁仍然要加。这里的时间线没有 GIL 泳道，因为根本没有 GIL。"
en = "The GIL was put in for memory management: counting references up and down is not atomic, and one big lock was the simplest way. The free-threaded build (since 3.13, PEP 703; the program is often called python3.13t or python3.14t) does without: it counts references with a bias towards the owning thread and gives dicts, lists and other objects a small lock each. So threads of pure Python do run on several cores at once: this is the countdown of “The GIL and CPU-bound work”, with another result. The price: a single thread is slower (by some 40 % in 3.13, about 10 % since 3.14), and some C extensions do not support it yet. No GIL does not mean thread-safe: counter = counter + 1 still loses updates, more easily than before, and locks are needed as ever. There is no lane of a GIL on this timeline, because there is no GIL."

[shows]
zh = "同样的倒数，没有 GIL：核上是谁"
en = "The same countdown without a GIL: who is on a core"

[question]
text = { zh = "一段纯 Python 计算要 1 秒。在自由线程版上分给 2 个线程（双核），各做一半，共要多久？", en = "A pure Python computation takes 1 s. On a free-threaded Python with two cores it is shared between 2 threads, half each. How long does it take?" }
answers = [
    { zh = "约 0.5 秒", en = "About 0.5 s" },
    { zh = "约 1 秒", en = "About 1 s" },
    { zh = "约 2 秒", en = "About 2 s" },
]
correct = 0
explanation = { zh = "没有 GIL，两个线程互不等待，同时在两个核上各算一半。普通版的 Python 上则约 1 秒。", en = "Without a GIL neither thread waits for the other; each computes its half on a core of its own. On an ordinary Python it is about 1 s." }

[[parameters]]
name = "most"
kind = "int"
default = 4
minimum = 1
maximum = 16
title = { zh = "最多几个线程（1、2、4……）", en = "Threads at most (1, 2, 4 …)" }

[[parameters]]
name = "count"
kind = "int"
default = 6000000
minimum = 100000
maximum = 50000000
title = { zh = "每轮共倒数多少", en = "Countdown per round, in all" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["GIL: no"] }
says = { zh = "这个解释器没有 GIL", en = "this interpreter has no GIL" }

[[expected]]
check = "stay_count"
arguments = { kind = "thread", state = ["gil-wait", "no-gil"], most = 0 }
says = { zh = "没有线程等过 GIL", en = "no thread ever waited for a GIL" }

[[expected]]
check = "uses_cores"
arguments = { least = 1.5 }
when = { most = { minimum = 2 } }
says = { zh = "线程同时在几个核上运行", en = "threads ran on several cores at once" }

[[runs]]
title = { zh = "1、2、4 个线程", en = "1, 2, 4 threads" }

[[runs]]
title = { zh = "只有 1 个线程", en = "A single thread" }
parameters = { most = 1 }
"""

import argparse
import sys
import threading
import time


def count_down(number):
    while number > 0:
        number -= 1


def measure(workers, count):
    start = time.perf_counter()
    threads = [threading.Thread(target=count_down, args=[count // workers]) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


parser = argparse.ArgumentParser()
parser.add_argument("--most", type=int, default=4)
parser.add_argument("--count", type=int, default=6_000_000)
args = parser.parse_args()

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()  # new in 3.13
print(f"Python {sys.version.split()[0]}, GIL: {'yes' if has_gil else 'no'}", flush=True)
workers, alone = 1, None
while workers <= args.most:
    seconds = measure(workers, args.count)
    alone = alone or seconds
    print(f"{workers} threads: {seconds:.2f} s, speed-up {alone / seconds:.2f}", flush=True)
    workers *= 2
