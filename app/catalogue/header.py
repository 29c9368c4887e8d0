"""What a header may say: its fields and their bounds, each field held to the others (ARCHITECTURE.md, "Experiment header")."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from app.catalogue.parameters import FieldError, Model, Parameter, Text, Value
from app.core.expectations import faults_of

MAX_TIME_LIMIT_S = 600


class Range(Model):
    """Any number within these bounds."""

    minimum: int | float | None = None
    maximum: int | float | None = None


Condition = Value | Annotated[tuple[Value, ...], Field(strict=False)] | Range
When = dict[str, Condition]
"""Parameter → the value, the values, or the range (`{minimum, maximum}`) it must have; parameters not named are free."""


class Question(Model):
    """What is asked before the run. `correct` counts the answers from 0; `when` says for which parameters it is asked."""

    text: Text
    answers: Annotated[tuple[Text, ...], Field(min_length=2, max_length=8, strict=False)]
    correct: int = Field(ge=0)
    explanation: Text
    when: When = Field(default_factory=dict)

    @model_validator(mode="after")
    def _correct_is_an_answer(self) -> Self:
        if self.correct >= len(self.answers):
            raise ValueError(f"correct is {self.correct}, must be at most {len(self.answers) - 1} (answers count from 0)")
        return self


class Expected(Model):
    """One thing that must be seen: a check of `app/core/expectations`, what it holds said as a statement, and for which parameters.

    `needs` names observers without which it cannot be told, beyond those the check's own lanes need.
    """

    check: str
    says: Text
    arguments: dict[str, Any] = Field(default_factory=dict)
    when: When = Field(default_factory=dict)
    needs: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _check_is_known(self) -> Self:
        if fault := faults_of(self.check, self.arguments):
            raise ValueError(fault)
        return self


class SuggestedRun(Model):
    """A run worth comparing with the others: what one sees in it, and its parameters (those left out at their defaults)."""

    title: Text
    parameters: dict[str, Value] = Field(default_factory=dict)


class Header(Model):
    """What a script's docstring says about it. `order` is its place in the course, `time_limit_s` wall seconds.

    Of a `cpu_bound` one the machine's cores are measured before the run.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    topic: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    order: int = Field(ge=0)
    title: Text
    note: Text
    shows: Text
    time_limit_s: int | float = Field(default=30, gt=0, le=MAX_TIME_LIMIT_S)
    cpu_bound: bool = False
    process_limit: int | None = Field(default=None, ge=4, le=20_000)
    descriptor_limit: int | None = Field(default=None, ge=16, le=65_536)
    requires: Annotated[tuple[str, ...], Field(strict=False)] = ()
    source: str = Field(min_length=1)
    question: Question
    parameters: Annotated[tuple[Parameter, ...], Field(strict=False)] = ()
    expected: Annotated[tuple[Expected, ...], Field(max_length=12, strict=False)] = ()
    baseline: dict[str, Value] = Field(default_factory=dict)
    """What its sequential variant differs in: a run is said to be so much faster than that one, when both were made."""
    runs: Annotated[tuple[SuggestedRun, ...], Field(max_length=4, strict=False)] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError(f"parameters: a name is used twice: {', '.join(sorted(names))}")
        return self

    @model_validator(mode="after")
    def _parameters_named_elsewhere_are_its_own(self) -> Self:
        known = {parameter.name: parameter for parameter in self.parameters}
        named = [("question.when", self.question.when)]
        named += [(f"expected.{i}.when", one.when) for i, one in enumerate(self.expected)]
        named += [("baseline", dict(self.baseline))]
        named += [(f"runs.{i}.parameters", dict(one.parameters)) for i, one in enumerate(self.runs)]
        for place, conditions in named:
            for name, condition in conditions.items():
                if name not in known:
                    raise ValueError(f"{place}: {name!r} is not a parameter (there are: {', '.join(known) or 'none'})")
                for value in _values_of(condition):
                    if isinstance(fault := known[name].check(value), FieldError):
                        raise ValueError(f"{place}: {name} {fault.message}")
        return self

    @property
    def limits(self) -> dict[str, float]:
        """What the script asks for, by the names of `app/sandbox/limits.py`; the rest stays as the server has it."""
        asked = {"wall_s": self.time_limit_s, "processes": self.process_limit, "descriptors": self.descriptor_limit}
        return {name: number for name, number in asked.items() if number is not None}


def _values_of(condition: Condition) -> tuple[Value, ...]:
    if isinstance(condition, Range):
        return tuple(bound for bound in (condition.minimum, condition.maximum) if bound is not None)
    return condition if isinstance(condition, tuple) else (condition,)
