"""Where an exchange sends a message: bindings of every type, by their definitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.amqp.routing import Binding, Exchange, route, topic_matches

words = st.lists(st.sampled_from(["a", "b", "*", "#"]), max_size=6)


def matches_by_definition(pattern: list[str], key: list[str]) -> bool:
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(matches_by_definition(pattern[1:], key[at:]) for at in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and matches_by_definition(pattern[1:], key[1:])


@given(words, st.lists(st.sampled_from(["a", "b"]), max_size=6))
def test_topics_match_as_they_are_defined(pattern: list[str], key: list[str]) -> None:
    assert topic_matches(".".join(pattern), ".".join(key)) == matches_by_definition(pattern, key)


def test_the_rabbit_and_the_fox() -> None:
    topics = Exchange("t", "topic", bindings=[Binding("Q1", False, "*.orange.*"), Binding("Q2", False, "*.*.rabbit")])
    topics.bindings.append(Binding("Q2", False, "lazy.#"))
    known = {"t": topics}

    def to(key: str) -> tuple[str, ...]:
        return route(known, {"Q1": 1, "Q2": 1}, "t", key, {}).queues

    assert to("quick.orange.rabbit") == ("Q1", "Q2")
    assert to("lazy.pink.rabbit") == ("Q2",)
    assert to("quick.brown.fox") == ()
    assert to("lazy.orange.male.rabbit") == ("Q2",)


@pytest.mark.parametrize(
    ("arguments", "headers", "matches"),
    [
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"x-match": "all", "a": 1, "b": 2}, {"a": 1}, False),
        ({"a": 1}, {"a": 1}, True),
        ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
        ({"x-match": "any", "a": 1}, {"a": 2}, False),
        ({"x-match": "all", "x-secret": 1}, {}, True),
        ({"x-match": "all-with-x", "x-secret": 1}, {}, False),
    ],
)
def test_headers(arguments: dict[str, Any], headers: dict[str, Any], matches: bool) -> None:
    known = {"h": Exchange("h", "headers", bindings=[Binding("Q", False, "", arguments)])}
    assert route(known, {"Q": 1}, "h", "", headers).queues == (("Q",) if matches else ())


def test_exchanges_that_feed_each_other_end() -> None:
    one, two = Exchange("1", "fanout"), Exchange("2", "fanout")
    one.bindings = [Binding("2", True, "")]
    two.bindings = [Binding("1", True, ""), Binding("Q", False, "")]
    found = route({"1": one, "2": two}, {"Q": 1}, "1", "", {})
    assert (found.queues, found.passed) == (("Q",), ("1", "2"))
