"""
id = "rabbit-ack"
topic = "rabbitmq"
order = 320
source = "课程“消息确认”一节；RabbitMQ 官方教程第二课 · the course on acknowledgements; RabbitMQ's second tutorial"
time_limit_s = 30
requires = ["broker"]

[title]
zh = "确认与重投：worker 死在半路"
en = "Acknowledgements: a worker dies half-way"

[note]
zh = "六个任务，worker 做到第三个时被 SIGKILL 杀死，再启动第二个 worker。自动确认（auto_ack=True）时，broker 一发出消息就算完成：六条全都发给了第一个 worker，它只做完两个，其余四个随它一起丢了。手动确认时，没有确认的消息在连接断开后回到队列，重新发给第二个 worker，并带着 redelivered 标志：一个也不丢。第三个任务被做了一半又从头再做，所以手动确认是“至少一次”，任务要经得起重做。"
en = "Six jobs; the worker is killed with SIGKILL in the third, then a second worker starts. With automatic acknowledgement (auto_ack=True) a message counts as done once the broker has sent it: all six went to the first worker, which finished two, and the other four are lost with it. With manual acknowledgement, what was not acknowledged goes back to the queue when the connection breaks and is delivered again to the second worker, with the redelivered flag set: none is lost. The third job is begun, lost and begun anew, so this is at-least-once, and a job must bear being done again."

[shows]
zh = "worker 做到一半被杀死：哪些任务还有人做"
en = "A worker is killed half-way: which jobs are still done"

[question]
text = { zh = "auto_ack=True，六个任务，worker 在做第三个时被杀死。有几个任务没人做完？", en = "auto_ack=True, six jobs, the worker is killed in the third. How many jobs does nobody finish?" }
answers = [
    { zh = "0：broker 会重发", en = "0: the broker sends them again" },
    { zh = "1：正在做的那个", en = "1: the one in hand" },
    { zh = "4：发出去的都算完成了", en = "4: whatever was sent counts as done" },
]
correct = 2
explanation = { zh = "自动确认下，六条消息一到 worker 的套接字就从队列里删掉了；它只做完两个。", en = "With automatic acknowledgement all six left the queue as soon as they were sent; the worker finished two." }
when = { ack = "auto" }

[[parameters]]
name = "ack"
kind = "choice"
default = "auto"
choices = ["auto", "manual"]
labels = { auto = { zh = "自动", en = "automatic" }, manual = { zh = "手动", en = "manual" } }
title = { zh = "确认方式", en = "Acknowledgement" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["worker 1 was killed", "lost: 4 [3, 4, 5, 6]"] }
when = { ack = "auto" }
says = { zh = "自动确认：丢了四个", en = "automatic acknowledgement: four were lost" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["worker 1 was killed", "worker 2: begun job 3 (redelivered)", "lost: 0 []"] }
when = { ack = "manual" }
says = { zh = "手动确认：一个不丢，第三个重投给了第二个 worker", en = "manual acknowledgement: none was lost, and the third was delivered again to the second worker" }

[[runs]]
title = { zh = "手动确认：一个不丢", en = "Manual: none is lost" }
parameters = { ack = "manual" }
"""

import argparse
import os
import signal
import subprocess
import sys
import time

import pika

JOBS = 6


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("localhost"))


def work(ack):
    channel = connect().channel()
    channel.queue_declare(queue="jobs")

    def callback(ch, method, properties, body):
        print(f"begun {body.decode()}" + (" (redelivered)" if method.redelivered else ""), flush=True)
        time.sleep(0.2)
        print(f"done {body.decode()}", flush=True)
        if ack == "manual":
            ch.basic_ack(delivery_tag=method.delivery_tag)
        if body.decode() == f"job {JOBS}":
            ch.stop_consuming()

    channel.basic_consume(queue="jobs", on_message_callback=callback, auto_ack=ack == "auto")
    channel.start_consuming()
    channel.connection.close()


def start_worker(ack):
    return subprocess.Popen([sys.executable, __file__, "work", ack], stdout=subprocess.PIPE, text=True)


def main(ack):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue="jobs")
    for number in range(1, JOBS + 1):
        channel.basic_publish(exchange="", routing_key="jobs", body=f"job {number}")

    done = set()
    worker = start_worker(ack)
    for line in worker.stdout:
        print(f"worker 1: {line}", end="", flush=True)
        done.add(line.strip().removeprefix("done "))
        if line.startswith("begun job 3"):
            os.kill(worker.pid, signal.SIGKILL)
            print("worker 1 was killed", flush=True)
    worker = start_worker(ack)
    connection.sleep(1 if ack == "auto" else 0)
    if ack == "manual":
        for line in worker.stdout:
            print(f"worker 2: {line}", end="", flush=True)
            done.add(line.strip().removeprefix("done "))
    worker.terminate()
    lost = [number for number in range(1, JOBS + 1) if f"job {number}" not in done]
    print(f"lost: {len(lost)} {lost}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:  # a worker, a program of its own
        sys.exit(work(sys.argv[2]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--ack", choices=["auto", "manual"], default="auto")
    args = parser.parse_args()
    main(args.ack)
