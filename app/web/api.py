"""The API for programs: runs and the catalogue as JSON. Errors are problem documents (`problems.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.catalogue import Experiment, FieldError
from app.core.export.formats import FORMATS
from app.recorder import interpreters
from app.store import Run
from app.web import requirements
from app.web.feed import Feed, Status
from app.web.problems import Problem
from app.web.runs import Job
from app.web.settings import Settings
from app.web.state import ServerState, state_of

router = APIRouter()
RECORDING_TYPE = "application/vnd.schedscope.recording"
_FOR_EVER = "public, max-age=31536000, immutable"


class NewRun(BaseModel):
    """What to run: an experiment of the catalogue and its parameters by name (those left out take their defaults)."""

    model_config = ConfigDict(extra="forbid")

    experiment: str | None = Field(default=None, max_length=64, examples=["gevent-sleep"])
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=64)
    source: str | None = Field(default=None, description="Code of a visitor's own. Not accepted by this version.")


class CreatedRun(BaseModel):
    """`delete_token` is shown this once; it goes into `X-Delete-Token` to cancel or delete the run."""

    id: str
    url: str
    delete_token: str


class RunState(BaseModel):
    """A run as it is now. Times are unix seconds; `position` is the place in the queue, 0 once it has started."""

    id: str
    url: str
    state: Literal["queued", "running", "finished", "interrupted"]
    outcome: str | None
    position: int
    experiment: str | None
    name: str
    parameters: dict[str, Any]
    source_sha256: str
    created_s: float
    started_s: float | None
    ended_s: float | None
    size_bytes: int
    end: dict[str, Any] | None
    """The recording's END document: exit code, signal, which limit at which bound, what was lost."""


def run_json(run: Run, status: Status) -> dict[str, Any]:
    """A run as the API and the run page give it."""
    fields = RunState(
        id=run.id,
        url=f"/runs/{run.id}",
        state=status.state.value,
        outcome=status.outcome,
        position=status.position,
        experiment=run.experiment,
        name=run.name,
        parameters=run.parameters,
        source_sha256=run.source_sha256,
        created_s=run.created_s,
        started_s=run.started_s,
        ended_s=run.ended_s,
        size_bytes=run.size_bytes,
        end=run.end,
    )
    return fields.model_dump(mode="json")


@router.get("/api/experiments")
async def experiments(request: Request) -> list[dict[str, Any]]:
    """The catalogue in course order: every header with its parameters and their bounds, and its sample."""
    state = state_of(request)
    return [one.as_json() | {"sample": state.samples.as_json(one.id)} for one in state.catalogue.experiments]


@router.post("/api/runs", status_code=201)
async def create_run(request: Request, new: NewRun, response: Response) -> CreatedRun:
    """Queue a run. 422 names a wrong field and its bound; 429 and 503 say when to come back."""
    state = state_of(request)
    if new.source is not None:
        detail = "This server runs the experiments of its catalogue only, not code of a visitor's own."
        raise Problem(403, "source-refused", "Own code is not accepted", detail, [FieldError("source", detail)])
    experiment = _experiment_of(state, new.experiment)
    values = experiment.validate(new.parameters)
    await _must_have(experiment.header.requires, state.settings)
    job = job_of(experiment, values, state.settings)
    run, token = await state.manager.submit(job, state.clients.of_request(request))
    url = f"/runs/{run.id}"
    response.headers["Location"] = url
    return CreatedRun(id=run.id, url=url, delete_token=token)


def _experiment_of(state: ServerState, experiment_id: str | None) -> Experiment:
    experiment = state.catalogue.get(experiment_id or "")
    if experiment is None:
        known = [e.id for e in state.catalogue.experiments]
        detail = "experiment is missing" if experiment_id is None else f"there is no experiment {experiment_id!r}"
        raise Problem(422, "bad-parameters", "Bad parameters", detail, [FieldError("experiment", detail, known)])
    return experiment


async def _must_have(requires: tuple[str, ...], settings: Settings) -> None:
    """Raises Problem 409 where this machine lacks what an experiment requires."""
    if lacking := await asyncio.to_thread(requirements.missing, requires, settings):
        detail = f"This machine lacks what the experiment requires: {', '.join(requirements.LACKED.get(one, one) for one in lacking)}."
        raise Problem(409, "requirement-missing", "Cannot run here", detail, [FieldError("experiment", detail, list(lacking))])


def job_of(experiment: Experiment, values: dict[str, Any], settings: Settings) -> Job:
    """A run of a catalogue's experiment: its own time limit within the server's, more of what it asks for."""
    asked = experiment.header.limits
    limits = settings.limits | asked | {"wall_s": min(asked["wall_s"], settings.wall_limit_s)}
    return Job(
        name=experiment.path.name,
        source=experiment.source,
        argv=experiment.argv(values),
        experiment=experiment.id,
        parameters=values,
        limits=limits,
        script_path=str(experiment.path),
        python=_python_for(experiment),
        cwd="/",
        calibrate=experiment.header.cpu_bound,
        broker=_broker_for(experiment),
    )


def _broker_for(experiment: Experiment) -> str | None:
    if requirements.CRASH in experiment.header.requires:
        return "whole"
    return "shared" if requirements.BROKER in experiment.header.requires else None


