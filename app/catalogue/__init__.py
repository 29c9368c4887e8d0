"""The experiments' headers, read without running anything, and the parameters a visitor may give them.

An experiment is one script whose docstring is a TOML document (its fields: "Experiment header" in ARCHITECTURE.md). The
docstring is found with `ast` and parsed with `tomllib`: a script is never imported or executed here.
"""

from __future__ import annotations

import ast
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from app.catalogue.header import Header
from app.catalogue.parameters import FieldError, ParameterError, Value

__all__ = ["Catalogue", "CatalogueError", "Experiment", "FieldError", "ParameterError", "Value", "read_experiment"]


class CatalogueError(ValueError):
    """Headers that do not hold. The message has one line per fault: file, field, what is wrong and the bound."""


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

    def place(self, experiment_id: str) -> dict[str, Any]:
        """`{"number" (from 1), "count", "previous", "next"}`; the neighbours in the course as `{"id", "title"}` or None."""
        ids = [experiment.id for experiment in self.experiments]
        at = ids.index(experiment_id)

        def told(place: int) -> dict[str, Any] | None:
            if not 0 <= place < len(ids):
                return None
            return {"id": ids[place], "title": self.experiments[place].header.title.model_dump()}

        return {"number": at + 1, "count": len(ids), "previous": told(at - 1), "next": told(at + 1)}

    def topics(self) -> list[dict[str, Any]]:
        """`[{"id", "experiments": [header…]}]`: topics in the order in which the course first meets them."""
        topics: dict[str, list[dict[str, Any]]] = {}
        for number, experiment in enumerate(self.experiments, 1):
            topics.setdefault(experiment.header.topic, []).append(experiment.as_json() | {"number": number})
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


def _as_word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
