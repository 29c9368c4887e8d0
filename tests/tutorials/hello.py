"""The first topic: one program sends, another receives; the default exchange leads to the queue of the key's name."""

import os
import subprocess
import sys

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


def send():
    channel = connect().channel()
    channel.queue_declare("hello")
    channel.basic_publish("", "hello", b"Hello World!")
    print("sent", flush=True)
    channel.connection.close()


def receive():
    channel = connect().channel()
    channel.queue_declare("hello")
    for _method, _properties, body in channel.consume("hello", auto_ack=True):
        print("received", body.decode(), flush=True)
        break
    channel.connection.close()


if len(sys.argv) > 1:
    {"send": send, "receive": receive}[sys.argv[1]]()
else:
    for part in ("send", "receive"):
        subprocess.run([sys.executable, __file__, part], check=True)
