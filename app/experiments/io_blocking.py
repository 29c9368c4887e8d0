"""
id = "io-blocking"
topic = "io"
order = 180
source = "课程：阻塞 IO；W. Richard Stevens, UNIX Network Programming, 6.2 I/O Models"
time_limit_s = 30

[title]
zh = "阻塞 IO：等待，然后复制"
en = "Blocking I/O: wait, then copy"

[note]
zh = "一次读分两个阶段：等数据到达内核（等待阶段），再把数据从内核复制到程序的内存（复制阶段）。阻塞的 recv 两个阶段都不返回：数据没到，线程就睡着，不占 CPU；数据一到，内核唤醒它，由它自己在系统调用里完成复制，然后 recv 才返回。等待长达 1 秒，复制只要几微秒：在整幅图里看不见；点图下方“复制”后面的时间，就能放大来看。"
en = "A read has two phases: the data must arrive in the kernel (wait), and then be copied from the kernel into the program's memory (copy). A blocking recv returns during neither: until data come, the thread sleeps and uses no CPU; then the kernel wakes it, the thread itself does the copying inside the system call, and only then does recv return. The wait takes a second, the copy a few microseconds: it cannot be seen in the whole picture; click the time of the copy below the picture to zoom in on it."

[shows]
zh = "recv 里面：等多久，复制多久，用多少 CPU"
en = "Inside recv: how long it waits, how long it copies, what CPU it uses"

[question]
text = { zh = "recv 等了 1 秒才等到数据。这 1 秒里，调用它的线程用了多少 CPU？", en = "recv had to wait 1 s for its data. How much CPU did the calling thread use in that second?" }
answers = [
    { zh = "约 1 秒：它一直在查看数据到了没有", en = "About 1 s: it kept looking whether data had come" },
    { zh = "约一半：每次时间片用完就让出", en = "About half: it yields whenever its time slice is over" },
    { zh = "几乎没有：它睡着，数据到了才被唤醒", en = "Hardly any: it slept and was woken when the data came" },
]
correct = 2
explanation = { zh = "阻塞的意思是线程睡着，直到内核唤醒它。它用掉的 CPU 只有进出系统调用和复制数据的那一点。", en = "Blocking means that the thread sleeps until the kernel wakes it. All the CPU it uses goes into entering and leaving the call and copying the data." }
when = { seconds = 1.0 }

[[parameters]]
name = "seconds"
kind = "float"
default = 1.0
minimum = 0.1
maximum = 5
unit = "s"
title = { zh = "数据多久以后才来", en = "Data come after" }

[[parameters]]
name = "size"
kind = "int"
default = 32768
minimum = 1
maximum = 32768
title = { zh = "数据量（字节）", en = "Size of the data in bytes" }

[[expected]]
check = "waits_then_copies"
arguments = { named = "MainThread" }
says = { zh = "recv 先让线程睡着等待，再在核上复制", en = "inside recv the thread first slept, then copied on a core" }

[[expected]]
check = "reads_refused"
arguments = { named = "MainThread", most = 0 }
says = { zh = "只问了一次，没有 EAGAIN", en = "it asked once and was never refused" }

[[runs]]
title = { zh = "数据 1 秒后来", en = "Data after 1 s" }

[[runs]]
title = { zh = "数据 3 秒后来：CPU 并不多用", en = "Data after 3 s: no more CPU is used" }
parameters = { seconds = 3 }
"""

import argparse
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=1.0)
parser.add_argument("--size", type=int, default=32768)
args = parser.parse_args()

ours, theirs = socket.socketpair()


def send_late():
    time.sleep(args.seconds)
    theirs.sendall(b"x" * args.size)


threading.Thread(target=send_late, name="sender").start()

start, cpu = time.perf_counter(), time.thread_time()
data = ours.recv(65536)  # waits for the data, then copies them
wall, cpu = time.perf_counter() - start, time.thread_time() - cpu
print(f"{len(data)} bytes after {wall:.2f} s, of which {cpu * 1000:.2f} ms on the CPU")
