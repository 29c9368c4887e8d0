"""AMQP 0-9-1 without sockets: bytes in, what they mean out (protocol: amqp0-9-1.pdf and RabbitMQ's extensions of it)."""
