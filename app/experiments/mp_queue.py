"""
id = "mp-queue"
topic = "ipc"
order = 160
source = "课程：进程间的 Queue，底层是管道 · the course: a Queue between processes is a pipe underneath"
time_limit_s = 30

[title]
zh = "进程间通信：Queue"
en = "Between processes: a Queue"

[note]
zh = "multiprocessing.Queue 由三样东西拼成：一根管道，几个信号量，再加生产者进程里的一个线程。put 先从计数信号量取走一个空位（没有空位就等），把对象放进本进程的缓冲区就返回；真正把它写进管道的是 QueueFeederThread，第一次 put 时才启动。get 从管道读出一个对象，再归还空位。所以被占的位子数就是队列的深度（时间线上的“信号量”一行），从不超过 maxsize；满了 put 等，空了 get 等。put 返回不等于对方收到，甚至不等于已经写进管道。这样的 Queue 只能在同一台机器的父子进程之间用，对方必须是 Python；进程一崩溃，里面的消息就没了。要跨机器、跨语言、不丢，就要用 RabbitMQ 这样的消息中间件。"
en = "A multiprocessing.Queue is made of a pipe, a few semaphores, and a thread in the producer's process. put first takes a free place from a counting semaphore (and waits where there is none), lays the object into a buffer of its own process and returns; it is the QueueFeederThread, started at the first put, that writes it to the pipe. get reads an object from the pipe and gives the place back. So the number of places taken is the depth of the queue (the semaphore's row on the timeline), and never above maxsize: full, put waits; empty, get waits. That put has returned does not mean that the other side has the object, nor even that it is in the pipe. Such a Queue joins related processes of one machine, all of them Python, and what is in it is gone when they crash. Across machines or languages, or where nothing may be lost, one uses a message broker such as RabbitMQ."

[shows]
zh = "一快一慢两个进程：队列有多深，谁在等"
en = "A fast and a slow process: how deep the queue is, and who waits"

[question]
text = { zh = "队列 maxsize=3，消费者每 100 毫秒取一个，生产者连续放 12 个，自己不停顿。生产者会怎样？", en = "A queue has maxsize=3; the consumer takes one every 100 ms; the producer puts 12 without a pause of its own. What does the producer do?" }
answers = [
    { zh = "马上放完 12 个就结束", en = "It puts all 12 at once and is done" },
    { zh = "先放 3 个，之后每 100 毫秒放一个", en = "It puts 3, then one every 100 ms" },
    { zh = "放第 4 个时抛出 Full 异常", en = "It raises Full at the fourth" },
]
correct = 1
explanation = { zh = "前 3 个占满空位；之后每次 put 都要等消费者取走一个、归还空位。只有 put_nowait 或带 timeout 的 put 才会抛出 Full。", en = "The first 3 take all the places. Each later put waits until the consumer has taken one and given its place back. Only put_nowait, or put with a timeout, raises Full." }
when = { slow = "consumer", maxsize = 3 }

[[parameters]]
name = "slow"
kind = "choice"
default = "consumer"
choices = ["consumer", "producer"]
labels = { consumer = { zh = "消费者", en = "the consumer" }, producer = { zh = "生产者", en = "the producer" } }
title = { zh = "谁慢", en = "Who is slow" }

[[parameters]]
name = "maxsize"
kind = "int"
default = 3
minimum = 2
maximum = 20
title = { zh = "队列最多放几个", en = "Places in the queue" }

[[parameters]]
name = "items"
kind = "int"
default = 12
minimum = 1
maximum = 200
title = { zh = "共几个", en = "Items" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "producer/MainThread", state = "lock", least = 0.4 }
when = { slow = "consumer", maxsize = { maximum = 3 }, items = { minimum = 10 } }
says = { zh = "队列满了，生产者大部分时间在 put 里等空位", en = "the queue was full, and the producer waited in put for a free place most of the time" }

[[expected]]
check = "share_of_life"
arguments = { kind = "thread", named = "consumer/MainThread", state = "pipe", least = 0.4 }
when = { slow = "producer", items = { minimum = 5 } }
says = { zh = "队列空着，消费者大部分时间在 get 里等管道", en = "the queue was empty, and the consumer waited in get for the pipe most of the time" }

[[expected]]
check = "counter_within"
arguments = { kind = "semaphore", most = "$maxsize" }
says = { zh = "队列里从不超过 maxsize 个", en = "the queue never held more than maxsize items" }

[[expected]]
check = "lane_count"
arguments = { kind = "thread", named = "producer/QueueFeederThread", least = 1, most = 1 }
says = { zh = "生产者进程里有一个把对象写进管道的线程", en = "a thread of the producer's process fed the pipe" }

[[runs]]
title = { zh = "消费者慢：put 等", en = "Slow consumer: put waits" }

[[runs]]
title = { zh = "生产者慢：get 等", en = "Slow producer: get waits" }
parameters = { slow = "producer" }

[[runs]]
title = { zh = "队列放得下：put 从不等", en = "Room for all: put never waits" }
parameters = { maxsize = 20 }
"""

import argparse
import time
from multiprocessing import Process, Queue


def produce(queue):
    for number in range(args.items):
        if args.slow == "producer":
            time.sleep(0.1)
        queue.put(number)
        print(f"put {number}", flush=True)


def consume(queue):
    for _ in range(args.items):
        if args.slow == "consumer":
            time.sleep(0.1)
        print(f"got {queue.get()}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", choices=["consumer", "producer"], default="consumer")
    parser.add_argument("--maxsize", type=int, default=3)
    parser.add_argument("--items", type=int, default=12)
    args = parser.parse_args()

    queue = Queue(args.maxsize)
    producer = Process(name="producer", target=produce, args=[queue])
    consumer = Process(name="consumer", target=consume, args=[queue])
    producer.start()
    consumer.start()
    producer.join()
    consumer.join()
