"""Whether a broker that somebody else runs lets us in: asked by logging in, as a script would."""

from __future__ import annotations

import logging

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from app.broker.installation import BrokerError
from app.broker.lease import Access

_PATIENCE_S = 5.0


def greet(access: Access) -> None:
    """Log in and leave again. Raises BrokerError that says what stood in the way."""
    login = pika.PlainCredentials(access.user, access.password)
    parameters = pika.ConnectionParameters(
        access.host, access.port, access.vhost, login, socket_timeout=_PATIENCE_S, stack_timeout=2 * _PATIENCE_S
    )
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what went wrong is said below, once
    where = f"{access.host}:{access.port}"
    try:
        pika.BlockingConnection(parameters).close()
    except (AMQPError, AMQPConnectorException) as error:
        raise BrokerError(f"{where}: {_words(error)}") from error
    except OSError as error:
        raise BrokerError(f"{where}: {error.strerror or error}") from error


def _words(error: BaseException) -> str:
    """The reason at the bottom of pika's wrappings: "(403) 'ACCESS_REFUSED - …'", "Connection refused"."""
    inner = next((one for one in (*error.args, getattr(error, "exception", None)) if isinstance(one, BaseException)), None)
    if inner is not None:
        return _words(inner)
    return getattr(error, "strerror", None) or str(error.args[0] if error.args else type(error).__name__)
