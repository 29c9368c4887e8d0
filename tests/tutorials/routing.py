"""The fourth topic: a direct exchange, and queues bound to it by one key or by several."""

import os

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


def subscribe(*keys):
    channel = connect().channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    for key in keys:
        channel.queue_bind(queue, "direct_logs", key)
    return channel, queue


source = connect().channel()
source.exchange_declare("direct_logs", "direct")
subscribers = {"errors": subscribe("error"), "all": subscribe("info", "warning", "error")}
for key in ("info", "error", "warning", "debug"):
    source.basic_publish("direct_logs", key, f"a message of kind {key}".encode())
source.basic_publish("direct_logs", "error", b"end")
for name, (channel, queue) in subscribers.items():
    for method, _properties, body in channel.consume(queue, auto_ack=True):
        if body == b"end":
            break
        print(f"{name}: {method.routing_key}: {body.decode()}", flush=True)
    channel.connection.close()
source.connection.close()
