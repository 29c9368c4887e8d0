"""The pages for people: catalogue, about, experiment, run, and the error page. Templates get `lang`, `t`, `alternate_url`, `page`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates

from app.catalogue import Experiment
from app.web import language, requirements
from app.web.api import run_json
from app.web.assets import Assets, compressed
from app.web.problems import Problem, unknown
from app.web.settings import Settings
from app.web.sharing import social, title_of
from app.web.state import state_of

_SAMPLE = "sample:"
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class Pages:
    """Renders templates in the request's language."""

    def __init__(self, settings: Settings) -> None:
        self._templates = Jinja2Templates(settings.templates_dir)
        self._texts = language.Texts(settings.static_dir)
        self.assets = Assets(settings.static_dir, settings.bundled)

    def render(
        self,
        request: Request,
        template: str,
        page: dict[str, Any],
        context: dict[str, Any],
        status: int = 200,
    ) -> Response:
        """One page. `page` is what the browser's modules read (embedded as JSON); `context` is for the template alone."""
        lang = language.choose(request)
        shared = {
            "lang": lang,
            "t": self._texts.translator(lang),
            "alternate_url": language.alternate_url(request, lang),
            "page": page | {"lang": lang},
        }
        page_text = self.assets.dress(self._templates.env.get_template(template).render(shared | context))
        content, encoding = compressed(request, page_text.encode())
        response = HTMLResponse(content, status, encoding)
        response.headers["Content-Language"] = "zh-CN" if lang == "zh" else "en"
        response.headers["Vary"] = "Accept-Language, Accept-Encoding"
        response.headers["Cache-Control"] = "no-cache"
        state_of(request).clients.remember(request, response)
        return response

    def words(self, lang: language.Language) -> Callable[..., str]:
        """The translator of a language."""
        return self._texts.translator(lang)

    def error(self, request: Request, problem: Problem) -> Response:
        """The error page."""
        page = {"kind": "error", **problem.as_json()}
        context = {"status": problem.status, "title": problem.title, "detail": problem.detail, "errors": page["errors"]}
        context["retry_after"] = problem.headers.get("Retry-After")
        return self.render(request, "error.html", page, context, problem.status)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _days(request: Request) -> int:
    """How long a run is kept."""
    return state_of(request).settings.retention_s // 86400


@router.get("/")
async def catalogue(request: Request) -> Response:
    """All experiments, by topic, in course order."""
    state = state_of(request)
    samples = {experiment.id: state.samples.as_json(experiment.id) for experiment in state.catalogue.experiments}
    context = {"topics": state.catalogue.topics(), "samples": samples, "first": next(iter(samples), None)}
    return _pages(request).render(request, "catalogue.html", {"kind": "catalogue"}, context)


@router.get("/about")
async def about(request: Request) -> Response:
    """What is observed, how exactly, and what is not; the sandbox, privacy, licences."""
    vendored = json.loads((state_of(request).settings.static_dir / "vendor/vendored.json").read_text("utf-8"))
    context = {"vendored": vendored, "days": _days(request)}
    return _pages(request).render(request, "about.html", {"kind": "about"}, context)


@router.get("/presenter")
async def presenter(request: Request) -> Response:
    """What only the teacher sees; a projector's page opens it and is driven by it, within the browser."""
    return _pages(request).render(request, "presenter.html", {"kind": "presenter"}, {})


@router.get("/experiments/{experiment_id}")
async def experiment(request: Request, experiment_id: str) -> Response:
    """One experiment with the parameters of the URL, not run yet. Other query parameters are the page's own business."""
    found = state_of(request).catalogue.get(experiment_id)
    if found is None:
        raise unknown("experiment", experiment_id)
    names = {parameter.name for parameter in found.header.parameters}
    given = {name: value for name, value in request.query_params.items() if name in names}
    header = _with_place(request, found)
    header |= {"origin": header["source"], "source": found.source}
    header["missing"] = await asyncio.to_thread(requirements.missing, found.header.requires, state_of(request).settings)
    page = {"kind": "experiment", "experiment": header, "parameters": found.validate(given), "retention_days": _days(request)}
    return _pages(request).render(request, "experiment.html", page, {"experiment": header})


def _with_place(request: Request, found: Experiment) -> dict[str, Any]:
    """The header, with its sample and its place in the course."""
    state = state_of(request)
    return found.as_json() | {"sample": state.samples.as_json(found.id), "place": state.catalogue.place(found.id)}


@router.get("/compare")
async def compare(request: Request, left: str, right: str) -> Response:
    """Two runs on one time axis, and the difference of their facts. Each is a run's id, or `sample:` and an experiment's."""
    state = state_of(request)
    page: dict[str, Any] = {"kind": "compare"}
    titles: dict[str, str] = {}
    for side, name in (("left", left), ("right", right)):
        if name.startswith(_SAMPLE):
            page[side], titles[side] = _compared_sample(request, name.removeprefix(_SAMPLE))
            continue
        row, status = await state.manager.get(name)
        found = state.catalogue.get(row.experiment or "")
        page[side] = run_json(row, status) | {"asks": found.as_json()["parameters"] if found else []}
        titles[side] = title_of(row, found, language.choose(request))
    return _pages(request).render(request, "compare.html", page, {"titles": titles})


def _compared_sample(request: Request, experiment_id: str) -> tuple[dict[str, Any], str]:
    """A sample as one side of a comparison, and its title."""
    state, pages = state_of(request), _pages(request)
    found, sample = state.catalogue.get(experiment_id), state.samples.as_json(experiment_id)
    if found is None or sample is None:
        raise unknown("sample", experiment_id)
    side = {
        "id": f"{_SAMPLE}{experiment_id}",
        "url": f"/experiments/{experiment_id}",
        "parameters": sample["parameters"],
        "asks": found.as_json()["parameters"],
        "sample": sample,
    }
    lang = language.choose(request)
    return side, pages.words(lang)("compare.ofSample", title=getattr(found.header.title, lang))


@router.get("/runs/{run_id}")
async def run(request: Request, run_id: str) -> Response:
    """A run: live while it goes on, replayed for as long as it is kept."""
    state = state_of(request)
    row, status = await state.manager.get(run_id)
    found = state.catalogue.get(row.experiment or "")
    header = _with_place(request, found) if found else None
    page = {"kind": "run", "run": run_json(row, status), "experiment": header, "retention_days": _days(request)}
    context = {"run": page["run"], "experiment": header, "social": social(request, row, found)}
    return _pages(request).render(request, "run.html", page, context)
