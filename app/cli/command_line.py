"""How a command line is divided between us and the script: `schedscope record [ours] FILE [the script's] [ours]`.

Our options stand before FILE. Behind it everything is the script's, but for one convenience: where none was given before FILE,
`-o RUN.sched` may end the line, alone or with others of our options (`record FILE --threads 4 -o x.sched --sandbox`). The longest
end of the line that reads as our options and has `-o` in it is taken, else the first `-o RUN.sched` in its middle; nothing
behind a `--` ever is. A script that has an `-o` of its own is recorded with ours before FILE, or with its own behind `--`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divided:
    """What is ours, and what is the script's: `file` and its arguments."""

    ours: list[str]
    file: str | None
    script: list[str]


def divide(words: Sequence[str], with_value: Sequence[str], flags: Sequence[str], output: Sequence[str] = ()) -> Divided:
    """Divide the words behind `record` or `run`. `with_value` and `flags` are our options; `output` those that may end the line."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        at += 2 if words[at] in with_value else 1
    ours = list(words[:at])
    if at < len(words) and words[at] == "--":
        at += 1
    if at >= len(words):
        return Divided(ours, None, [])
    file, rest = words[at], list(words[at + 1 :])
    if rest[:1] == ["--"]:
        return Divided(ours, file, rest[1:])
    if not output or any(_names(word, output) for word in ours):
        return Divided(ours, file, rest)
    fence = rest.index("--") if "--" in rest else len(rest)
    for start in range(fence if fence == len(rest) else 0):
        if _is_ours(rest[start:], with_value, flags) and any(_names(word, output) for word in rest[start:]):
            return Divided(ours + rest[start:], file, rest[:start])
    for at in range(fence):
        size = 1 if "=" in rest[at] else 2
        if _names(rest[at], output) and at + size <= fence:
            return Divided(ours + rest[at : at + size], file, rest[:at] + rest[at + size :])
    return Divided(ours, file, rest)


def _names(word: str, options: Sequence[str]) -> bool:
    return word.partition("=")[0] in options


def _is_ours(words: Sequence[str], with_value: Sequence[str], flags: Sequence[str]) -> bool:
    """Whether the words are our options and their values, and nothing else."""
    at = 0
    while at < len(words):
        if words[at] in with_value and at + 1 < len(words):
            at += 2
        elif words[at] in flags or (words[at].startswith("--") and "=" in words[at] and _names(words[at], with_value)):
            at += 1
        else:
            return False
    return True


class ScriptParser(argparse.ArgumentParser):
    """Parses our own options; `file` and `script` of the result are the script's."""

    def parse_divided(self, words: Sequence[str], output: Sequence[str] = ()) -> argparse.Namespace:
        """Divide, then parse what is ours. Exits with status 2 and a usage message where FILE is missing."""
        takes_value: list[str] = []
        flags: list[str] = []
        for action in self._actions:
            (flags if action.nargs == 0 else takes_value).extend(action.option_strings)
        divided = divide(words, takes_value, flags, output)
        options = self.parse_args(divided.ours)
        if divided.file is None:
            self.error("FILE is missing")
        options.file, options.script = divided.file, divided.script
        return options
