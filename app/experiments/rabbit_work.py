"""
id = "rabbit-work"
topic = "rabbitmq"
order = 310
source = "RabbitMQ 官方教程第二课 Work Queues；课程“消息公平分发” · RabbitMQ's second tutorial, work queues; the course on fair dispatch"
time_limit_s = 30
requires = ["broker"]

[title]
zh = "任务队列：轮流还是公平"
en = "A work queue: in turn, or fairly"

[note]
zh = "八个任务轮流是 4、1、4、1…… 个单位长，两个 worker 消费同一个队列，手动确认。不设 prefetch 时，broker 不等确认，一来就把消息轮流发给它们：长的全落到同一个 worker 头上，另一个做完短的就闲着。prefetch_count=1 让 broker 每次只给每个 worker 一条未确认的消息：谁先确认，谁得下一条。轮流时总共约 16 个单位，公平时约 10 个。"
en = "Eight jobs take 4, 1, 4, 1, … units, and two workers consume one queue with manual acknowledgements. Without prefetch the broker does not wait for acknowledgements: it deals the messages out in turn at once, so that all the long ones come to one worker while the other is done with the short ones and idle. With prefetch_count=1 the broker gives each worker one unacknowledged message at a time: who acknowledges first gets the next. In turn it takes about 16 units, fairly about 10."

[shows]
zh = "长短任务分给两个 worker：谁忙，谁闲，总共多久"
en = "Long and short jobs for two workers: who is busy, who is idle"

[question]
text = { zh = "任务长短交替：4、1、4、1、4、1、4、1。两个 worker，不设 prefetch，总共要多少个单位？", en = "Jobs alternate 4, 1, 4, 1, 4, 1, 4, 1. Two workers, no prefetch: how many units does it take in all?" }
answers = [
    { zh = "10：谁空谁做", en = "10: whoever is free takes the next" },
    { zh = "16：长的都给了同一个 worker", en = "16: one worker gets all the long ones" },
    { zh = "20：一个接一个", en = "20: one after the other" },
]
correct = 1
explanation = { zh = "broker 按轮流把第 1、3、5、7 条给了一个 worker，全是长的：4×4=16。设 prefetch_count=1，约 10 个单位。", en = "Dealing in turn, the broker gives messages 1, 3, 5 and 7 to one worker, all long ones: 4×4=16. With prefetch_count=1 it takes about 10." }
when = { prefetch = "unset" }

[[parameters]]
name = "prefetch"
kind = "choice"
default = "unset"
choices = ["unset", "1"]
labels = { unset = { zh = "不设", en = "not set" } }
title = { zh = "prefetch", en = "Prefetch" }

[[parameters]]
name = "unit"
kind = "float"
default = 0.2
minimum = 0.05
maximum = 1.0
unit = "s"
title = { zh = "一个单位多长", en = "Length of a unit" }

[[expected]]
check = "lane_count"
arguments = { kind = "consumer", named = "task_queue", least = 2, most = 2 }
says = { zh = "两个 worker 消费同一个队列", en = "two workers consumed one queue" }

[[expected]]
check = "counter_within"
arguments = { kind = "queue", named = "unacked", most = 2 }
when = { prefetch = "1" }
says = { zh = "未确认的消息从不超过两条：每个 worker 一条", en = "never more than two messages were unacknowledged: one for each worker" }

[[runs]]
title = { zh = "prefetch=1：两个都忙", en = "prefetch=1: both are busy" }
parameters = { prefetch = "1" }
"""

import argparse
import subprocess
import sys
import time

import pika

JOBS = [4, 1, 4, 1, 4, 1, 4, 1]


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("localhost"))


def work(prefetch, unit):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue="task_queue", durable=True)

    def callback(ch, method, properties, body):
        time.sleep(int(body) * float(unit))
        print(f"done: {int(body)} units", flush=True)
        ch.basic_ack(delivery_tag=method.delivery_tag)
        ch.basic_publish(exchange="", routing_key="done", body=body)

    if prefetch != "unset":
        channel.basic_qos(prefetch_count=int(prefetch))
    channel.basic_consume(queue="task_queue", on_message_callback=callback)
    channel.start_consuming()


def main(prefetch, unit):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue="task_queue", durable=True)
    channel.queue_declare(queue="done")
    workers = [subprocess.Popen([sys.executable, __file__, "work", prefetch, str(unit)]) for _ in range(2)]
    while channel.queue_declare(queue="task_queue", passive=True).method.consumer_count < 2:
        time.sleep(0.05)  # both workers are there before the first job
    begin = time.monotonic()
    for units in JOBS:
        channel.basic_publish(exchange="", routing_key="task_queue", body=str(units))
    for number, _message in enumerate(channel.consume(queue="done", auto_ack=True), 1):
        if number == len(JOBS):
            break
    print(f"all {len(JOBS)} jobs: {(time.monotonic() - begin) / unit:.1f} units", flush=True)
    for worker in workers:
        worker.terminate()


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:  # a worker, a program of its own
        sys.exit(work(*sys.argv[2:]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefetch", choices=["unset", "1"], default="unset")
    parser.add_argument("--unit", type=float, default=0.2)
    args = parser.parse_args()
    main(args.prefetch, args.unit)
