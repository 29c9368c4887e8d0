"""AMQP 0-9-1 without sockets: bytes in, what they mean out (protocol: amqp0-9-1.pdf and RabbitMQ's extensions of it)."""

GONE, UNREACHABLE = "the broker is gone", "the broker cannot be reached"
"""How the end of a connection begins that ended for the broker's sake."""
