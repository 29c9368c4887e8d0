"""The second topic: durable jobs, dealt to workers one at a time; the first worker dies with a job, which another gets again."""

import os
import subprocess
import sys

import pika

KEEP = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


def new_task():
    channel = connect().channel()
    channel.queue_declare("tasks", durable=True)
    for number in range(1, 5):
        channel.basic_publish("", "tasks", f"job {number}".encode(), KEEP)
    channel.connection.close()


def worker(jobs):
    channel = connect().channel()
    channel.queue_declare("tasks", durable=True)
    channel.basic_qos(prefetch_count=1)
    for method, _properties, body in channel.consume("tasks"):
        if not jobs:
            print("dies with", body.decode(), flush=True)
            os._exit(0)
        again = " again" if method.redelivered else ""
        channel.basic_ack(method.delivery_tag)
        print("did", body.decode() + again, flush=True)
        jobs -= 1
        if not jobs:
            break
    channel.connection.close()


if len(sys.argv) > 1:
    worker(int(sys.argv[1]))
else:
    new_task()
    for jobs in ("0", "4"):
        subprocess.run([sys.executable, __file__, jobs], check=True)
