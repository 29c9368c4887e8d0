"""
id = "gil-convoy"
topic = "gil"
order = 95
cpu_bound = true
source = "David Beazley, Understanding the Python GIL (2010)：护航效应 · the convoy effect；bugs.python.org/issue7946"
time_limit_s = 30

[title]
zh = "GIL 的护航效应"
en = "The GIL's convoy effect"

[note]
zh = "一个线程把收到的字节原样送回（echo），客户端是另一个进程，收到回音才发下一个请求。单独运行时很快。旁边再放一个纯计算的线程，每次 recv 返回之后，echo 线程都要重新获取 GIL，而计算线程要等它请求并等满一个切换间隔（默认 5 毫秒）才交出来；刚拿到 GIL，下一次 recv 或 send 又把它放掉了。每个请求只需几微秒的 Python 代码，却要为它等上几毫秒，吞吐量跌到几十分之一甚至几百分之一。IO 线程像轿车跟在卡车后面，所以叫护航效应（convoy）。sys.setswitchinterval 调小间隔可以缓解，代价是计算线程切换得更勤。只做 IO 的程序不受影响；受影响的是 IO 和计算混在一个进程里的程序，把计算放进另一个进程就好了。"
en = "A thread sends back each byte it gets (an echo); its client, another process, sends the next request when the answer has come. By itself that is fast. Put a thread beside it that only computes, and each time recv returns the echo thread has to get the GIL back, which the computing thread gives up only when asked and after a full switch interval (5 ms by default); and no sooner has it the GIL than the next recv or send releases it again. A request needs a few microseconds of Python code and waits milliseconds for them: throughput falls to a small part. The I/O thread is like a car behind a lorry, hence the name. A shorter interval (sys.setswitchinterval) helps, for which the computing threads are switched more often. A program that does only I/O does not suffer; one that mixes it with computing in one process does, and is cured by moving the computing to another process."

[shows]
zh = "IO 线程旁边有一个只做计算的线程：每次醒来要等多久"
en = "An I/O thread beside one that computes: how long it waits at each wake-up"

[question]
text = { zh = "echo 线程每秒能应答几万次。旁边加一个纯计算的线程（两个核），它还剩多少？", en = "The echo thread answers tens of thousands of requests a second. Add one thread that computes (there are two cores). What is left of it?" }
answers = [
    { zh = "差不多：还有一个核空着", en = "Nearly all: another core is free" },
    { zh = "约一半：两个线程平分", en = "About half: two threads share" },
    { zh = "不到十分之一", en = "Less than a tenth" },
]
correct = 2
explanation = { zh = "每个请求都要重新争一次 GIL，计算线程每次都占满约 5 毫秒才放手，所以每秒只剩一百多到一千来次。多一个空着的核也帮不上忙：缺的不是核，是 GIL。", en = "Each request has to win the GIL anew, and the computing thread keeps it for about 5 ms each time: what is left is a hundred or so to a thousand requests a second. A free core is no help: what is lacking is not a core but the GIL." }
when = { spinners = 1, interval = 5.0 }

[[parameters]]
name = "spinners"
kind = "int"
default = 1
minimum = 1
maximum = 8
title = { zh = "计算线程数", en = "Computing threads" }

[[parameters]]
name = "interval"
kind = "float"
default = 5.0
minimum = 0.01
maximum = 100
unit = "ms"
title = { zh = "切换间隔", en = "Switch interval" }

[[parameters]]
name = "requests"
kind = "int"
default = 300
minimum = 10
maximum = 1000
title = { zh = "请求数", en = "Requests" }

[[expected]]
check = "typical_stay"
arguments = { kind = "thread", named = "(echo)", state = "gil-wait", least_s = 0.0025 }
when = { interval = { minimum = 5.0 } }
needs = ["gil"]
says = { zh = "echo 线程每次都要等 GIL 等上约一个切换间隔", en = "the echo thread waited about a switch interval for the GIL each time" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "(echo)", state = "gil-wait", least = 0.3 }
when = { interval = { minimum = 5.0 } }
needs = ["gil"]
says = { zh = "echo 线程的很大一部分时间花在等 GIL 上", en = "the echo thread spent much of its life waiting for the GIL" }

[[runs]]
title = { zh = "间隔 5 毫秒（默认）", en = "Interval 5 ms, the default" }

[[runs]]
title = { zh = "间隔 0.05 毫秒：缓解", en = "Interval 0.05 ms: eased" }
parameters = { interval = 0.05 }

[[runs]]
title = { zh = "4 个计算线程", en = "4 computing threads" }
parameters = { spinners = 4, requests = 100 }
"""

import argparse
import socket
import sys
import threading
import time
from multiprocessing import Process


def echo(connection):
    while request := connection.recv(100):
        connection.sendall(request)


def client(address, requests, label):
    with socket.create_connection(address) as connection:
        start = time.perf_counter()
        for _ in range(requests):
            connection.sendall(b"hello")
            connection.recv(100)
        print(f"{label}: {requests / (time.perf_counter() - start):.0f} requests/s", flush=True)


def spin():
    while not done:
        sum(range(100))


def serve(label):
    process = Process(target=client, args=[listener.getsockname(), args.requests, label])
    process.start()
    connection, _address = listener.accept()
    thread = threading.Thread(target=echo, args=[connection])
    thread.start()
    thread.join()
    process.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--spinners", type=int, default=1)
    parser.add_argument("--interval", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=300)
    args = parser.parse_args()
    sys.setswitchinterval(args.interval / 1000)

    listener = socket.create_server(("127.0.0.1", 0))
    serve("echo alone")
    done = False
    for _ in range(args.spinners):
        threading.Thread(target=spin).start()
    serve(f"echo beside {args.spinners} computing")
    done = True
