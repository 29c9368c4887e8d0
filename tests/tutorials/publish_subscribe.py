"""The third topic: a fanout exchange gives every queue that is bound to it its copy; what comes before anybody listens is lost."""

import os

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


def subscribe():
    channel = connect().channel()
    channel.exchange_declare("logs", "fanout")
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "logs")
    return channel, queue


def take(channel, queue):
    _method, _properties, body = next(channel.consume(queue, auto_ack=True))
    channel.cancel()
    return body.decode()


source = connect().channel()
source.exchange_declare("logs", "fanout")
source.basic_publish("logs", "", b"nobody hears this")
source.queue_declare("", exclusive=True)  # answered once the message before it has been routed
subscribers = [subscribe(), subscribe()]
source.basic_publish("logs", "", b"info: hello")
for number, (channel, queue) in enumerate(subscribers, 1):
    print(f"subscriber {number}:", take(channel, queue), flush=True)
    channel.connection.close()
source.connection.close()
