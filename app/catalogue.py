"""The experiments' headers, read without running anything, and the parameters a visitor may give them.

An experiment is one script whose docstring is a TOML document (its fields: "Experiment header" in ARCHITECTURE.md). The
docstring is found with `ast` and parsed with `tomllib`: a script is never imported or executed here.
"""

from __future__ import annotations

import ast
import hashlib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Value = bool | int | float | str
MAX_TIME_LIMIT_S = 600
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,2})?")
_BOOLS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class CatalogueError(ValueError):
    """Headers that do not hold. The message has one line per fault: file, field, what is wrong and the bound."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused value: which field, why in words, and the bound it broke (a number, the choices, or the kind)."""

    field: str
    message: str
    bound: Any = None


class ParameterError(ValueError):
    """Parameters an experiment does not take; `errors` has one entry per field."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(_Model):
    """One text in both languages of the page."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Question(_Model):
    """What is asked before the run. `correct` counts the answers from 0."""

    text: Text
    answers: Annotated[tuple[Text, ...], Field(min_length=2, max_length=8, strict=False)]
    correct: int = Field(ge=0)
    explanation: Text

    @model_validator(mode="after")
    def _correct_is_an_answer(self) -> Self:
        if self.correct >= len(self.answers):
            raise ValueError(f"correct is {self.correct}, must be at most {len(self.answers) - 1} (answers count from 0)")
        return self


class Parameter(_Model):
    """One value a visitor may choose; the script gets it as `--name VALUE` (a bool as `true` or `false`)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    kind: Literal["int", "float", "choice", "bool"]
    default: Value
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: Annotated[tuple[str, ...], Field(strict=False)] = ()
    unit: str | None = None
    title: Text
    note: Text | None = None

    @model_validator(mode="after")
    def _default_keeps_its_own_bounds(self) -> Self:
        if self.kind in ("int", "float") and (self.minimum is None or self.maximum is None or self.minimum > self.maximum):
            raise ValueError(f"{self.kind} needs minimum and maximum, minimum at most maximum")
        if self.kind == "choice" and (not self.choices or any(c.startswith("-") or not c for c in self.choices)):
            raise ValueError("choice needs choices, none empty and none beginning with '-'")
        if isinstance(self.default, str) != (self.kind == "choice") or isinstance(self.default, bool) != (self.kind == "bool"):
            raise ValueError(f"default {self.default!r} is not of kind {self.kind}")
        fault = self.check(self.default)
        if isinstance(fault, FieldError):
            raise ValueError(f"default {fault.message}")
        return self

    def check(self, value: object) -> Value | FieldError:
        """The value as this parameter's type, or what is wrong with it. Text (as in a URL) is taken for any kind."""
        match self.kind:
            case "int" | "float":
                return self._check_number(value)
            case "bool":
                taken = value if isinstance(value, bool) else _BOOLS.get(str(value).lower()) if isinstance(value, str) else None
                return taken if taken is not None else FieldError(self.name, "must be true or false", ["true", "false"])
            case "choice":
                if isinstance(value, str) and value in self.choices:
                    return value
                return FieldError(self.name, f"must be one of: {', '.join(self.choices)}", list(self.choices))

    def _check_number(self, value: object) -> Value | FieldError:
        assert self.minimum is not None
        assert self.maximum is not None
        number = _as_int(value) if self.kind == "int" else _as_float(value)
        if number is None:
            kind = "a whole number" if self.kind == "int" else "a number"
            span = f"{self.minimum} to {self.maximum}"
            return FieldError(self.name, f"must be {kind} from {span}", f"{self.kind}, {span}")
        if number < self.minimum:
            return FieldError(self.name, f"must be at least {self.minimum}", self.minimum)
        if number > self.maximum:
            return FieldError(self.name, f"must be at most {self.maximum}", self.maximum)
        return number


