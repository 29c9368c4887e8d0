"""A call written for pika 0.x that pika 1.x refuses: recognised by the error it ended with, and written anew."""

from __future__ import annotations

import ast
import re
from typing import Any

from app.core.recording import Recording

CONSUME_ORDER = ("consumer_callback", "queue", "no_ack", "exclusive", "consumer_tag", "arguments")
"""The positional parameters of `basic_consume` in 0.x, whose first is now `on_message_callback` and second."""
RENAMED = {
    "basic_consume": {"consumer_callback": "on_message_callback", "no_ack": "auto_ack"},
    "basic_get": {"no_ack": "auto_ack"},
    "exchange_declare": {"type": "exchange_type"},
}
_PLACE = re.compile(r'File "([^"]+)", line (\d+)')
_REFUSED = re.compile(
    r"TypeError: .*\b(basic_consume|basic_get|exchange_declare)\(\) got "
    r"(?:multiple values for argument 'queue'|an unexpected keyword argument '(?:no_ack|type|consumer_callback)')"
)


def old_call(recording: Recording) -> dict[str, Any] | None:
    """`{"line": 1-based, "was": <the call>, "now": <as pika 1.x wants it>, "error": <the traceback's last line>}`, or None."""
    script = recording.header.get("script", {})
    text = b"".join(data for _t, _stream, data in recording.output).decode("utf-8", "replace")
    refused = _REFUSED.search(text)
    if refused is None:
        return None
    places = [int(line) for path, line in _PLACE.findall(text[: refused.start()]) if path == script.get("path")]
    return _rewritten(script.get("source", ""), refused[1], places[-1], refused[0]) if places else None


def _rewritten(source: str, method: str, line: int, error: str) -> dict[str, Any] | None:
    try:
        tree = ast.parse(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != method:
            continue
        if call.lineno <= line <= (call.end_lineno or call.lineno):
            was = ast.get_source_segment(source, call) or ""
            return {"line": call.lineno, "was": was, "now": _corrected(source, call, method), "error": error}
    return None


def _corrected(source: str, call: ast.Call, method: str) -> str:
    """The call with the names of today; arguments that stood in the order of 0.x get theirs."""

    def text(node: ast.AST) -> str:
        return ast.get_source_segment(source, node) or ast.unparse(node)

    given: list[tuple[str | None, str]] = [(None, text(node)) for node in call.args]
    if method == "basic_consume":
        names: list[str | None] = [*CONSUME_ORDER, *[None] * len(given)]
        given = [(name, value) for name, (_, value) in zip(names, given, strict=False)]
    given += [(keyword.arg, text(keyword.value)) for keyword in call.keywords]
    named = [(RENAMED[method].get(name or "", name), value) for name, value in given]
    named.sort(key=lambda pair: pair[0] != "queue" if method == "basic_consume" else False)
    arguments = ", ".join(value if name is None else f"{name}={value}" for name, value in named)
    return f"{text(call.func)}({arguments})"
