"""
id = "io-async"
topic = "io"
order = 210
source = "课程：异步 IO；W. Richard Stevens, UNIX Network Programming, 6.2 I/O Models"
time_limit_s = 30

[title]
zh = "异步 IO：整件事交给别人"
en = "Asynchronous I/O: the whole operation is handed over"

[note]
zh = "异步是把整个操作交出去，等待和复制都由别人完成，做好了再来通知；调用者从不阻塞。这里“别人”是另一个线程：它在 recv 里等，由它复制，然后调用回调函数把结果送回来；调用者的泳道上既没有等待，也没有复制。线程并没有让读变成免费的，只是换了一个地方。Linux 上的 asyncio 和 gevent 做套接字 IO 靠的是 epoll，那是多路复用：等待集中到一处，读和复制仍在事件循环自己的线程里。真正由内核完成的异步 IO 在 Windows 上是 IOCP，在 Linux 上是 io_uring。"
en = "Asynchronous means that the whole operation is handed over: somebody else waits and copies, and then tells that it is done. The caller never blocks. Here somebody else is another thread: it waits inside recv, does the copying and calls a callback with the result, so that neither the wait nor the copy is on the caller's lane. The read has not become free, it happens elsewhere. On Linux, asyncio and gevent do socket I/O with epoll, and that is multiplexing: the waits are gathered in one place, but reading and copying are still done by the event loop's own thread. Asynchronous I/O carried out by the kernel is IOCP on Windows and io_uring on Linux."

[shows]
zh = "等待和复制各在谁的泳道上，调用者这时在做什么"
en = "On whose lanes wait and copy are, and what the caller does"

[question]
text = { zh = "调用者把读交给帮手，自己继续计算。等待和复制会出现在谁的泳道上？", en = "The caller hands the read to a helper and goes on computing. On whose lane are the wait and the copy?" }
answers = [
    { zh = "等待在帮手的，复制在调用者的", en = "The wait on the helper's, the copy on the caller's" },
    { zh = "都在帮手的", en = "Both on the helper's" },
    { zh = "都在调用者的", en = "Both on the caller's" },
    { zh = "等待消失了，复制在调用者的", en = "There is no wait, and the copy is on the caller's" },
]
correct = 1
explanation = { zh = "交出去的是整个操作。回调拿到的是已经复制到程序内存里的数据，调用者无须再读。", en = "The whole operation was handed over. The callback gets data that are already in the program's memory; there is nothing left to read." }

[[parameters]]
name = "seconds"
kind = "float"
default = 1.0
minimum = 0.1
maximum = 5
unit = "s"
title = { zh = "数据多久以后才来", en = "Data come after" }

[[expected]]
check = "waits_then_copies"
arguments = { named = "helper" }
says = { zh = "等待和复制都在帮手的泳道上", en = "the wait and the copy were on the helper's lane" }

[[expected]]
check = "never_reads"
arguments = { named = "MainThread" }
says = { zh = "调用者既没有等待读，也没有复制", en = "the caller neither waited in a read nor copied" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "MainThread", state = ["running", "gil-wait", "no-gil"], least = 0.7 }
says = { zh = "调用者一直在做自己的事", en = "the caller went on with its own work" }

[[runs]]
title = { zh = "数据 1 秒后来", en = "Data after 1 s" }

[[runs]]
title = { zh = "数据 3 秒后来：调用者做得更多", en = "Data after 3 s: the caller gets more done" }
parameters = { seconds = 3 }
"""

import argparse
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=1.0)
args = parser.parse_args()

ours, theirs = socket.socketpair()
received = []


def send_late():
    time.sleep(args.seconds)
    theirs.sendall(b"x" * 32768)


def read(connection, callback):
    callback(connection.recv(65536))  # waits, copies, then tells


threading.Thread(target=send_late, name="sender").start()
threading.Thread(target=read, args=[ours, received.append], name="helper").start()

steps = 0
while not received:  # the caller's own work goes on
    sum(range(10_000))
    steps += 1
print(f"{len(received[0])} bytes were delivered after {steps} steps of other work")
