"""Code of pika 0.x, really run with pika 1.x: the error is recognised and the call written as it must be today."""

from __future__ import annotations

from pathlib import Path

import pika
import pytest

from app.core.facts import facts
from tests.observed import observe

BEFORE = """import pika
from pika.adapters.blocking_connection import BlockingChannel
channel = object.__new__(BlockingChannel)
def callback(ch, method, properties, body): pass
"""
CALLS = [
    (
        "channel.basic_consume(callback, queue='hello', no_ack=True)",
        "channel.basic_consume(queue='hello', on_message_callback=callback, auto_ack=True)",
    ),
    (
        "channel.exchange_declare(exchange='logs', type='fanout')",
        "channel.exchange_declare(exchange='logs', exchange_type='fanout')",
    ),
    ("channel.basic_get(queue='hello', no_ack=True)", "channel.basic_get(queue='hello', auto_ack=True)"),
]


@pytest.mark.parametrize(("old", "new"), CALLS)
def test_the_call_is_written_anew(tmp_path: Path, old: str, new: str) -> None:
    script = tmp_path / "old.py"
    script.write_text(f"{BEFORE}{old}\n")
    found = facts(observe(script).recording)["old_call"]
    assert (found["line"], found["was"], found["now"]) == (5, old, new)
    assert found["error"].startswith("TypeError")
    method = getattr(pika.adapters.blocking_connection.BlockingChannel, new.split("(")[0].removeprefix("channel."))
    names = method.__code__.co_varnames[: method.__code__.co_argcount]
    assert {part.split("=")[0].strip() for part in new.split("(", 1)[1].rstrip(")").split(",")} <= set(names)


def test_another_error_is_none_of_it(tmp_path: Path) -> None:
    script = tmp_path / "other.py"
    script.write_text(f"{BEFORE}print(queue=1)\n")
    assert facts(observe(script).recording)["old_call"] is None
