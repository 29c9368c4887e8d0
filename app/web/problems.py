"""Errors as problem documents (RFC 9457) for programs and as pages for people.

Every refusal names what was refused and the bound: `{"type", "title", "status", "detail", "errors": [{"field", "message", "bound"}]}`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from app.catalogue import FieldError, ParameterError
from app.store import RunDeletedError, RunUnknownError
from app.web.headers import FRAMED, SECURITY, is_framed

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal. `kind` ends the problem's type URN and is stable; `title` and `detail` are for people."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        """The problem document."""
        return {
            "type": f"urn:schedscope:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": [{"field": e.field, "message": e.message, "bound": e.bound} for e in self.errors],
        }


def unknown(what: str, name: str) -> Problem:
    """404: there never was such a thing."""
    return Problem(404, f"unknown-{what}", f"Unknown {what}", f"There is no {what} {name[:80]!r} here.")


def deleted() -> Problem:
    """410: the run was deleted or its time was up."""
    return Problem(410, "deleted", "Deleted", "This run was deleted, or its retention time is over; nothing of it is kept.")


def bad_parameters(error: ParameterError) -> Problem:
    """422: names each field and its bound."""
    return Problem(422, "bad-parameters", "Bad parameters", str(error), error.errors)


def retry_later(status: int, kind: str, title: str, detail: str, after_s: float, error: FieldError) -> Problem:
    """429 or 503 with the time to come back (whole seconds, at least 1)."""
    return Problem(status, kind, title, detail, [error], {"Retry-After": str(max(1, math.ceil(after_s)))})


ErrorPage = Callable[[Request, Problem], Response]


def install(app: FastAPI, error_page: ErrorPage) -> None:
    """Answer every error of `app` as a problem document, or with `error_page` where a browser asks for a page."""

    def answer(request: Request, problem: Problem) -> Response:
        if _wants_page(request):
            response = error_page(request, problem)
        else:
            response = JSONResponse(problem.as_json(), problem.status, media_type=MEDIA_TYPE)
        framed = FRAMED if is_framed(request.url.path) else {}
        for name, value in (
            SECURITY | framed | problem.headers
        ).items():  # an unforeseen error is answered outside the middleware
            response.headers[name] = value
        response.headers["Cache-Control"] = "no-store"
        return response

    def handler(translate: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handle(request: Request, error: Exception) -> Response:
            return answer(request, translate(error))

        return handle

    app.add_exception_handler(Problem, handler(lambda problem: problem))
    app.add_exception_handler(RunUnknownError, handler(lambda error: unknown("run", str(error))))
    app.add_exception_handler(RunDeletedError, handler(lambda _error: deleted()))
    app.add_exception_handler(ParameterError, handler(bad_parameters))
    app.add_exception_handler(RequestValidationError, handler(_from_validation))
    app.add_exception_handler(HTTPException, handler(_from_http))
    app.add_exception_handler(Exception, handler(lambda _error: _from_status(500)))


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.startswith(("/api/", "/static/", "/healthz")) and "text/html" in request.headers.get("accept", "")


def _from_validation(error: RequestValidationError) -> Problem:
    def field_error(fault: Mapping[str, Any]) -> FieldError:
        field = ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0])
        context = fault.get("ctx") or {}
        bounds = [context[name] for name in ("max_length", "min_length", "le", "ge", "lt", "gt", "expected") if name in context]
        return FieldError(field, str(fault["msg"]), bounds[0] if bounds else None)

    errors = [field_error(fault) for fault in error.errors()]
    detail = "; ".join(f"{e.field}: {e.message}" for e in errors)
    return Problem(422, "bad-request", "Bad request", detail, errors)


def _from_http(error: HTTPException) -> Problem:
    problem = _from_status(error.status_code)
    problem.headers.update(error.headers or {})
    return problem


def _from_status(status: int) -> Problem:
    phrase = HTTPStatus(status)
    kind = phrase.phrase.lower().replace(" ", "-")
    return Problem(status, kind, phrase.phrase, phrase.description or phrase.phrase)
