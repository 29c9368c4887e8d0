"""Which queues a message goes to: exchanges, bindings, and how each type of exchange matches (AMQP 0-9-1, section 3.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Headers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """From an exchange to a queue, or to another exchange (`to_exchange`)."""

    destination: str
    to_exchange: bool
    key: str
    arguments: Headers = field(default_factory=dict, compare=False)


@dataclass(slots=True)
class Exchange:
    """An exchange as it was declared. `alternate` takes what it cannot route."""

    name: str
    type: str
    alternate: str = ""
    bindings: list[Binding] = field(default_factory=list)

    def matching(self, key: str, headers: Headers) -> list[Binding] | None:
        """The bindings that match, None where this type of exchange is not known here (a plugin's)."""
        match = MATCHES.get(self.type)
        return None if match is None else [binding for binding in self.bindings if match(binding, key, headers)]


def topic_matches(pattern: str, key: str) -> bool:
    """`*` is one word, `#` any number of words, words are divided by dots. In time proportional to the product of their lengths."""
    words = key.split(".") if key else []
    reachable = {0}
    for part in pattern.split(".") if pattern else []:
        if part == "#":
            reachable = set(range(min(reachable), len(words) + 1)) if reachable else set()
        else:
            reachable = {at + 1 for at in reachable if at < len(words) and part in ("*", words[at])}
    return len(words) in reachable


def headers_match(arguments: Headers, headers: Headers) -> bool:
    """`x-match` all (the default) or any; fields beginning with `x-` count only for all-with-x and any-with-x."""
    how = str(arguments.get("x-match", "all"))
    asked = {name: value for name, value in arguments.items() if name != "x-match"}
    if not how.endswith("-with-x"):
        asked = {name: value for name, value in asked.items() if not name.startswith("x-")}
    held = [name in headers and (value is None or headers[name] == value) for name, value in asked.items()]
    return any(held) if how.startswith("any") else all(held)


MATCHES: dict[str, Callable[[Binding, str, Headers], bool]] = {
    "direct": lambda binding, key, _headers: binding.key == key,
    "fanout": lambda _binding, _key, _headers: True,
    "topic": lambda binding, key, _headers: topic_matches(binding.key, key),
    "headers": lambda binding, _key, headers: headers_match(binding.arguments, headers),
}
PREDECLARED = {
    "": "direct",
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.topic": "topic",
    "amq.headers": "headers",
    "amq.match": "headers",
}
"""What every virtual host has from the start; the nameless one is the default exchange."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes. `passed` are the exchanges it went through, `known` is False where a type was not known."""

    queues: tuple[str, ...]
    passed: tuple[str, ...]
    known: bool = True


def route(exchanges: Mapping[str, Exchange], queues: Mapping[str, object], name: str, key: str, headers: Headers) -> Route:
    """Every queue once, in the order met. The default exchange knows every queue by its name."""
    found: dict[str, None] = {}
    passed: dict[str, None] = {}
    waiting, known = [name], True
    while waiting:
        here = waiting.pop(0)
        if here in passed:
            continue
        passed[here] = None
        if here == "":
            found.update({key: None} if key in queues else {})
            continue
        exchange = exchanges.get(here)
        matching = exchange.matching(key, headers) if exchange else None
        known = known and matching is not None
        if exchange and matching == [] and exchange.alternate:
            waiting.append(exchange.alternate)
        for binding in matching or ():
            if binding.to_exchange:
                waiting.append(binding.destination)
            else:
                found[binding.destination] = None
    return Route(tuple(found), tuple(passed), known)
