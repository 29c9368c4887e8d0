"""
id = "rabbit-exchanges"
topic = "rabbitmq"
order = 340
source = "RabbitMQ 官方教程第三至五课（兔子与狐狸的主题）；课程的 direct / fanout / topic 三节 · RabbitMQ's tutorials three to five (the topics of rabbits and foxes); the course on direct, fanout and topic"
time_limit_s = 30
requires = ["broker"]

[title]
zh = "交换机：direct、fanout、topic、headers"
en = "Exchanges: direct, fanout, topic, headers"

[note]
zh = "同样的七条消息交给四种交换机之一，两个队列 Q1、Q2 各有自己的绑定。direct：路由键与绑定键完全相同。fanout：不看键，每个队列一份。topic：键是用点分开的词，* 代表正好一个词，# 代表任意多个词。headers：不看键，看消息头，x-match=all 要求全部相等，any 只要一个。一条消息即使匹配同一队列的两个绑定（lazy.pink.rabbit 匹配 *.*.rabbit 和 lazy.#），队列里也只有一份。没有绑定匹配的消息（quick.brown.fox）被悄悄丢掉；发布时设 mandatory=True，broker 才把它退回给发布者。"
en = "The same seven messages go to one of four exchanges; two queues, Q1 and Q2, are bound to it in their own ways. direct: the routing key equals the binding key. fanout: the key does not matter, each queue gets a copy. topic: a key is words between dots; * stands for exactly one word, # for any number. headers: not the key but the message's headers; x-match=all wants all of them equal, any wants one. A message that matches two bindings of one queue (lazy.pink.rabbit matches *.*.rabbit and lazy.#) is in that queue once. A message that no binding matches (quick.brown.fox) is dropped without a word; only when published with mandatory=True does the broker return it to its publisher."

[shows]
zh = "同样的消息、四种交换机：哪些绑定匹配，各进哪个队列"
en = "The same messages, four exchanges: which bindings match"

[question]
text = { zh = "topic 交换机，Q2 绑定了 *.*.rabbit 和 lazy.#。路由键是 lazy.pink.rabbit 的消息，Q2 得到几份？", en = "A topic exchange; Q2 is bound with *.*.rabbit and with lazy.#. How many copies of a message with the key lazy.pink.rabbit does Q2 get?" }
answers = [
    { zh = "两份：两个绑定都匹配", en = "Two: both bindings match" },
    { zh = "一份", en = "One" },
    { zh = "一份也没有：匹配有歧义", en = "None: the match is ambiguous" },
]
correct = 1
explanation = { zh = "交换机先求出匹配的队列的集合，再给每个队列一份，不论有几个绑定把它引到那里。", en = "The exchange finds the set of queues that match and gives each one copy, however many bindings led there." }
when = { type = "topic" }

[[parameters]]
name = "type"
kind = "choice"
default = "topic"
choices = ["direct", "fanout", "topic", "headers"]
title = { zh = "交换机类型", en = "Type of exchange" }

[[parameters]]
name = "unroutable"
kind = "choice"
default = "dropped"
choices = ["dropped", "returned"]
labels = { dropped = { zh = "丢弃", en = "dropped" }, returned = { zh = "退回", en = "returned" } }
title = { zh = "无法路由的消息", en = "Unroutable message" }
note = { zh = "退回：以 mandatory=True 发布", en = "returned: published with mandatory=True" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["quick.orange.rabbit      [Q1 Q2]", "quick.orange.fox         [Q1]", "lazy.pink.rabbit         [Q2]", "quick.brown.fox          nobody: $unroutable"] }
when = { type = "topic" }
says = { zh = "*.orange.* 引到 Q1；*.*.rabbit 和 lazy.# 引到 Q2，各一份；quick.brown.fox 无法路由", en = "*.orange.* led to Q1, *.*.rabbit and lazy.# to Q2, one copy each, and quick.brown.fox was unroutable" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["quick.orange.rabbit      [Q1 Q2]", "quick.orange.fox         nobody: $unroutable", "lazy.pink.rabbit         [Q2]"] }
when = { type = "direct" }
says = { zh = "只有路由键与绑定键完全相同的消息到达", en = "only messages whose key equals a binding's arrived" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["quick.orange.rabbit      [Q1 Q2]", "lazy.pink.rabbit         [Q1 Q2]", "quick.brown.fox          [Q1 Q2]"] }
when = { type = "fanout" }
says = { zh = "每条消息两个队列各得一份", en = "both queues got every message" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["quick.orange.rabbit      [Q1 Q2]", "lazy.orange.elephant     [Q2]", "quick.orange.fox         nobody: $unroutable"] }
when = { type = "headers" }
says = { zh = "all 要求所有消息头相等，any 只要一个", en = "all wanted every header equal, any wanted one" }

[[runs]]
title = { zh = "无法路由的消息退回给发布者", en = "An unroutable message is returned" }
parameters = { unroutable = "returned" }

[[runs]]
title = { zh = "fanout：不看键", en = "fanout: the key does not matter" }
parameters = { type = "fanout" }

[[runs]]
title = { zh = "headers：看消息头", en = "headers: by the message's headers" }
parameters = { type = "headers" }
"""

