"""
id = "rabbit-durable"
topic = "rabbitmq"
order = 330
source = "课程“消息持久化”一节；RabbitMQ 官方教程第二课 · the course on durability; RabbitMQ's second tutorial"
time_limit_s = 120
requires = ["broker", "broker-crash"]

[title]
zh = "持久化：broker 崩溃之后"
en = "Durability: after the broker has crashed"

[note]
zh = "默认情况下，broker 崩溃后队列和消息都被忘掉。要留下来需要两件事同时成立：队列声明为 durable，消息以 delivery_mode=2（持久）发布。这里四种组合各发 3 条，然后 broker 真的被 SIGKILL 杀掉、再启动，表中的数字是重启后的 broker 自己数的。发布时打开了发布确认：broker 答复 ack 之后，持久消息已经写到磁盘上。这里说的是经典队列；仲裁队列（quorum）总是持久的，不看 delivery_mode。"
en = "By default a crashed broker forgets its queues and messages. Two things together keep them: the queue declared durable, and the message published with delivery_mode=2 (persistent). Here each of the four combinations gets 3 messages; then the broker is really killed with SIGKILL and started again, and the numbers in the grid are the restarted broker's own counts. Publisher confirms are on: once the broker has acknowledged, a persistent message is on disk. This is about classic queues; quorum queues are always durable, whatever the delivery_mode."

[shows]
zh = "broker 崩溃重启：四种队列与消息，各留下什么"
en = "The broker crashes: what is left of each queue and its messages"

[question]
text = { zh = "队列 durable，消息没有设 delivery_mode=2。broker 崩溃重启后，队列里有什么？", en = "The queue is durable, the messages are not persistent. What is in the queue after the broker has crashed and restarted?" }
answers = [
    { zh = "队列和 3 条消息都在", en = "The queue and its 3 messages" },
    { zh = "队列在，消息没了", en = "The queue, without messages" },
    { zh = "队列也没了", en = "There is no queue any more" },
]
correct = 1
explanation = { zh = "durable 说的是队列本身；每条消息是否写盘由它自己的 delivery_mode 决定。", en = "durable speaks of the queue itself; whether a message is written to disk is its own delivery_mode's matter." }

[[parameters]]
name = "messages"
kind = "int"
default = 3
minimum = 1
maximum = 50
title = { zh = "每个队列几条消息", en = "Messages in each queue" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["durable + persistent     3", "durable + transient      0", "transient + persistent   no queue (404)", "transient + transient    no queue (404)"] }
when = { messages = 3 }
says = { zh = "崩溃之后只剩下 durable 队列里的持久消息", en = "only persistent messages in a durable queue outlived the crash" }

[[expected]]
check = "ends_as"
arguments = { kind = "queue", named = "transient + ", state = "killed", least = 2 }
says = { zh = "两个非 durable 的队列随崩溃消失", en = "the two queues that were not durable went with the crash" }
"""

import argparse
import urllib.request

import pika

QUEUES = {  # name: (durable, delivery_mode)
    "durable + persistent": (True, 2),
    "durable + transient": (True, 1),
    "transient + persistent": (False, 2),
    "transient + transient": (False, 1),
}


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("localhost"))


def crash_the_broker():
    """Elsewhere: kill -9 it, start it again. Here a switch beside the broker does both and answers when it is back."""
    urllib.request.urlopen("http://localhost:15670/crash", data=b"").read()


def survivors(name):
    connection = connect()
    try:
        return connection.channel().queue_declare(queue=name, passive=True).method.message_count
    except pika.exceptions.ChannelClosedByBroker as error:
        return f"no queue ({error.reply_code})"
    finally:
        connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=3)
    args = parser.parse_args()

    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()
    for name, (durable, delivery_mode) in QUEUES.items():
        channel.queue_declare(queue=name, durable=durable)
        for number in range(args.messages):
            properties = pika.BasicProperties(delivery_mode=delivery_mode)
            channel.basic_publish("", name, f"message {number}", properties)
    print("published, and confirmed by the broker", flush=True)

    crash_the_broker()
    print("the broker was killed and is back", flush=True)
    for name in QUEUES:
        print(f"{name:24} {survivors(name)}", flush=True)
