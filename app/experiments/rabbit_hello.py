"""
id = "rabbit-hello"
topic = "rabbitmq"
order = 300
source = "课程示例 send / receive；RabbitMQ 官方教程第一课 · the course's send and receive; RabbitMQ's first tutorial"
time_limit_s = 30
requires = ["broker"]

[title]
zh = "RabbitMQ：send 与 receive"
en = "RabbitMQ: send and receive"

[note]
zh = "两个互不相识的程序：send 把一条消息交给 RabbitMQ（broker），receive 从 broker 那里得到它。消息从不直接进队列，而是先交给交换机；名字为空的默认交换机按路由键找同名的队列。两边都声明队列 hello，因为谁也不知道谁先启动；声明一个已有的队列什么也不改变。先启动 send：消息在队列里等。先启动 receive：它等消息。两种次序结果一样。这里 auto_ack=True：broker 一发出消息就把它忘掉，不等确认。"
en = "Two programs that know nothing of each other: send hands a message to RabbitMQ, the broker; receive gets it from there. A message never goes straight to a queue but through an exchange; the default exchange, whose name is empty, leads to the queue named by the routing key. Both declare the queue hello, because neither knows who starts first; declaring one that exists changes nothing. With send first the message waits in the queue; with receive first the receiver waits for the message. Both orders come to the same. With auto_ack=True the broker forgets a message as soon as it has sent it."

[shows]
zh = "一条消息的路：信道、默认交换机、队列、消费者"
en = "A message's way: channel, default exchange, queue, consumer"

[question]
text = { zh = "先启动 send，它发完就退出；过半秒才启动 receive。消息会怎样？", en = "send starts first, sends and exits; receive starts half a second later. What becomes of the message?" }
answers = [
    { zh = "丢了：发送时没有人在听", en = "It is lost: nobody was listening" },
    { zh = "在队列里等，receive 一来就得到它", en = "It waits in the queue until receive comes and gets it" },
    { zh = "send 出错：没有接收者", en = "send fails: there is no receiver" },
]
correct = 1
explanation = { zh = "send 自己声明了队列，消息就存在 broker 的队列里，与发送者是否还在运行无关。", en = "send has declared the queue itself, so the message lies in the broker's queue, whether the sender still runs or not." }
when = { first = "send" }

[[parameters]]
name = "first"
kind = "choice"
default = "send"
choices = ["send", "receive"]
title = { zh = "谁先启动", en = "Who starts first" }

[[expected]]
check = "lane_count"
arguments = { kind = "connection", least = 2, most = 2 }
says = { zh = "两个程序各有自己的连接", en = "each of the two programs had a connection of its own" }

[[expected]]
check = "counter_within"
arguments = { kind = "queue", named = "hello", most = 1 }
says = { zh = "消息进了队列 hello，深度到过 1", en = "the message was in the queue hello, whose depth came to 1" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["[x] Sent 'Hello World!'", "[x] Received 'Hello World!'"] }
says = { zh = "发出的消息到了接收者那里", en = "what was sent was received" }

[[runs]]
title = { zh = "receive 先启动：它等消息", en = "receive first: it waits for the message" }
parameters = { first = "receive" }
"""

import argparse
import subprocess
import sys
import time

import pika


def send():
    connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
    channel = connection.channel()
    channel.queue_declare(queue="hello")
    channel.basic_publish(exchange="", routing_key="hello", body="Hello World!")
    print("[x] Sent 'Hello World!'", flush=True)
    connection.close()


def receive():
    connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
    channel = connection.channel()
    channel.queue_declare(queue="hello")

    def callback(ch, method, properties, body):
        print(f"[x] Received {body.decode()!r}", flush=True)
        ch.stop_consuming()

    channel.basic_consume(queue="hello", on_message_callback=callback, auto_ack=True)
    print("[*] Waiting for messages", flush=True)
    channel.start_consuming()
    connection.close()


PROGRAMS = {"send": send, "receive": receive}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PROGRAMS:  # one of the two programs, started by itself
        sys.exit(PROGRAMS[sys.argv[1]]())
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", choices=["send", "receive"], default="send")
    args = parser.parse_args()

    started = []
    for program in ["send", "receive"] if args.first == "send" else ["receive", "send"]:
        started.append(subprocess.Popen([sys.executable, __file__, program]))
        time.sleep(0.5)
    sys.exit(max(each.wait() for each in started))
