"""
id = "gil-io"
topic = "gil"
order = 85
source = "课程：“IO 密集型不受 GIL 影响” · the course: I/O-bound work does not suffer from the GIL"
time_limit_s = 30

[title]
zh = "GIL 与 IO 密集"
en = "The GIL and I/O-bound work"

[note]
zh = "线程在睡眠或等待套接字之前会释放 GIL，操作系统唤醒它之后再重新获取。等待时没有人持有 GIL，所以几个线程的等待可以重叠：总时间约等于最长的一次等待，而不是所有等待之和。GIL 几乎空闲；真正短缺的从来不是它，而是数据还没有来。"
en = "Before a thread sleeps or waits for a socket it releases the GIL, and takes it again after the operating system has woken it. Nobody holds the GIL during a wait, so the waits of several threads overlap: the whole takes about as long as the longest wait, not as their sum. The GIL is nearly idle. What is lacking is not the GIL but the data, which have not come yet."

[shows]
zh = "几个线程各等一次：等待怎样排列，GIL 在谁手里"
en = "Threads that wait: how their waits lie, and who holds the GIL"

[question]
text = { zh = "4 个线程各等套接字 1 秒，而 GIL 只有一个。一共要多久？", en = "Four threads each wait 1 s for a socket, and there is one GIL. How long does it take in all?" }
answers = [
    { zh = "约 1 秒", en = "About 1 s" },
    { zh = "约 2 秒", en = "About 2 s" },
    { zh = "约 4 秒", en = "About 4 s" },
]
correct = 0
explanation = { zh = "阻塞的系统调用之前会释放 GIL，等待因此重叠。只有醒来后运行 Python 代码的那几微秒才需要 GIL。", en = "The GIL is released before a blocking system call, so the waits overlap. It is needed only for the microseconds of Python code before and after." }
when = { threads = 4, seconds = 1.0, variant = "socket" }

[[parameters]]
name = "variant"
kind = "choice"
default = "socket"
choices = ["socket", "sleep"]
labels = { socket = { zh = "套接字", en = "a socket" }, sleep = { zh = "定时（sleep）", en = "a sleep" } }
title = { zh = "等什么", en = "What is waited for" }

[[parameters]]
name = "threads"
kind = "int"
default = 4
minimum = 1
maximum = 50
title = { zh = "线程数", en = "Threads" }

[[parameters]]
name = "seconds"
kind = "float"
default = 1.0
minimum = 0.1
maximum = 5
unit = "s"
title = { zh = "每次等待", en = "Each wait" }

[[expected]]
check = "as_long_as_the_longest"
arguments = { kind = "thread", named = "read_socket", state = "read", most = 1.5 }
when = { variant = "socket" }
says = { zh = "各线程的等待重叠", en = "the threads' waits overlapped" }

[[expected]]
check = "as_long_as_the_longest"
arguments = { kind = "thread", named = "sleep", state = "sleep", most = 1.5 }
when = { variant = "sleep" }
says = { zh = "各线程的睡眠重叠", en = "the threads slept at the same time" }

[[expected]]
check = "share_of_life"
arguments = { kind = "gil", state = "held", most = 0.3 }
says = { zh = "GIL 大部分时间空闲", en = "the GIL was free most of the time" }

[[runs]]
title = { zh = "4 个线程等套接字", en = "4 threads wait for a socket" }

[[runs]]
title = { zh = "只有 1 个线程：时间并不更短", en = "A single thread: no quicker" }
parameters = { threads = 1 }

[[runs]]
title = { zh = "50 个线程：时间几乎一样", en = "50 threads: hardly any slower" }
parameters = { threads = 50 }
"""

import argparse
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["socket", "sleep"], default="socket")
parser.add_argument("--threads", type=int, default=4)
parser.add_argument("--seconds", type=float, default=1.0)
args = parser.parse_args()

listener = socket.create_server(("127.0.0.1", 0), backlog=args.threads)


def slow_server():
    connections = [listener.accept()[0] for _ in range(args.threads)]
    time.sleep(args.seconds)
    for connection in connections:
        connection.sendall(b"late")


def read_socket():
    with socket.socket() as connection:
        connection.connect(listener.getsockname())
        connection.recv(100)


def sleep():
    time.sleep(args.seconds)


if args.variant == "socket":
    threading.Thread(target=slow_server, name="server").start()

start = time.perf_counter()
waiter = read_socket if args.variant == "socket" else sleep
threads = [threading.Thread(target=waiter) for _ in range(args.threads)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{args.threads} waits of {args.seconds:g} s took {time.perf_counter() - start:.2f} s")
