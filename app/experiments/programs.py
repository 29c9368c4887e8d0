"""
id = "programs"
topic = "process"
order = 10
source = "课程：多道程序与进程 · the course: several programs in memory, and processes"
time_limit_s = 30
cpu_bound = true

[title]
zh = "多道程序：进程并发"
en = "Several programs at once"

[note]
zh = "进程是程序的一次执行：同一个程序运行 4 次就是 4 个进程，各有自己的 PID 和内存。内存里同时放几道程序，CPU 便可以在它们之间切换，这就是并发的开端。核不够分时，内核按时间片轮流：一个进程正算到一半，核就被收走，给了别人（被抢占），它随时可以继续，只是要等。并发是“都在进行中”，并行是“同一瞬间都在运行”：一个核上只有并发，几个核上才有并行，而且同一瞬间运行的不会比核多。所以计算量总和不变，总时间约为“进程数 ÷ 核数”倍。"
en = "A process is one execution of a program: the same program run 4 times is 4 processes, each with a PID and memory of its own. With several of them in memory the CPU can be switched from one to another, and that is where concurrency began. Where there are fewer cores than processes the kernel deals out time slices: in the midst of its computation a process loses its core to another (it is preempted) and could go on at any moment, but has to wait. Concurrent means that all are under way; parallel means that several run at the same instant. One core gives concurrency only; several cores give parallelism too, but never more at one instant than there are cores. So the whole takes about processes ÷ cores times as long as one of them."

[shows]
zh = "进程比核多时，内核怎样分配核"
en = "How the kernel shares out the cores when there are more processes"

[question]
text = { zh = "4 个进程各要计算 0.1 秒，机器有 2 个核。每个进程从开始到结束要多久？", en = "4 processes each need 0.1 s of computing, on a machine with 2 cores. How long is each of them under way?" }
answers = [
    { zh = "约 0.1 秒：它们是并发的", en = "About 0.1 s: they are concurrent" },
    { zh = "约 0.2 秒：时间片轮流，大家一起变慢", en = "About 0.2 s: slices go round, all of them are slowed down" },
    { zh = "先来的两个 0.1 秒，后来的两个 0.2 秒", en = "The first two 0.1 s, the last two 0.2 s" },
]
correct = 1
explanation = { zh = "2 个核在 0.2 秒里只能给出 0.4 秒的计算时间，正好够 4 × 0.1 秒。内核不等先来的算完，而是隔几毫秒就换一个进程，所以四个几乎同时结束。（机器给不足 2 个核时还会更久。）", en = "In 0.2 s two cores yield 0.4 s of computing, just what 4 × 0.1 s need. The kernel does not wait for the first ones to finish but switches every few milliseconds, so all four end at about the same time. (On a machine that gives less than 2 cores it takes longer still.)" }
when = { cores = "all", programs = 4 }

[[parameters]]
name = "cores"
kind = "choice"
default = "all"
choices = ["all", "one"]
labels = { all = { zh = "所有的核", en = "all" }, one = { zh = "一个核", en = "one" } }
title = { zh = "用几个核", en = "Cores to use" }

[[parameters]]
name = "programs"
kind = "int"
default = 4
minimum = 1
maximum = 16
title = { zh = "进程数", en = "Processes" }

[[parameters]]
name = "count"
kind = "int"
default = 5000000
minimum = 100000
maximum = 50000000
title = { zh = "每个进程倒数多少", en = "Countdown of each process" }

[[expected]]
check = "stay_count"
arguments = { kind = "cpu", state = "preempted", named = "MainThread", least = 3 }
when = { programs = { minimum = 4 } }
says = { zh = "核不够分，内核抢占了正在计算的进程", en = "there were not enough cores, and the kernel preempted processes in the midst of computing" }

[[expected]]
check = "cores_in_turn"
arguments = { most = 1.1 }
when = { cores = "one" }
says = { zh = "只有一个核：任何时刻至多一个进程在运行", en = "with one core no two processes ran at the same time" }

[[expected]]
check = "uses_cores"
arguments = { least = 1.5 }
when = { cores = "all", programs = { minimum = 2 } }
says = { zh = "几个进程同时在几个核上运行", en = "processes ran on several cores at once" }

[[expected]]
check = "at_once"
arguments = { kind = "process", share = 0.6 }
when = { programs = { minimum = 2 } }
says = { zh = "几个进程同时都在进行中", en = "the processes were under way at the same time" }

[[runs]]
title = { zh = "4 个进程，所有的核", en = "4 processes, all cores" }

[[runs]]
title = { zh = "4 个进程，一个核：只有并发", en = "4 processes, one core: concurrent only" }
parameters = { cores = "one" }

[[runs]]
title = { zh = "1 个进程：没有人来抢", en = "1 process: nobody takes its core" }
parameters = { programs = 1 }
"""

import argparse
import os
import time
from multiprocessing import Process


def program(count):
    start = time.perf_counter()
    while count > 0:
        count -= 1
    passed, computed = time.perf_counter() - start, time.process_time()
    print(f"PID {os.getpid()}: {passed:.2f} s, {computed:.2f} s on a core", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cores", choices=["all", "one"], default="all")
    parser.add_argument("--programs", type=int, default=4)
    parser.add_argument("--count", type=int, default=5_000_000)
    args = parser.parse_args()

    if args.cores == "one":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # inherited by the processes it starts

    start = time.perf_counter()
    processes = [Process(target=program, args=[args.count]) for _ in range(args.programs)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    cores = len(os.sched_getaffinity(0))
    print(f"{args.programs} processes on {cores} cores took {time.perf_counter() - start:.2f} s")
