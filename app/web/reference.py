"""`/docs`: the API described for people, rendered here from the same OpenAPI document that programs get at `/openapi.json`.

The usual viewers load scripts from elsewhere, which a lecture hall without the internet and our own content policy forbid.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.web import live

router = APIRouter(include_in_schema=False)

TEMPLATE = """\
{% extends "base.html" %}
{% block title %}API · {{ t('site.name') }}{% endblock %}
{% block head %}<link rel="stylesheet" href="/static/css/catalogue.css">{% endblock %}
{% block main %}
<main id="main" class="catalogue" lang="en">
  <header class="catalogue-head"><h1>API</h1><p class="lead">{{ lead }} <a href="/openapi.json">openapi.json</a></p></header>
  {% for call in calls %}
  <section class="topic" aria-labelledby="{{ call.id }}">
    <h2 id="{{ call.id }}"><code>{{ call.method }} {{ call.path }}</code></h2>
    <p>{{ call.description }}</p>
    {% if call.fields %}<ul>{% for field in call.fields %}
      <li><code>{{ field.name }}</code> ({{ field.place }}, {{ field.kind }}){% if field.required %}, required{% endif %}{% if field.text %}: {{ field.text }}{% endif %}</li>
    {% endfor %}</ul>{% endif %}
    <p>{% for status, text in call.answers %}<code>{{ status }}</code> {{ text }}{% if not loop.last %} · {% endif %}{% endfor %}</p>
  </section>
  {% endfor %}
</main>
{% endblock %}
"""
_LEAD = "Errors are problem documents (RFC 9457) that name the field and its bound."
_LIVE = {
    "id": "live",
    "method": "WS",
    "path": "/api/runs/{run}/live",
    "fields": [
        {"name": "from", "place": "query", "kind": "integer", "required": False, "text": "the offset after a whole block"}
    ],
    "answers": [(1000, "all sent"), (4400, "no block begins there"), (4404, "unknown"), (4408, "too slow"), (4410, "deleted")],
}


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Every call: what it does, what it takes, what it answers."""
    live_text = (live.__doc__ or "").partition("\n\nClosing codes")[0]
    calls = [*_calls(request.app.openapi()), _LIVE | {"description": live_text}]
    response: Response = request.app.state.pages.render(
        request, TEMPLATE, {"kind": "reference"}, {"calls": calls, "lead": _LEAD}, inline=True
    )
    return response


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
    kind = " or ".join(kind for kind in kinds if kind and kind != "null")
    return {"name": name, "place": place, "kind": kind, "required": required, "text": schema.get("description", "")}
