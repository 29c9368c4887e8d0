"""What every experiment keeps: it is short, and what its header says of its parameters is what its script does."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from app.catalogue import Catalogue, Experiment
from tests.experiments.observe import FOLDER

EXPERIMENTS = Catalogue.load(FOLDER).experiments
CODE_LINES = 60
NAMES = {
    "asyncio",
    "gevent",
    "greenlet",
    "hashlib",
    "zlib",
    "bz2",
    "select",
    "poll",
    "epoll",
    "send",
    "receive",
    "1",
    "direct",
    "fanout",
    "topic",
    "headers",
}
"""Choices that are called the same in every language: modules, calls, programs."""

each = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.id)


@pytest.fixture(autouse=True, params=["plain"])
def way() -> str:
    """Nothing is run here."""
    return "plain"


def options(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """The literal keywords of every `add_argument("--name", …)` in the script, by name."""
    calls = [node for node in ast.walk(ast.parse(experiment.source)) if isinstance(node, ast.Call)]
    found: dict[str, dict[str, Any]] = {}
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            name = ast.literal_eval(call.args[0]).removeprefix("--")
            literal = [key for key in call.keywords if isinstance(key.value, ast.Constant | ast.List | ast.UnaryOp)]
            found[name] = {str(key.arg): ast.literal_eval(key.value) for key in literal}
    return found


@each
def test_an_experiment_fits_on_the_screen(experiment: Experiment) -> None:
    header = ast.parse(experiment.source).body[0]
    code = experiment.source.splitlines()[header.end_lineno :]
    assert len([line for line in code if line.strip()]) <= CODE_LINES
    assert max(map(len, code)) <= 120


@each
def test_the_script_takes_what_the_header_offers_with_the_same_defaults(experiment: Experiment) -> None:
    taken = options(experiment)
    if not taken and "sys.argv" in experiment.source:
        pytest.skip("it reads its words itself")
    assert list(taken) == [parameter.name for parameter in experiment.header.parameters]
    for parameter in experiment.header.parameters:
        keywords = taken[parameter.name]
        assert keywords["default"] == parameter.default
        assert tuple(keywords.get("choices", parameter.choices)) == parameter.choices


@each
def test_a_choice_has_a_label_or_is_a_name_of_the_trade(experiment: Experiment) -> None:
    bare = {choice for one in experiment.header.parameters for choice in one.choices if choice not in one.labels}
    assert bare <= NAMES


@each
def test_the_chinese_texts_have_chinese_punctuation(experiment: Experiment) -> None:
    header = experiment.header
    texts = [header.title, header.note, header.shows, header.question.text, header.question.explanation]
    texts += [*header.question.answers, *(parameter.title for parameter in header.parameters)]
    for text in texts:
        wrong = [
            pair for pair in zip(text.zh, text.zh[1:], strict=False) if "\u4e00" <= pair[0] <= "\u9fff" and pair[1] in ",:;?!"
        ]
        assert wrong == []
