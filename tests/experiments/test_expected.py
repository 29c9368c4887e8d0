"""What each experiment says must be seen is seen, in the runs it suggests."""

from __future__ import annotations

from typing import Any

import pytest

from app.catalogue import Catalogue, Experiment
from app.core.expectations import expectations, meets
from tests.experiments.observe import FOLDER, needs_probe, seen

pytestmark = needs_probe
EXPERIMENTS = Catalogue.load(FOLDER).experiments
WITHOUT_BROKER = [one for one in EXPERIMENTS if "broker" not in one.header.requires]
"""Those that can be run here; tests/experiments/test_rabbit.py has a broker for the others."""
OF_THE_MACHINE = {"uses_cores"}
"""Whether these hold is the machine's to say: it may give fewer cores than it reports, or others are busy on them."""


def suggested(experiment: Experiment) -> list[dict[str, Any]]:
    """Its defaults, and every run worth comparing that differs from them."""
    others = [dict(one.parameters) for one in experiment.header.runs]
    defaults = experiment.validate({})
    return [{}, *(one for one in others if experiment.validate(one) != defaults)]


def end_of(experiment: Experiment, parameters: dict[str, Any]) -> str:
    """The outcome it says a run with these parameters has."""
    values = experiment.validate(parameters)
    said = [one.model_dump() for one in experiment.header.expected if one.check == "ended"]
    return next((one["arguments"]["wanted"] for one in said if meets(values, one["when"])), "finished")


CASES = [(experiment, parameters) for experiment in WITHOUT_BROKER for parameters in suggested(experiment)]


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "parameters"), CASES, ids=lambda value: getattr(value, "id", None) or str(value))
def test_the_expected_picture_is_seen(experiment: Experiment, parameters: dict[str, Any]) -> None:
    told = expectations(seen(experiment.id, ends=end_of(experiment, parameters), **parameters).recording)
    assert [one for one in told if one["verdict"] == "fails" and one["check"] not in OF_THE_MACHINE] == []


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.id)
def test_every_experiment_says_what_must_be_seen(experiment: Experiment) -> None:
    assert experiment.header.expected
