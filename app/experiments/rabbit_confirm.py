"""
id = "rabbit-confirm"
topic = "rabbitmq"
order = 335
source = "RabbitMQ 官方文档与教程第七课：发布确认；课程“消息持久化”一节之后的问题 · RabbitMQ's documentation and seventh tutorial, publisher confirms; what remains open after the course's durability"
time_limit_s = 120
requires = ["broker", "broker-crash"]

[title]
zh = "发布确认：关上丢失的窗口"
en = "Publisher confirms: closing the window of loss"

[note]
zh = "队列 durable，消息持久，还是会丢：basic_publish 只是把消息写进套接字，它什么时候落盘，发布者不知道。发布到一半时 broker 真的被 SIGKILL 杀掉再启动，发布者重新连接，从断开处继续。没有确认时，它以为之前写出的都到了，从下一条继续；路上的和还没落盘的就丢了，谁也不说。有确认时，broker 落盘后才答复 ack，发布者从第一条没有确认的继续：一条不丢，最多重复一条（至少一次）。数字是 broker 自己数的。"
en = "The queue is durable, the messages are persistent, and still some can be lost: basic_publish only writes to a socket, and when the message reaches a disk its publisher does not know. Half-way through, the broker is really killed with SIGKILL and started again; the publisher connects anew and goes on. Without confirms it believes that whatever it wrote has arrived and goes on with the next: what was on its way or not yet on disk is lost, and nobody says so. With confirms the broker acknowledges once a message is on disk, and the publisher goes on with the first that was not confirmed: none is lost, at most one is there twice (at least once). The counts are the broker's own."

[shows]
zh = "broker 在发布途中崩溃：到了多少条，发布者知道多少"
en = "The broker crashes amid publishing: what arrived, and who knows"

[question]
text = { zh = "durable 队列、持久消息、没有发布确认。broker 在发布途中被杀掉再启动，之后会怎样？", en = "A durable queue, persistent messages, no confirms. The broker is killed and restarted while messages are being published. What follows?" }
answers = [
    { zh = "一条不丢：它们是持久的", en = "None is lost: they are persistent" },
    { zh = "丢一些，发布者不知道丢了哪些", en = "Some are lost, and the publisher does not know which" },
    { zh = "全丢：队列没了", en = "All are lost: the queue is gone" },
]
correct = 1
explanation = { zh = "持久只是说 broker 会把消息写到磁盘；在那之前崩溃，消息就没了。只有确认告诉发布者哪些已经写好。", en = "Persistent means that the broker will write the message to disk; if it crashes before that, the message is gone. Only a confirm tells the publisher which are written." }
when = { confirms = "off" }

[[parameters]]
name = "confirms"
kind = "choice"
default = "off"
choices = ["off", "on"]
labels = { off = { zh = "关", en = "off" }, on = { zh = "开", en = "on" } }
title = { zh = "发布确认", en = "Publisher confirms" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["the connection broke", "lost: "] }
says = { zh = "发布途中连接断了，发布者重新连接", en = "the connection broke while publishing, and the publisher connected anew" }

[[expected]]
check = "never_printed"
arguments = { words = "lost: 0 " }
when = { confirms = "off" }
says = { zh = "没有确认：有消息丢了，谁也不知道", en = "without confirms messages were lost without a word" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["lost: 0 "] }
when = { confirms = "on" }
says = { zh = "有确认：一条不丢", en = "with confirms none was lost" }

[[runs]]
title = { zh = "打开确认：一条不丢", en = "With confirms: none is lost" }
parameters = { confirms = "on" }
"""

import argparse
import itertools
import threading
import time
import urllib.request

import pika

MESSAGES, BEFORE_CRASH = 60, 30


def connect(confirms):
    channel = pika.BlockingConnection(pika.ConnectionParameters("localhost")).channel()
    channel.queue_declare(queue="orders", durable=True)
    if confirms:
        channel.confirm_delivery()  # from now on basic_publish waits for the broker's ack
    return channel


def crash_the_broker():
    """Elsewhere: kill -9 it, start it again. Here a switch beside the broker does both and answers when it is back."""
    urllib.request.urlopen("http://localhost:15670/crash", data=b"").read()


def publish(channel, numbers):
    """Persistent messages, in order; the first number that could not be handed over, or the one after the last."""
    for number in numbers:
        try:
            channel.basic_publish("", "orders", str(number), pika.BasicProperties(delivery_mode=2))
        except pika.exceptions.AMQPError:
            print(f"the connection broke at message {number}", flush=True)
            return number
        time.sleep(0.01)
    return numbers.stop


def queued(channel):
    return channel.queue_declare(queue="orders", passive=True).method.message_count


def main(confirms):
    crash = threading.Thread(target=crash_the_broker)
    channel = connect(confirms)
    publish(channel, range(BEFORE_CRASH))
    crash.start()
    handed_over = publish(channel, range(BEFORE_CRASH, MESSAGES))
    crash.join()
    channel = connect(confirms)
    print(f"the broker is back: {queued(channel)} messages of {handed_over} that were handed over", flush=True)

    publish(channel, range(handed_over, MESSAGES))
    there = channel.consume("orders", auto_ack=True, inactivity_timeout=1)
    seen = [int(body) for _method, _properties, body in itertools.takewhile(lambda message: message[0], there)]
    lost, twice = MESSAGES - len(set(seen)), len(seen) - len(set(seen))
    print(f"lost: {lost} of {MESSAGES}, twice: {twice}", flush=True)
    channel.connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--confirms", choices=["off", "on"], default="off")
    args = parser.parse_args()
    main(args.confirms == "on")
