"""
id = "mp-pipe"
topic = "ipc"
order = 165
source = "课程：进程间通信 · the course: communication between processes；multiprocessing 文档“管道与队列” · “Pipes and Queues”"
time_limit_s = 30

[title]
zh = "进程间通信：管道"
en = "Between processes: a pipe"

[note]
zh = "进程各有自己的内存，要交换数据就得经过内核。Pipe() 给出一对连接，一头写，另一头读：对象先用 pickle 变成字节，写进内核的缓冲区，再由对方读出、还原，所以对方得到的是一份副本。缓冲区空了，recv 就等；缓冲区满了，send 也等。这就是背压：快的一方被慢的一方拖住。这里用的是单向的 Pipe(duplex=False)，底下就是操作系统的管道，Linux 上缓冲区是 64 KiB。小消息时，写者很快写完，读者慢慢读；大消息超过缓冲区，写者每次都要等读者读走一部分。管道只能连接同一台机器上有亲缘关系的进程，也没有人替你排队、确认。"
en = "Each process has memory of its own, so data go from one to another through the kernel. Pipe() gives two connected ends, one to write and one to read: an object is made into bytes with pickle, written to a buffer in the kernel, read and restored by the other side, which thus gets a copy. While the buffer is empty recv waits; while it is full send waits too. That is back-pressure: the slower side holds the faster one up. This one goes one way, Pipe(duplex=False), and is the operating system's pipe, with a buffer of 64 KiB on Linux. Small messages are soon written and read at leisure. A message larger than the buffer makes the writer wait until the reader has taken part of it. A pipe connects related processes on one machine, and nobody queues or acknowledges anything for you."

[shows]
zh = "一快一慢两个进程：谁在等管道，什么时候等"
en = "A fast and a slow process: who waits for the pipe, and when"

[question]
text = { zh = "读者每 50 毫秒才读一条消息。写者要发 10 条 100 kB 的消息，管道的缓冲区是 64 KiB。写者会怎样？", en = "The reader takes one message every 50 ms. The writer has 10 messages of 100 kB to send, and the pipe's buffer holds 64 KiB. What does the writer do?" }
answers = [
    { zh = "马上写完，消息都存在管道里", en = "It is done at once, all messages wait in the pipe" },
    { zh = "大部分时间在等读者", en = "It waits for the reader most of the time" },
    { zh = "管道满了，send 抛出异常", en = "The pipe is full and send raises an exception" },
]
correct = 1
explanation = { zh = "一条消息就比缓冲区大，写者写满 64 KiB 就睡下，等读者读走才继续。快慢最后由慢的一方决定。消息只有 1 kB 时，10 条一起也放得下，写者马上写完。", en = "One message is larger than the buffer: the writer fills 64 KiB and sleeps until the reader takes some. In the end the slower side sets the pace. Messages of 1 kB all fit into the buffer, and the writer is done at once." }
when = { size = 100000, slow = "reader" }

[[parameters]]
name = "slow"
kind = "choice"
default = "reader"
choices = ["reader", "writer"]
labels = { reader = { zh = "读者", en = "the reader" }, writer = { zh = "写者", en = "the writer" } }
title = { zh = "谁慢", en = "Who is slow" }

[[parameters]]
name = "size"
kind = "int"
default = 100000
minimum = 1
maximum = 1000000
title = { zh = "每条消息多少字节", en = "Bytes per message" }

[[parameters]]
name = "messages"
kind = "int"
default = 10
minimum = 1
maximum = 100
title = { zh = "消息数", en = "Messages" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "writer/", state = "pipe", least = 0.4 }
when = { slow = "reader", size = { minimum = 70000 }, messages = { minimum = 5 } }
says = { zh = "缓冲区放不下，写者大部分时间在等读者", en = "the buffer is too small, and the writer waited for the reader most of the time" }

[[expected]]
check = "typical_stay"
arguments = { kind = "thread", named = "writer/", state = "pipe", most_s = 0.005 }
when = { slow = "reader", size = { maximum = 1000 }, messages = { maximum = 50 } }
says = { zh = "消息都放得进缓冲区，写者不必等", en = "all messages fit into the buffer, and the writer did not have to wait" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "reader/", state = "pipe", least = 0.4 }
when = { slow = "writer", messages = { minimum = 5 } }
says = { zh = "管道空着，读者大部分时间在等写者", en = "the pipe was empty, and the reader waited for the writer most of the time" }

[[runs]]
title = { zh = "读者慢、消息大：写者等", en = "Slow reader, large messages: the writer waits" }

[[runs]]
title = { zh = "读者慢、消息小：写者马上写完", en = "Slow reader, small messages: the writer is done at once" }
parameters = { size = 1000 }

[[runs]]
title = { zh = "写者慢：读者等", en = "Slow writer: the reader waits" }
parameters = { slow = "writer" }
"""

import argparse
import time
from multiprocessing import Pipe, Process


def write(writer):
    for number in range(args.messages):
        if args.slow == "writer":
            time.sleep(0.05)
        writer.send_bytes(bytes(args.size))
        print(f"sent {number}", flush=True)


def read(reader):
    for number in range(args.messages):
        if args.slow == "reader":
            time.sleep(0.05)
        data = reader.recv_bytes()
        print(f"received {number}: {len(data)} bytes", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", choices=["reader", "writer"], default="reader")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=10)
    args = parser.parse_args()

    reader, writer = Pipe(duplex=False)
    writing = Process(name="writer", target=write, args=[writer])
    reading = Process(name="reader", target=read, args=[reader])
    writing.start()
    reading.start()
    writing.join()
    reading.join()
