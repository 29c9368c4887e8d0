"""RabbitMQ: private nodes, leases of them, and the tap that reads what goes over the wire."""