def _python_for(experiment: Experiment) -> str | None:
    """The interpreter that the experiment requires; None for the one that runs this."""
    if "free-threaded" not in experiment.header.requires:
        return None
    found = interpreters.free_threaded()
    return found.python if found else None


@router.get("/api/runs/{run}")
async def get_run(request: Request, run: str) -> RunState:
    """A run's state; ask again, or follow it live, while it is queued or running."""
    return RunState(**run_json(*await state_of(request).manager.get(run)))


Token = Annotated[str | None, Header(alias="X-Delete-Token", max_length=100)]


async def _check_token(state: ServerState, run: str, token: str | None) -> None:
    if not await asyncio.to_thread(state.store.token_fits, run, token or ""):
        detail = "The header X-Delete-Token must be the token given when the run was made."
        raise Problem(403, "bad-token", "Wrong token", detail, [FieldError("X-Delete-Token", detail)])


@router.delete("/api/runs/{run}", status_code=204)
async def delete_run(request: Request, run: str, token: Token = None) -> None:
    """Remove the run and its recording for good (a run that goes on is cancelled first). It answers 410 from then on."""
    state = state_of(request)
    await _check_token(state, run, token)
    await state.manager.delete(run)


@router.post("/api/runs/{run}/cancel")
async def cancel_run(request: Request, run: str, token: Token = None) -> RunState:
    """End the run; answers when it has come to rest. What was recorded stays."""
    state = state_of(request)
    await _check_token(state, run, token)
    await state.manager.cancel(run)
    return RunState(**run_json(*await state.manager.get(run)))


@router.head("/api/runs/{run}/recording", include_in_schema=False)
@router.get("/api/runs/{run}/recording", response_class=Response)
async def recording(request: Request, run: str) -> Response:
    """The recording's bytes: of an ended run for ever (ETag, ranges), of one that goes on as far as it is."""
    state = state_of(request)
    feed = await state.manager.feed(run)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{run}.sched"'}
    if not feed.status.ended:
        headers["Content-Length"] = str(feed.size_bytes)
        return StreamingResponse(_bytes_of(feed, feed.size_bytes), headers=headers, media_type=RECORDING_TYPE)
    row, _ = await state.manager.get(run)
    if not row.size_bytes:
        raise _nothing_recorded()
    headers |= {"Cache-Control": _FOR_EVER, "ETag": f'"{row.recording_sha256}"'}
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(feed.path, headers=headers, media_type=RECORDING_TYPE)


def _nothing_recorded() -> Problem:
    return Problem(404, "nothing-recorded", "Nothing recorded", "Nothing of this run is recorded (yet).")


def _has_it(request: Request, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known


async def _bytes_of(feed: Feed, size_bytes: int) -> AsyncIterator[bytes]:
    offset = 0
    while offset < size_bytes:
        span = (await feed.span(offset, 256 * 1024))[: size_bytes - offset]
        offset += len(span)
        yield span


class ExportOptions(BaseModel):
    """How an export is to be. All but `format` concern only the formats that are named."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["json", "facts", "csv", "perfetto", "svg", "png", "html"] = "json"
    lang: Literal["zh", "en"] = Field(default="en", description="svg, html: the words")
    theme: Literal["light", "dark"] = Field(default="light", description="svg, png: the colours")
    start: float | None = Field(default=None, ge=0, le=1e6, description="svg: from so many seconds after the start")
    end: float | None = Field(default=None, gt=0, le=1e6, description="svg: to so many seconds after the start")
    width: int = Field(default=1200, ge=200, le=8000, description="svg: pixels")

    def words(self) -> list[str]:
        """As the command `schedscope export` takes them."""
        given = {"lang": self.lang, "theme": self.theme, "start": self.start, "end": self.end, "width": self.width}
        return [f"--{name}={value}" for name, value in given.items() if value is not None]


@router.get("/api/runs/{run}/export", response_class=Response)
async def export(request: Request, run: str, options: Annotated[ExportOptions, Query()]) -> StreamingResponse:
    """The recording in another format; of a run that goes on, as far as it is.

    `json` is lossless (times in nanoseconds), `facts` what it says in numbers, `csv` the same as a table, `perfetto` a trace for
    Perfetto, `svg` a picture, `png` a small one without words, `html` one file that replays offline.
    """
    state = state_of(request)
    row, status = await state.manager.get(run)
    if not row.size_bytes:
        raise _nothing_recorded()
    if options.start is not None and options.end is not None and options.start >= options.end:
        detail = "start must be before end"
        raise Problem(422, "bad-request", "Bad request", detail, [FieldError("start", detail, options.end)])
    pieces = await state.exporter.export(state.store.recording_path(run), options.format, *options.words())
    spec = FORMATS[options.format]
    cache = _FOR_EVER if status.ended else "no-store"
    headers = {"Cache-Control": cache, "Content-Disposition": f'attachment; filename="{run}.{spec.ending}"'}
    return StreamingResponse(pieces, headers=headers, media_type=spec.media_type)


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Whether the server can take runs, and how busy it is."""
    state = state_of(request)
    return JSONResponse({"status": "ok", **state.manager.statistics(), "viewers": state.viewers})
