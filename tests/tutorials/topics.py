"""The fifth topic: a topic exchange; `*` stands for one word, `#` for any number of them."""

import os

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("BROKER_URL", "amqp://localhost")))


channel = connect().channel()
channel.confirm_delivery()
channel.exchange_declare("topic_logs", "topic")
queues = {}
for pattern in ("#", "kern.*", "*.critical", "kern.#"):
    queues[pattern] = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queues[pattern], "topic_logs", pattern)
for key in ("kern.critical", "kern", "cron.critical", "kern.disk.full", ""):
    channel.basic_publish("topic_logs", key, b"x")
for pattern, queue in queues.items():
    keys = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        keys.append(got[0].routing_key or "(none)")
    print(f"{pattern}:", " ".join(keys), flush=True)
channel.connection.close()