import argparse
import subprocess
import sys

import pika

KEYS = ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "lazy.brown.fox"]
KEYS += ["lazy.pink.rabbit", "quick.brown.fox", "lazy.orange.male.rabbit"]
BINDINGS = {  # type: queue: keys, or of headers: arguments
    "direct": {"Q1": ["quick.orange.rabbit"], "Q2": ["quick.orange.rabbit", "lazy.pink.rabbit"]},
    "fanout": {"Q1": [""], "Q2": [""]},
    "topic": {"Q1": ["*.orange.*"], "Q2": ["*.*.rabbit", "lazy.#"]},
    "headers": {
        "Q1": [{"x-match": "all", "colour": "orange", "species": "rabbit"}],
        "Q2": [{"x-match": "any", "speed": "lazy", "species": "rabbit"}],
    },
}


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("localhost"))


def receive(queue):
    channel = connect().channel()
    for method, _properties, body in channel.consume(queue, auto_ack=True):
        if body == b"the end":
            break
        print(method.routing_key, flush=True)
    channel.connection.close()


def main(kind, mandatory):
    channel = connect().channel()
    channel.exchange_declare("animals", exchange_type=kind)
    for queue, bindings in BINDINGS[kind].items():
        channel.queue_declare(queue)
        for binding in bindings:
            of_headers = kind == "headers"
            key, arguments = ("", binding) if of_headers else (binding, None)
            channel.queue_bind(queue, "animals", routing_key=key, arguments=arguments)
    words = [sys.executable, __file__, "receive"]
    receivers = {q: subprocess.Popen([*words, q], stdout=subprocess.PIPE, text=True) for q in ("Q1", "Q2")}

    returned = []
    channel.add_on_return_callback(lambda ch, method, properties, body: returned.append(method.routing_key))
    for key in KEYS:
        headers = dict(zip(("speed", "colour", "species"), key.split("."), strict=False))
        channel.basic_publish("animals", key, b"hop", pika.BasicProperties(headers=headers), mandatory=mandatory)
    for queue in receivers:
        channel.basic_publish("", queue, b"the end")
    got = {queue: receiver.communicate()[0].split() for queue, receiver in receivers.items()}
    channel.connection.process_data_events(0)
    for key in KEYS:
        nobody = "nobody: " + ("returned" if key in returned else "dropped")
        queues = " ".join(queue for queue in got for each in got[queue] if each == key)
        print(f"{key:24} {f'[{queues}]' if queues else nobody}", flush=True)
    channel.connection.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:  # a receiver, a program of its own
        sys.exit(receive(sys.argv[2]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--type", choices=list(BINDINGS), default="topic")
    parser.add_argument("--unroutable", choices=["dropped", "returned"], default="dropped")
    args = parser.parse_args()
    main(args.type, args.unroutable == "returned")
