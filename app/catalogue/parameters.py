"""The parameters a visitor may choose: their kinds and bounds, and what is wrong with a value that breaks them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Value = bool | int | float | str
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,2})?")
_BOOLS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


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


class Model(BaseModel):
    """Part of a header: nothing unknown in it, nothing of another type, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(Model):
    """One text in both languages of the page."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Parameter(Model):
    """One value a visitor may choose; the script gets it as `--name VALUE` (a bool as `true` or `false`).

    `labels` says on the page what a choice means; one without is a name of the trade, the same in every language.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    kind: Literal["int", "float", "choice", "bool"]
    default: Value
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: Annotated[tuple[str, ...], Field(strict=False)] = ()
    labels: dict[str, Text] = Field(default_factory=dict)
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

    @model_validator(mode="after")
    def _labels_are_of_choices(self) -> Self:
        if others := [label for label in self.labels if label not in self.choices]:
            raise ValueError(f"labels: {others[0]!r} is not a choice (there are: {', '.join(self.choices) or 'none'})")
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
