"""The samples over HTTP: the recording, its facts, its thumbnail."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from app.web.api import RECORDING_TYPE
from app.web.problems import unknown
from app.web.samples import Sample, Theme
from app.web.state import state_of

router = APIRouter()
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # its address has the content's hash


def _sample(request: Request, experiment_id: str) -> Sample:
    sample = state_of(request).samples.by_id.get(experiment_id)
    if sample is None:
        raise unknown("sample", experiment_id)
    return sample


@router.get("/api/experiments/{experiment_id}/sample", response_class=Response)
async def sample_recording(request: Request, experiment_id: str) -> Response:
    """The sample recording of an experiment: a real run, made with the defaults when the package was made."""
    sample = _sample(request, experiment_id)
    return FileResponse(sample.path, headers=_FOR_EVER | {"ETag": f'"{sample.sha256}"'}, media_type=RECORDING_TYPE)


@router.get("/api/experiments/{experiment_id}/sample/facts", response_class=Response)
async def sample_facts(request: Request, experiment_id: str) -> Response:
    """What the sample says in numbers, as of any run."""
    pieces = await state_of(request).exporter.export(_sample(request, experiment_id).path, "facts")
    return StreamingResponse(pieces, headers=_FOR_EVER, media_type="application/json")


@router.get("/api/experiments/{experiment_id}/thumbnail.svg", response_class=Response)
async def thumbnail(request: Request, experiment_id: str, theme: Theme = "light") -> Response:
    """The sample's picture, small, for a list."""
    _sample(request, experiment_id)
    drawn = await state_of(request).samples.thumbnail(experiment_id, theme)
    return Response(drawn, headers=_FOR_EVER, media_type="image/svg+xml")
