"""The sixth topic: a request names the queue for its answer and carries a number, by which the answer is known."""

import os
import subprocess
import sys
import uuid

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def serve(requests):
    channel = connect().channel()
    channel.queue_declare("rpc_queue")
    for method, properties, body in channel.consume("rpc_queue"):
        answer = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish("", properties.reply_to, str(fib(int(body))).encode(), answer)
        channel.basic_ack(method.delivery_tag)
        requests -= 1
        if not requests:
            break
    channel.connection.close()


def call(channel, answers, n):
    number = str(uuid.uuid4())
    asked = pika.BasicProperties(reply_to=answers, correlation_id=number)
    channel.basic_publish("", "rpc_queue", str(n).encode(), asked)
    _method, properties, body = next(channel.consume(answers, auto_ack=True))
    assert properties.correlation_id == number
    channel.cancel()
    return int(body)


if len(sys.argv) > 1:
    serve(int(sys.argv[1]))
else:
    channel = connect().channel()
    channel.queue_declare("rpc_queue")
    answers = channel.queue_declare("", exclusive=True).method.queue
    server = subprocess.Popen([sys.executable, __file__, "2"])
    for n in (20, 7):
        print(f"fib({n}) =", call(channel, answers, n), flush=True)
    channel.connection.close()
    sys.exit(server.wait())
