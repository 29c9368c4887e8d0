"""`/docs`: the API described for people, rendered here from the same OpenAPI document that programs get at `/openapi.json`.

The usual viewers load scripts from elsewhere, which a lecture hall without the internet and our own content policy forbid.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.web import language, live
from app.web.pages import Pages
from app.web.state import state_of

router = APIRouter(include_in_schema=False)

_LIVE = {
    "id": "live",
    "method": "WS",
    "path": "/api/runs/{run}/live",
    "fields": [
        {"name": "from", "place": "query", "kinds": ["integer"], "required": False, "text": "the offset after a whole block"}
    ],
    "answers": [(1000, "all sent"), (4400, "no block begins there"), (4404, "unknown"), (4408, "too slow"), (4410, "deleted")],
}


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Every call: what it does, what it takes, what it answers."""
    state = state_of(request)
    lang = language.choose(request)
    words = translations(state.settings.static_dir) if lang == "zh" else {}
    live_text = (live.__doc__ or "").partition("\n\nClosing codes")[0]
    calls = [*_calls(request.app.openapi()), _LIVE | {"description": live_text}]

    def say(text: str) -> str:
        """A sentence of the document in the page's language; English where it has none."""
        plain = " ".join(text.split())
        return words.get(plain, plain)

    pages: Pages = request.app.state.pages
    return pages.render(request, "reference.html", {"kind": "reference"}, {"calls": calls, "say": say})


def translations(static_dir: Path) -> dict[str, str]:
    """The Chinese of every sentence in the document, by its English."""
    return dict(json.loads((static_dir / "i18n/api.zh.json").read_text("utf-8")))


def _calls(document: dict[str, Any]) -> list[dict[str, Any]]:
    schemas = document.get("components", {}).get("schemas", {})
    return [
        {
            "id": call["operationId"],
            "method": method.upper(),
            "path": path,
            "description": call.get("description", ""),
            "fields": [*_parameters(call), *_body(call, schemas)],
            "answers": [(status, answer["description"]) for status, answer in call["responses"].items()],
        }
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    ]


def _parameters(call: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _field(parameter["name"], parameter["in"], parameter["schema"], parameter.get("required", False))
        for parameter in call.get("parameters", [])
    ]


def _body(call: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
    required = schema.get("required", [])
    return [_field(name, "body", field, name in required) for name, field in schema.get("properties", {}).items()]


def _field(name: str, place: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    kinds = [part.get("type", "") for part in schema.get("anyOf", [schema])]
    named = [kind for kind in kinds if kind and kind != "null"]
    return {"name": name, "place": place, "kinds": named, "required": required, "text": schema.get("description", "")}
