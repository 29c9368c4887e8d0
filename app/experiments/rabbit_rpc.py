"""
id = "rabbit-rpc"
topic = "rabbitmq"
order = 350
source = "RabbitMQ 官方教程第六课：远程过程调用 · RabbitMQ's sixth tutorial, remote procedure call"
time_limit_s = 60
requires = ["broker"]

[title]
zh = "RPC：请对方算斐波那契数"
en = "RPC: somebody else computes Fibonacci"

[note]
zh = "客户端把两个请求 fib(n) 和 fib(5) 放进队列 rpc_queue。每个请求带两个属性：reply_to 是客户端自己的应答队列（exclusive，名字由 broker 起），correlation_id 是请求的编号。服务端算完，把结果发到 reply_to，并带上同一个编号。两个服务端时，fib(5) 的应答先到，客户端靠 correlation_id 才知道它回答的是哪个请求。一个服务端时，应答按请求的次序到达。"
en = "The client puts two requests, fib(n) and fib(5), into the queue rpc_queue. Each carries two properties: reply_to, the client's own queue for answers (exclusive, named by the broker), and correlation_id, which numbers the request. A server computes and publishes the result to reply_to with the same number. With two servers the answer to fib(5) comes first, and only its correlation_id tells which request it answers. With one server answers come in the order of the requests."

[shows]
zh = "请求和应答各走哪个队列，怎样配成对"
en = "Which queues requests and answers take, and how they are paired"

[question]
text = { zh = "两个服务端，先后请求 fib(30) 和 fib(5)。哪个应答先到？", en = "Two servers; first fib(30) is asked for, then fib(5). Which answer comes first?" }
answers = [
    { zh = "fib(30)：它先被请求", en = "fib(30): it was asked first" },
    { zh = "fib(5)：它算得快", en = "fib(5): it is computed sooner" },
    { zh = "同时：应答在同一个队列里", en = "Both at once: they share one queue" },
]
correct = 1
explanation = { zh = "两个请求各由一个服务端计算，谁先算完谁先应答；所以应答必须带着请求的编号。", en = "Each request is computed by a server of its own, and who is done first answers first; that is why an answer must carry its request's number." }
when = { servers = 2, n = { minimum = 25 } }

[[parameters]]
name = "n"
kind = "int"
default = 30
minimum = 6
maximum = 32
title = { zh = "n", en = "n" }

[[parameters]]
name = "servers"
kind = "int"
default = 2
minimum = 1
maximum = 2
title = { zh = "服务端个数", en = "Servers" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["answer 5 is fib(5)", "answer 832040 is fib(30)"] }
when = { n = 30, servers = 2 }
says = { zh = "fib(5) 的应答先到，fib(30) 是 832040", en = "the answer to fib(5) came first, and fib(30) is 832040" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["answer 832040 is fib(30)", "answer 5 is fib(5)"] }
when = { n = 30, servers = 1 }
says = { zh = "一个服务端按请求的次序应答", en = "one server answered in the order of the requests" }

[[expected]]
check = "counter_within"
arguments = { kind = "queue", named = "rpc_queue", most = 2 }
says = { zh = "请求都经过队列 rpc_queue", en = "the requests went through the queue rpc_queue" }

[[expected]]
check = "lane_count"
arguments = { kind = "consumer", named = "rpc_queue", least = "$servers", most = "$servers" }
says = { zh = "每个服务端是 rpc_queue 的一个消费者", en = "each server was a consumer of rpc_queue" }

[[runs]]
title = { zh = "一个服务端：按次序应答", en = "One server: answers in order" }
parameters = { servers = 1 }
"""

import argparse
import subprocess
import sys
import time
import uuid

import pika


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("localhost"))


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def serve():
    channel = connect().channel()
    channel.queue_declare(queue="rpc_queue")

    def on_request(ch, method, properties, body):
        answer = pika.BasicProperties(correlation_id=properties.correlation_id)
        ch.basic_publish("", properties.reply_to, str(fib(int(body))), answer)
        ch.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue="rpc_queue", on_message_callback=on_request)
    channel.start_consuming()


def main(n, servers):
    channel = connect().channel()
    channel.queue_declare(queue="rpc_queue")
    processes = [subprocess.Popen([sys.executable, __file__, "serve"]) for _ in range(servers)]
    while channel.queue_declare(queue="rpc_queue", passive=True).method.consumer_count < servers:
        time.sleep(0.05)

    answers = channel.queue_declare(queue="", exclusive=True).method.queue
    asked = {}
    for number in (n, 5):
        request = str(uuid.uuid4())
        asked[request] = number
        properties = pika.BasicProperties(reply_to=answers, correlation_id=request)
        channel.basic_publish("", "rpc_queue", str(number), properties)
        print(f"asked for fib({number})", flush=True)
    for _method, properties, body in channel.consume(answers, auto_ack=True):
        print(f"answer {body.decode()} is fib({asked.pop(properties.correlation_id)})", flush=True)
        if not asked:
            break
    channel.connection.close()
    for process in processes:
        process.terminate()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:  # a server, a program of its own
        sys.exit(serve())
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=30)
    parser.add_argument("--servers", type=int, default=2)
    args = parser.parse_args()
    main(args.n, args.servers)
