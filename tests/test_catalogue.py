"""Headers are read without running anything; whatever does not hold is named by file, field and bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import resources
from app.catalogue import Catalogue, CatalogueError, Experiment, ParameterError, read_experiment
from tests.web_tools import write_experiment

FOUR = """
[[parameters]]
name = "threads"
kind = "int"
default = 3
minimum = 1
maximum = 16
title = { zh = "线程", en = "Threads" }

[[parameters]]
name = "pause"
kind = "float"
default = 0.5
minimum = 0
maximum = 2
unit = "s"
title = { zh = "停", en = "Pause" }

[[parameters]]
name = "variant"
kind = "choice"
default = "with lock"
choices = ["with lock", "without"]
title = { zh = "变体", en = "Variant" }

[[parameters]]
name = "daemon"
kind = "bool"
default = false
title = { zh = "守护", en = "Daemon" }
"""


@pytest.fixture
def four(tmp_path: Path) -> Experiment:
    return read_experiment(write_experiment(tmp_path, "four", parameters=FOUR))


def test_the_course_order_and_its_topics(tmp_path: Path) -> None:
    for number, (name, topic) in enumerate([("c", "gil"), ("a", "gevent"), ("b", "gil")]):
        write_experiment(tmp_path, name, topic=topic, order=10 - number)
    (tmp_path / "_helper.py").write_text("not an experiment")
    catalogue = Catalogue.load(tmp_path)
    assert [e.id for e in catalogue.experiments] == ["b", "a", "c"]
    assert [(t["id"], [e["id"] for e in t["experiments"]]) for t in catalogue.topics()] == [
        ("gil", ["b", "c"]),
        ("gevent", ["a"]),
    ]


def test_reading_a_header_runs_nothing(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    folder = tmp_path / "experiments"
    write_experiment(folder, "bomb", f"open({str(witness)!r}, 'w')\nraise SystemExit(1)\n")
    assert Catalogue.load(folder).get("bomb") is not None
    assert not witness.exists()


def test_defaults_become_a_command_line(four: Experiment) -> None:
    values = four.validate({})
    assert values == {"threads": 3, "pause": 0.5, "variant": "with lock", "daemon": False}
    assert four.argv(values) == ["--threads", "3", "--pause", "0.5", "--variant", "with lock", "--daemon", "false"]


def test_text_from_a_url_means_the_same_as_json(four: Experiment) -> None:
    text = four.validate({"threads": "16", "pause": "1e-1", "variant": "without", "daemon": "true"})
    assert str(four.validate({"pause": "-0"})["pause"]) == str(four.validate({"pause": -0.0})["pause"]) == "0.0"
    assert text == four.validate({"threads": 16, "pause": 0.1, "variant": "without", "daemon": True})


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        ("threads", 17, 16),
        ("threads", 0, 1),
        ("threads", "99999999999999999999", "int, 1 to 16"),
        ("threads", True, "int, 1 to 16"),
        ("threads", 2.5, "int, 1 to 16"),
        ("threads", [1], "int, 1 to 16"),
        ("threads", "3; rm -rf /", "int, 1 to 16"),
        ("pause", "nan", "float, 0 to 2"),
        ("pause", float("nan"), "float, 0 to 2"),
        ("pause", float("inf"), 2),
        ("pause", 10**400, 2),
        ("pause", -1, 0),
        ("variant", "--help", ["with lock", "without"]),
        ("daemon", "maybe", ["true", "false"]),
        ("daemon", None, ["true", "false"]),
        ("processes", 3, None),
    ],
)
def test_a_wrong_parameter_names_its_field_and_bound(four: Experiment, field: str, value: object, bound: object) -> None:
    with pytest.raises(ParameterError) as caught:
        four.validate({field: value})
    (error,) = caught.value.errors
    assert (error.field, error.bound) == (field, bound)


def test_every_wrong_field_is_named_at_once(four: Experiment) -> None:
    with pytest.raises(ParameterError) as caught:
        four.validate({"threads": 0, "pause": 3})
    assert [error.field for error in caught.value.errors] == ["threads", "pause"]


@given(value=st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers())))
def test_whatever_is_taken_is_within_bounds(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    experiment = _FOUR.setdefault(
        "", read_experiment(write_experiment(tmp_path_factory.getbasetemp() / "g", "four", parameters=FOUR))
    )
    for name in ("threads", "pause", "variant", "daemon"):
        try:
            values = experiment.validate({name: value})
        except ParameterError:
            continue
        assert 1 <= int(values["threads"]) <= 16
        assert 0 <= float(values["pause"]) <= 2
        assert values["variant"] in ("with lock", "without")
        assert isinstance(values["daemon"], bool)
        assert not any(word.startswith("-") and not word.startswith("--") for word in experiment.argv(values))


_FOUR: dict[str, Experiment] = {}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('id = "x"', 'id = "X Y"'), "id"),
        (("order = 1", 'order = "first"'), "order"),
        (('source = "the course"', ""), "source"),
        (('source = "the course"', 'source = "the course"\ncolour = "red"'), "colour"),
        (("correct = 0", "correct = 2"), "correct is 2, must be at most 1"),
        (('en = "Because"', 'en = ""'), "question.explanation.en"),
        (("minimum = 1\n", ""), "needs minimum and maximum"),
        (("default = 3", "default = 17"), "default must be at most 16"),
        (("default = 3", 'default = "3"'), "parameters.0"),
        (('name = "pause"', 'name = "threads"'), "a name is used twice"),
        (('choices = ["with lock", "without"]', "choices = []"), "needs choices"),
        (('source = "the course"', 'source = "the course"\ntime_limit_s = 6000'), "time_limit_s"),
        (("[question]", "[question"), "not TOML"),
        (('"""\nid', "x = 1\n'''\nid"), "cannot be read as Python"),
    ],
)
def test_a_broken_header_is_named_by_file_and_field(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = write_experiment(tmp_path, "x", parameters=FOUR)
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load(tmp_path)
    assert str(caught.value).startswith("x.py: ")
    assert named in str(caught.value)


def test_one_id_is_one_experiment(tmp_path: Path) -> None:
    write_experiment(tmp_path, "x").rename(tmp_path / "y.py")
    write_experiment(tmp_path, "x")
    with pytest.raises(CatalogueError, match=r"y\.py: id: 'x' is already the id of x\.py"):
        Catalogue.load(tmp_path)


def test_our_own_experiments_hold() -> None:
    Catalogue.load(resources.experiments_dir())
