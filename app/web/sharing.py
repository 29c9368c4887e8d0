"""A run on other people's pages: the frame to embed, oEmbed (oembed.com) that leads to it, and the picture beside a link (ogp.me)."""

from __future__ import annotations

import re
from html import escape
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from app.catalogue import Experiment, FieldError
from app.core.export.formats import FORMATS
from app.store import Run
from app.web import language
from app.web.api import run_json
from app.web.headers import FRAMED
from app.web.problems import Problem, unknown
from app.web.state import state_of

router = APIRouter()
_RUN_PATH = re.compile(r"/runs/([\w-]{1,64})(?:/embed)?/?")
_WIDTH_PX, _HEIGHT_PX = 960, 540
_LEAST_WIDTH_PX, _LEAST_HEIGHT_PX = 320, 240


def title_of(run: Run, experiment: Experiment | None, lang: language.Language) -> str:
    """What a run is called on other pages."""
    return getattr(experiment.header.title, lang) if experiment else run.name


def social(request: Request, run: Run, experiment: Experiment | None) -> dict[str, str]:
    """What the head of a run's page says to other sites; absolute addresses."""
    base, lang = str(request.base_url).rstrip("/"), language.choose(request)
    address = f"{base}/runs/{run.id}"
    return {
        "title": title_of(run, experiment, lang),
        "description": getattr(experiment.header.shows, lang) if experiment else "",
        "url": f"{address}?lang={lang}",
        "image": f"{address}/card.png",
        "oembed": f"{base}/oembed?format=json&url={quote(f'{address}?lang={lang}', safe='')}",
    }


@router.get("/runs/{run_id}/embed", include_in_schema=False)
async def embed(request: Request, run_id: str) -> Response:
    """The run for an `<iframe>`: the timeline alone, with a link to the whole page. Any site may frame this page, and only this."""
    state = state_of(request)
    row, status = await state.manager.get(run_id)
    found = state.catalogue.get(row.experiment or "")
    page = {"kind": "run", "run": run_json(row, status), "experiment": found.as_json() if found else None, "embedded": True}
    context = {"run": page["run"], "experiment": page["experiment"], "embedded": True}
    response: Response = request.app.state.pages.render(request, "run.html", page, context)
    response.headers.update(FRAMED)
    return response


@router.get("/runs/{run_id}/card.png", include_in_schema=False)
async def card(request: Request, run_id: str) -> Response:
    """The picture beside a link: drawn from the run, 1200 × 630 pixels."""
    state = state_of(request)
    row, status = await state.manager.get(run_id)
    if not row.size_bytes:
        raise Problem(404, "nothing-recorded", "Nothing recorded", "Nothing of this run is recorded (yet).")
    picture = b"".join([piece async for piece in await state.exporter.export(state.store.recording_path(run_id), "png")])
    # Other sites show it, and ask for it again: a day is enough for a run that will not change, and lets a deleted one go.
    headers = {
        "Cache-Control": "public, max-age=86400" if status.ended else "no-store",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(picture, headers=headers, media_type=FORMATS["png"].media_type)


@router.get("/oembed", response_class=Response)
async def oembed(
    request: Request,
    url: Annotated[str, Query(max_length=2000, description="the address of a run's page on this server")],
    answer: Annotated[Literal["json", "xml"], Query(alias="format")] = "json",
    maxwidth: Annotated[int | None, Query(ge=1, le=10_000)] = None,
    maxheight: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:
    """How to embed a run (oEmbed, type `rich`). 404 for an address that is no run of this server, 501 for XML."""
    if answer == "xml":
        raise Problem(
            501, "no-xml", "Not implemented", "oEmbed is given as JSON only.", [FieldError("format", "json only", "json")]
        )
    parts, base = urlsplit(url), urlsplit(str(request.base_url))
    match = _RUN_PATH.fullmatch(parts.path)
    if match is None or parts.netloc != base.netloc:
        raise unknown("run", url)
    state = state_of(request)
    row, _ = await state.manager.get(match[1])
    return JSONResponse(_rich(request, row, state.catalogue.get(row.experiment or ""), maxwidth, maxheight))


def _rich(request: Request, row: Run, found: Experiment | None, maxwidth: int | None, maxheight: int | None) -> dict[str, Any]:
    width = min(_WIDTH_PX, max(maxwidth or _WIDTH_PX, _LEAST_WIDTH_PX))
    height = min(_HEIGHT_PX, max(maxheight or _HEIGHT_PX, _LEAST_HEIGHT_PX))
    about = social(request, row, found)
    source = f"{about['url'].partition('?')[0]}/embed?lang={language.choose(request)}"
    return {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Schedscope",
        "provider_url": str(request.base_url),
        "title": about["title"],
        "width": width,
        "height": height,
        "html": frame_code(source, about["title"], width, height),
        "thumbnail_url": about["image"],
        "thumbnail_width": 1200,
        "thumbnail_height": 630,
    }


def frame_code(source: str, title: str, width: int, height: int) -> str:
    """The HTML to paste; the share dialog (`static/page/share.js`) writes the same."""
    return (
        f'<iframe src="{escape(source)}" title="{escape(title)}" width="{width}" height="{height}"'
        ' style="border:0;max-width:100%" loading="lazy" allowfullscreen></iframe>'
    )
