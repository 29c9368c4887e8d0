"""
id = "io-multiplex"
topic = "io"
order = 200
source = "课程：select、poll、epoll；W. Richard Stevens, UNIX Network Programming, 6.2 I/O Models"
time_limit_s = 30
descriptor_limit = 4096

[title]
zh = "IO 多路复用：select、poll、epoll"
en = "I/O multiplexing: select, poll, epoll"

[note]
zh = "一个线程，很多套接字，只有几个有数据：select、poll、epoll 让线程一次等所有的描述符，哪个就绪就返回哪个。等待合成了一次，读还是要自己读，复制仍发生在调用者的 recv 里，所以它们都是同步 IO，epoll 也不是异步。区别在每次调用的代价：select 和 poll 每次都把全部描述符交给内核、逐个检查，代价随 N 增长；epoll 事先登记，内核把就绪的放进一张表，代价几乎只与就绪的个数有关。select 还有一个硬限制：位图只有 1024 位，描述符的编号到了 1024 就拒绝，数目再少也不行；试试 select 和 1000 个套接字。"
en = "One thread, many sockets, data on a few of them: select, poll and epoll let the thread wait for all the descriptors at once and return those that are ready. There is one wait for all; but reading is still the caller's, and the copy still happens inside its recv. That makes all three synchronous; epoll is not asynchronous I/O. They differ in what a call costs: select and poll hand every descriptor to the kernel each time and have each one checked, so the cost grows with N; with epoll they are registered once, the kernel keeps a list of those that are ready, and the cost depends on little but their number. select has a hard limit too: its bitmap has 1024 bits, and a descriptor numbered 1024 or above is refused, however few there are. Try select with 1000 sockets."

[shows]
zh = "一次等待看住许多套接字：谁来复制，什么时候复制"
en = "One wait for many sockets: who copies the data, and when"

[question]
text = { zh = "epoll 报告某个套接字就绪以后，数据由谁、在什么时候复制到程序的内存？", en = "epoll has reported a socket as ready. Who copies its data into the program's memory, and when?" }
answers = [
    { zh = "内核已经在后台复制好了", en = "The kernel has already copied them in the background" },
    { zh = "epoll 调用返回之前顺便复制", en = "The epoll call did so before it returned" },
    { zh = "调用者随后 recv 时，在它自己的线程里复制", en = "The caller's own thread, inside the recv that follows" },
]
correct = 2
explanation = { zh = "就绪只是说“现在读不会等”。复制发生在随后的 recv 里，由调用者自己的线程完成，所以多路复用是同步 IO。", en = "Ready only means that a read would not wait now. The copy happens in the recv that follows, on the caller's own thread. So multiplexing is synchronous I/O." }

[[parameters]]
name = "variant"
kind = "choice"
default = "epoll"
choices = ["select", "poll", "epoll"]
title = { zh = "用什么等", en = "Wait with" }

[[parameters]]
name = "sockets"
kind = "int"
default = 400
minimum = 10
maximum = 1000
title = { zh = "套接字数", en = "Sockets" }

[[parameters]]
name = "active"
kind = "int"
default = 3
minimum = 1
maximum = 10
title = { zh = "其中有数据的", en = "Of these, with data" }

[[expected]]
check = "copies_without_waiting"
arguments = { named = "MainThread", least = "$active" }
when = { variant = ["poll", "epoll"] }
says = { zh = "就绪之后的读不等待，由调用者自己复制", en = "once ready, no read waited, and the caller did the copying" }

[[expected]]
check = "copies_without_waiting"
arguments = { named = "MainThread", least = "$active" }
when = { variant = "select", sockets = { maximum = 500 } }
says = { zh = "就绪之后的读不等待，由调用者自己复制", en = "once ready, no read waited, and the caller did the copying" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "MainThread", state = "poll", least = 0.2 }
when = { sockets = { maximum = 500 } }
says = { zh = "等待都在一个调用里，看住所有套接字", en = "all the waiting was in one call that watched every socket" }

[[expected]]
check = "ended"
arguments = { wanted = "program error" }
when = { variant = "select", sockets = { minimum = 520 } }
says = { zh = "select 拒绝了编号不小于 1024 的描述符", en = "select refused a descriptor of 1024 or above" }

[[runs]]
title = { zh = "epoll，400 个套接字", en = "epoll, 400 sockets" }
parameters = { variant = "epoll" }

[[runs]]
title = { zh = "poll，400 个套接字：每次都要查一遍", en = "poll, 400 sockets: each is checked in every call" }
parameters = { variant = "poll" }

[[runs]]
title = { zh = "select，1000 个套接字：被拒绝", en = "select, 1000 sockets: refused" }
parameters = { variant = "select", sockets = 1000 }

[[runs]]
title = { zh = "epoll，1000 个套接字：代价几乎不变", en = "epoll, 1000 sockets: the cost hardly changes" }
parameters = { variant = "epoll", sockets = 1000 }
"""

import argparse
import selectors
import socket
import sys
import threading
import time
import timeit

SELECTORS = {
    "select": selectors.SelectSelector,
    "poll": selectors.PollSelector,
    "epoll": selectors.EpollSelector,
}
parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=SELECTORS, default="epoll")
parser.add_argument("--sockets", type=int, default=400)
parser.add_argument("--active", type=int, default=3)
args = parser.parse_args()

pairs = [socket.socketpair() for _ in range(args.sockets)]


def watch(count):
    selector = SELECTORS[args.variant]()
    for ours, _theirs in pairs[:count]:
        selector.register(ours, selectors.EVENT_READ)
    return selector


def send_late():
    for _ours, theirs in pairs[-args.active :]:
        time.sleep(0.3)
        theirs.sendall(b"x" * 32768)


selector, left = watch(args.sockets), args.active
threading.Thread(target=send_late, name="sender", daemon=True).start()
while left:
    try:
        ready = selector.select()  # one wait for all of them
    except ValueError as error:
        sys.exit(f"select refuses descriptor {max(selector.get_map())}: it must be below 1024 ({error})")
    for key, _events in ready:
        data = key.fileobj.recv(65536)  # does not wait, but copies
        left -= 1
        print(f"descriptor {key.fd}: {len(data)} bytes")

pairs[0][1].send(b"x")  # one is ready from now on: no call waits
for count in (args.sockets // 10, args.sockets):
    seconds = min(timeit.repeat(watch(count).select, number=100, repeat=5)) / 100
    print(f"{args.variant}, {count} sockets: {seconds * 1e6:.1f} µs a call")
