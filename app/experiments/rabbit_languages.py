"""
id = "rabbit-languages"
topic = "rabbitmq"
order = 360
source = "课程：RabbitMQ 用来连接不同语言写的程序；C 程序来自 Debian 的 amqp-tools（rabbitmq-c） · the course: RabbitMQ joins programs in different languages; the C programs are those of Debian's amqp-tools (rabbitmq-c)"
time_limit_s = 30
requires = ["broker", "amqp-tools"]

[title]
zh = "跨语言：Python 与 C"
en = "Across languages: Python and C"

[note]
zh = "进程间的 Queue 只能连接同一个 Python 程序的进程；RabbitMQ 连接任何语言的程序，因为双方约定的只是网络上的协议 AMQP 0-9-1。这里 Python 发布，C 程序 amqp-consume 消费（或者反过来，amqp-publish 发布）。时间线上两者的连接、信道、消息画得一模一样：看到的是网络上的帧，不需要在 C 程序里装任何东西。"
en = "A Queue between processes joins those of one Python program; RabbitMQ joins programs in any language, for all they agree on is a protocol on the wire, AMQP 0-9-1. Here Python publishes and a C program, amqp-consume, consumes (or the other way round, with amqp-publish). The timeline draws the connections, channels and messages of both alike: what is seen are the frames on the wire, and nothing has to be put into the C program."

[shows]
zh = "Python 与 C 程序之间：连接、信道和消息"
en = "Between Python and a C program: connections, channels, messages"

[question]
text = { zh = "Python 发出的中文消息，C 程序收到的是什么？", en = "Python publishes a Chinese text. What does the C program get?" }
answers = [
    { zh = "一个序列化的 Python 对象", en = "A pickled Python object" },
    { zh = "同样的字节", en = "The same bytes" },
    { zh = "什么也没有：语言不同", en = "Nothing: the languages differ" },
]
correct = 1
explanation = { zh = "消息体对 broker 来说只是字节；怎样解释由双方约定（这里是 UTF-8 文本）。", en = "To the broker a body is bytes; how to read them is for the two sides to agree on (here: UTF-8 text)." }
when = { c = "consumes" }
[[parameters]]
name = "c"
kind = "choice"
default = "consumes"
choices = ["consumes", "publishes"]
labels = { consumes = { zh = "消费", en = "consumes" }, publishes = { zh = "发布", en = "publishes" } }
title = { zh = "C 程序做什么", en = "What the C program does" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["C received 你好 1", "C received 你好 2", "C received 你好 3"] }
when = { c = "consumes" }
says = { zh = "C 程序按次序收到 Python 的三条消息", en = "the C program received Python's three messages in order" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["Python received 你好 1", "Python received 你好 2", "Python received 你好 3"] }
when = { c = "publishes" }
says = { zh = "Python 按次序收到 C 程序的三条消息", en = "Python received the C program's three messages in order" }

[[expected]]
check = "lane_count"
arguments = { kind = "connection", least = 2, most = 2 }
when = { c = "consumes" }
says = { zh = "两个程序各有一个连接", en = "each of the two programs had a connection" }

[[expected]]
check = "lane_count"
arguments = { kind = "connection", least = 4, most = 4 }
when = { c = "publishes" }
says = { zh = "Python 一个连接，C 程序每发一条一个连接", en = "Python had one connection, the C program one for each message" }

[[runs]]
title = { zh = "C 发布，Python 消费", en = "C publishes, Python consumes" }
parameters = { c = "publishes" }
"""

import argparse
import subprocess

import pika

GREETINGS = ["你好 1", "你好 2", "你好 3"]
SERVER = ["--server", "localhost"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--c", choices=["consumes", "publishes"], default="consumes")
    args = parser.parse_args()

    connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
    channel = connection.channel()
    channel.queue_declare(queue="greetings")
    if args.c == "consumes":
        # a C program: it consumes so many messages and gives each to a command as its standard input
        command = ["--", "sh", "-c", 'echo "C received $(cat)"']
        count = ["--queue", "greetings", "--count", str(len(GREETINGS))]
        consumer = subprocess.Popen(["amqp-consume", *SERVER, *count, *command])
        for text in GREETINGS:
            channel.basic_publish(exchange="", routing_key="greetings", body=text)
        assert consumer.wait() == 0
    else:
        for text in GREETINGS:
            subprocess.run(["amqp-publish", *SERVER, "--routing-key", "greetings", "--body", text], check=True)
        for number, (_method, _properties, body) in enumerate(channel.consume("greetings", auto_ack=True), 1):
            print(f"Python received {body.decode()}", flush=True)
            if number == len(GREETINGS):
                break
    connection.close()
