"""
id = "io-nonblocking"
topic = "io"
order = 190
source = "课程：非阻塞 IO；W. Richard Stevens, UNIX Network Programming, 6.2 I/O Models"
time_limit_s = 30

[title]
zh = "非阻塞 IO：一遍遍地问"
en = "Non-blocking I/O: asking again and again"

[note]
zh = "把套接字设为非阻塞以后，没有数据时 recv 不再等待，而是立刻失败，错误是 EAGAIN（Python 里是 BlockingIOError）。程序可以先做别的事，但得自己一遍遍地再问。空转地问，等待阶段就变成了满负荷的 CPU；每问一次就睡一会儿，CPU 省下来了，数据到了却要过一会儿才知道。“非阻塞”只是不等：数据到了以后，复制仍由调用者自己在 recv 里做，这期间它同样不能做别的事。"
en = "On a non-blocking socket recv does not wait when there are no data: it fails at once with EAGAIN (in Python, BlockingIOError). The program may do something else meanwhile, but has to ask again and again by itself. Asking without a pause turns the wait into a fully loaded CPU; a nap after each try saves the CPU, but then data that have come are noticed only a little later. Non-blocking only means not waiting: once the data are there, the caller still copies them itself inside recv, and can do nothing else during the copy."

[shows]
zh = "数据到来之前的每一次 recv，和这期间的 CPU"
en = "Every recv before the data come, and the CPU meanwhile"

[question]
text = { zh = "把套接字设为非阻塞，每次得到 EAGAIN 就再问一次，直到 1 秒后数据到来。与阻塞的 recv 相比？", en = "The socket is non-blocking, and after every EAGAIN the program asks again until the data come after 1 s. Compared with a blocking recv?" }
answers = [
    { zh = "数据来得更早", en = "The data come sooner" },
    { zh = "数据一样晚，CPU 却一直在忙", en = "The data come no sooner, but the CPU is busy all the time" },
    { zh = "数据一样晚，CPU 同样空闲", en = "The data come no sooner, and the CPU is just as idle" },
    { zh = "连复制也省掉了", en = "Even the copy is saved" },
]
correct = 1
explanation = { zh = "数据什么时候来，不由读的人决定。不睡着等，就得一遍遍地问，每一遍都要用 CPU；复制一点也没有省。", en = "When the data come is not the reader's to decide. A reader that does not sleep has to ask again and again, each time at the cost of CPU. The copy is not saved either." }
when = { variant = "spin", seconds = 1.0 }

[[parameters]]
name = "variant"
kind = "choice"
default = "spin"
choices = ["spin", "nap"]
labels = { spin = { zh = "马上再问（空转）", en = "ask at once (spin)" }, nap = { zh = "睡 10 毫秒再问", en = "nap 10 ms, then ask" } }
title = { zh = "EAGAIN 之后", en = "After EAGAIN" }

[[parameters]]
name = "seconds"
kind = "float"
default = 1.0
minimum = 0.1
maximum = 3
unit = "s"
title = { zh = "数据多久以后才来", en = "Data come after" }

[[expected]]
check = "reads_refused"
arguments = { named = "MainThread", least = 5 }
says = { zh = "数据到来之前，每次读都立刻返回 EAGAIN", en = "until the data came, every read returned at once with EAGAIN" }

[[expected]]
check = "copies_without_waiting"
arguments = { named = "MainThread" }
says = { zh = "最后一次读不等待，由调用者自己复制", en = "the last read did not wait, and the caller did the copying" }

[[expected]]
check = "share_of_life"
arguments = { kind = "cpu", named = "MainThread", state = ["running", "preempted"], least = 0.6 }
when = { variant = "spin" }
says = { zh = "调用者几乎一直占着或抢着 CPU", en = "the caller was on the CPU, or wanted it, nearly all the time" }

[[expected]]
check = "share_of_life"
arguments = { kind = "cpu", named = "MainThread", state = "off-cpu", least = 0.4 }
when = { variant = "nap" }
says = { zh = "两次询问之间睡着，CPU 省下来了", en = "it slept between two tries and saved the CPU" }

[[runs]]
title = { zh = "空转：马上再问", en = "Spin: ask again at once" }
parameters = { variant = "spin" }

[[runs]]
title = { zh = "每次睡 10 毫秒：省 CPU，但晚知道", en = "Nap 10 ms: saves the CPU, notices later" }
parameters = { variant = "nap" }
"""

import argparse
import socket
import threading
import time


def spin():
    sum(range(10_000))


def nap():
    time.sleep(0.01)


MEANWHILE = {"spin": spin, "nap": nap}
parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=MEANWHILE, default="spin")
parser.add_argument("--seconds", type=float, default=1.0)
args = parser.parse_args()

ours, theirs = socket.socketpair()
ours.setblocking(False)


def send_late():
    time.sleep(args.seconds)
    theirs.sendall(b"x" * 32768)


threading.Thread(target=send_late, name="sender").start()

refused, cpu, data = 0, time.thread_time(), None
while data is None:
    try:
        data = ours.recv(65536)  # copies what is there, or fails at once
    except BlockingIOError:  # EAGAIN
        refused += 1
        MEANWHILE[args.variant]()
cpu = time.thread_time() - cpu
print(f"{refused} × EAGAIN, then {len(data)} bytes; {cpu:.2f} s on the CPU")
