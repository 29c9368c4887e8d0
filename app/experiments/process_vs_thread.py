"""
id = "process-vs-thread"
topic = "process"
order = 20
source = "课程：进程与线程 · the course: processes and threads"
time_limit_s = 30

[title]
zh = "进程是资源单位，线程是调度单位"
en = "A process owns resources, a thread is scheduled"

[note]
zh = "进程是资源分配的单位：内存、打开的文件、PID 都属于它。线程是系统调度的最小单位，一个进程至少有一个线程。同一进程的线程共享内存，所以它们 append 的是同一个列表；子进程有自己的内存和自己的 PID，append 的是自己那一份，父进程的列表始终是空的。进程之间要交换数据，得用队列、管道之类的办法。"
en = "A process is the unit of resource allocation: memory, open files and a PID belong to it. A thread is the smallest unit that the system schedules, and every process has at least one. Threads of one process share its memory, so they all append to one list. A child process has its own memory and its own PID and appends to its own copy: the parent's list stays empty. To exchange data, processes need something else, such as a queue or a pipe."

[shows]
zh = "线程和子进程各改“同一个”列表：改动落在谁那里"
en = "Appending from threads and from child processes: to whose list"

[question]
text = { zh = "3 个线程、3 个子进程，各自向“同一个”列表 append 一次。最后主进程里的两个列表有多长？", en = "3 threads and 3 child processes each append once to “the same” list. How long are the main process's two lists at the end?" }
answers = [
    { zh = "3 和 3", en = "3 and 3" },
    { zh = "3 和 0", en = "3 and 0" },
    { zh = "0 和 3", en = "0 and 3" },
    { zh = "1 和 0", en = "1 and 0" },
]
correct = 1
explanation = { zh = "线程共享内存，都加到了同一个列表上。每个子进程只改了自己内存里的那一份，随它结束而消失。", en = "Threads share memory and all append to the same list. Each child process changed only the copy in its own memory, which is gone with the process." }
when = { variant = "both", workers = 3 }

[[parameters]]
name = "variant"
kind = "choice"
default = "both"
choices = ["both", "threads", "processes"]
labels = { both = { zh = "线程和进程", en = "both" }, threads = { zh = "线程", en = "threads" }, processes = { zh = "进程", en = "processes" } }
title = { zh = "用什么", en = "With what" }

[[parameters]]
name = "workers"
kind = "int"
default = 3
minimum = 1
maximum = 16
title = { zh = "各几个", en = "How many of each" }

[[expected]]
check = "lane_count"
arguments = { kind = "process", named = "Process-", least = "$workers" }
when = { variant = ["both", "processes"] }
says = { zh = "每个子进程都是单独的进程，有自己的 PID", en = "every child is a process with a PID of its own" }

[[expected]]
check = "lane_count"
arguments = { kind = "process", most = 1 }
when = { variant = "threads" }
says = { zh = "所有线程都在同一个进程里", en = "all threads are in one process" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["Thread: $workers items"] }
when = { variant = ["both", "threads"] }
says = { zh = "线程 append 的是同一个列表", en = "the threads appended to one list" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["Process: 0 items"] }
when = { variant = ["both", "processes"] }
says = { zh = "子进程没有改动父进程的列表", en = "the child processes did not touch the parent's list" }

[[runs]]
title = { zh = "线程：同一个列表", en = "Threads: one list" }
parameters = { variant = "threads" }

[[runs]]
title = { zh = "进程：各有一份", en = "Processes: one copy each" }
parameters = { variant = "processes" }
"""

import argparse
import os
import time
from multiprocessing import Process
from threading import Thread

TYPES = {"both": [Thread, Process], "threads": [Thread], "processes": [Process]}


def append(items, number):
    items.append(number)
    time.sleep(0.3)
    print(f"worker {number} in PID {os.getpid()}: {items}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=TYPES, default="both")
    parser.add_argument("--workers", type=int, default=3)
    args = parser.parse_args()

    for worker_type in TYPES[args.variant]:
        items = []
        workers = [worker_type(target=append, args=[items, number]) for number in range(args.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print(f"{worker_type.__name__}: {len(items)} items in the main process, PID {os.getpid()}")