class Header(_Model):
    """What a script's docstring says about it. `order` is its place in the course, `time_limit_s` wall seconds."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    topic: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    order: int = Field(ge=0)
    title: Text
    note: Text
    shows: Text
    time_limit_s: int | float = Field(default=30, gt=0, le=MAX_TIME_LIMIT_S)
    process_limit: int | None = Field(default=None, ge=4, le=20_000)
    requires: Annotated[tuple[str, ...], Field(strict=False)] = ()
    source: str = Field(min_length=1)
    question: Question
    parameters: Annotated[tuple[Parameter, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError(f"parameters: a name is used twice: {', '.join(sorted(names))}")
        return self


@dataclass(frozen=True, slots=True)
class Experiment:
    """One curated script: its header, where it lies, and its text."""

    header: Header
    path: Path
    source: str

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def source_sha256(self) -> str:
        """Of the script's text in UTF-8, hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def validate(self, given: Mapping[str, object]) -> dict[str, Value]:
        """All parameters in the header's order, defaults filled in. Raises ParameterError naming every wrong field."""
        known = {parameter.name: parameter for parameter in self.header.parameters}
        names = ", ".join(known) or "no parameters"
        faults = [
            FieldError(str(n)[:80], f"is not a parameter of {self.id} (it takes {names})") for n in given if n not in known
        ]
        values: dict[str, Value] = {}
        for name, parameter in known.items():
            taken = parameter.check(given.get(name, parameter.default))
            if isinstance(taken, FieldError):
                faults.append(taken)
            else:
                values[name] = taken
        if faults:
            raise ParameterError(tuple(faults))
        return values

    def argv(self, values: Mapping[str, Value]) -> list[str]:
        """Validated values as the script's command line: `--name value`, in the header's order."""
        return [word for name in values for word in (f"--{name}", _as_word(values[name]))]

    def as_json(self) -> dict[str, Any]:
        """The header as the API and the templates give it (without the source)."""
        return self.header.model_dump(mode="json")


class Catalogue:
    """The experiments of one folder in course order."""

    def __init__(self, experiments: tuple[Experiment, ...]) -> None:
        self.experiments = tuple(sorted(experiments, key=lambda e: (e.header.order, e.id)))
        self._by_id = {experiment.id: experiment for experiment in self.experiments}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read every `*.py` of `folder` but those whose name begins with `_`. Raises CatalogueError for all faults at once."""
        found: dict[str, Experiment] = {}
        faults: list[str] = []
        for path in sorted(folder.glob("[!_]*.py")):
            try:
                experiment = read_experiment(path)
            except CatalogueError as error:
                faults.append(str(error))
                continue
            if experiment.id in found:
                faults.append(f"{path.name}: id: {experiment.id!r} is already the id of {found[experiment.id].path.name}")
            found.setdefault(experiment.id, experiment)
        if faults:
            raise CatalogueError("\n".join(faults))
        return cls(tuple(found.values()))

    def get(self, experiment_id: str) -> Experiment | None:
        """The experiment with this id, None when there is none."""
        return self._by_id.get(experiment_id)

    def topics(self) -> list[dict[str, Any]]:
        """`[{"id", "experiments": [header…]}]`: topics in the order in which the course first meets them."""
        topics: dict[str, list[dict[str, Any]]] = {}
        for experiment in self.experiments:
            topics.setdefault(experiment.header.topic, []).append(experiment.as_json())
        return [{"id": topic, "experiments": headers} for topic, headers in topics.items()]


def read_experiment(path: Path) -> Experiment:
    """One script's header and text. Raises CatalogueError naming the file, the field and the bound."""
    try:
        source = path.read_text("utf-8")
        docstring = ast.get_docstring(ast.parse(source, path.name), clean=False)
    except (OSError, ValueError, SyntaxError) as error:
        raise CatalogueError(f"{path.name}: cannot be read as Python: {error}") from error
    if docstring is None:
        raise CatalogueError(f"{path.name}: has no docstring; its header is a TOML document in the docstring")
    try:
        header = Header.model_validate(tomllib.loads(docstring.lstrip("\n").replace("\r\n", "\n")))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: docstring is not TOML: {error}") from error
    except ValidationError as error:
        raise CatalogueError("\n".join(_in_words(path.name, error))) from error
    return Experiment(header, path, source)


def _in_words(file: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"]) or "header"
        yield f"{file}: {field}: {fault['msg'].removeprefix('Value error, ')}"


def _as_int(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and _INT.fullmatch(value) else None


def _as_float(value: object) -> float | None:
    if isinstance(value, str):
        return float(value) + 0.0 if _FLOAT.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A whole number of hundreds of digits is valid JSON and too large for a float; both ends are out of any bound.
    huge = isinstance(value, int) and abs(value) > 1 << 1000
    number = (math.inf if value > 0 else -math.inf) if huge else float(value)
    return None if math.isnan(number) else number + 0.0  # never -0.0, which a command line would take for an option


def _as_word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
