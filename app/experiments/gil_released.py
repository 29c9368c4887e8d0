"""
id = "gil-released"
topic = "gil"
order = 90
source = "hashlib、zlib、bz2 的文档与源码（Py_BEGIN_ALLOW_THREADS） · documentation and source of hashlib, zlib, bz2"
time_limit_s = 30
cpu_bound = true

[title]
zh = "C 扩展释放 GIL"
en = "The GIL, released in C"

[note]
zh = "GIL 只管 Python 代码。C 扩展在做长时间计算、又不碰 Python 对象时，可以先释放 GIL，算完再取回：hashlib（数据超过 2047 字节时）、zlib、bz2、NumPy 的许多运算都这样做。于是几个线程真的同时在几个核上计算，GIL 反而几乎空闲。所以“Python 的线程用不上多核”只对纯 Python 代码成立。时间线上，线程此时的状态是“未持有 GIL”而非“运行”：它在 C 代码里运行。选“纯 Python”，就是同样形状的计算，拿来对照。"
en = "The GIL guards Python code only. An extension in C that computes for long without touching Python objects may release it first and take it again afterwards: hashlib (for data of more than 2047 bytes), zlib, bz2 and many operations of NumPy do so. Then several threads really compute at the same time on several cores, and the GIL is nearly idle. So “threads in Python cannot use several cores” holds for pure Python code only. On the timeline such a thread is in the state “without the GIL”, not “running”: it runs, in C code. “Pure Python” is a computation of the same shape, to compare."

[shows]
zh = "几个线程在 C 代码里计算：GIL 在谁手里，核上是谁"
en = "Threads computing in C: who holds the GIL, and who is on a core"

[question]
text = { zh = "一个线程算一份 SHA-256 要 1 秒。双核机器上，两个线程各算一份，共要多久？", en = "One thread takes 1 s for a SHA-256. On two cores, two threads compute one each. How long does it take?" }
answers = [
    { zh = "约 1 秒", en = "About 1 s" },
    { zh = "约 2 秒：有 GIL，只能轮流", en = "About 2 s: with the GIL they take turns" },
    { zh = "2 秒多：还要加上切换的代价", en = "More than 2 s: there is the switching as well" },
]
correct = 0
explanation = { zh = "hashlib 在 C 里计算时释放了 GIL，两个线程互不相干，可以在两个核上同时算。换成纯 Python 的计算，才是约 2 秒。", en = "hashlib releases the GIL while it computes in C; the two threads have nothing to do with each other and use both cores. It would be about 2 s with a computation in pure Python." }
when = { variant = "hashlib", threads = 2 }

[[parameters]]
name = "variant"
kind = "choice"
default = "hashlib"
choices = ["hashlib", "zlib", "bz2", "python"]
labels = { python = { zh = "纯 Python", en = "pure Python" } }
title = { zh = "算什么", en = "What is computed" }

[[parameters]]
name = "threads"
kind = "int"
default = 2
minimum = 1
maximum = 16
title = { zh = "线程数", en = "Threads" }

[[parameters]]
name = "rounds"
kind = "int"
default = 10
minimum = 1
maximum = 50
title = { zh = "每个线程算几份", en = "Pieces per thread" }

[[expected]]
check = "at_once"
arguments = { kind = "thread", named = "(work)", state = "no-gil", least = 1.15 }
when = { variant = ["hashlib", "zlib", "bz2"], threads = { minimum = 2 } }
needs = ["gil"]
says = { zh = "几个线程释放了 GIL，同时在 C 代码里计算", en = "several threads computed in C at the same time, without the GIL" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "(work)", state = "no-gil", least = 0.7 }
when = { variant = ["hashlib", "zlib", "bz2"] }
needs = ["gil"]
says = { zh = "计算几乎都在 GIL 之外进行", en = "nearly all of the computing was done without the GIL" }

[[expected]]
check = "in_turn"
arguments = { kind = "thread", named = "(work)", state = "running" }
when = { variant = "python", threads = { minimum = 2 } }
needs = ["gil"]
says = { zh = "纯 Python 的计算只能轮流", en = "computations in pure Python took turns" }

[[expected]]
check = "uses_cores"
arguments = { named = "(work)", least = 1.5 }
when = { variant = ["hashlib", "zlib", "bz2"], threads = { minimum = 2 } }
says = { zh = "几个线程同时在几个核上", en = "the threads were on several cores at once" }

[[runs]]
title = { zh = "hashlib：释放 GIL", en = "hashlib releases the GIL" }

[[runs]]
title = { zh = "bz2：也释放 GIL", en = "bz2 releases it too" }
parameters = { variant = "bz2" }

[[runs]]
title = { zh = "纯 Python：轮流", en = "Pure Python takes turns" }
parameters = { variant = "python" }
"""

import argparse
import bz2
import hashlib
import os
import threading
import time
import zlib


def loop(data):
    for _byte in data:
        pass


JOBS = {
    "hashlib": (hashlib.sha256, 40_000_000),
    "zlib": (zlib.compress, 1_000_000),
    "bz2": (bz2.compress, 150_000),
    "python": (loop, 2_000_000),
}


def work():
    for _ in range(args.rounds):
        function(data)


def measure(count):
    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["hashlib", "zlib", "bz2", "python"], default="hashlib")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=10)
args = parser.parse_args()

function, size = JOBS[args.variant]
data = os.urandom(size)
alone = measure(1)
together = measure(args.threads)
print(f"1 thread: {alone:.2f} s")
print(f"{args.threads} threads, as much each: {together:.2f} s, speed-up {args.threads * alone / together:.2f}")
