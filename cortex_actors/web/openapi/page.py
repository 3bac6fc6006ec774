"""The document for people: one page of plain HTML, made once, with the dashboard's styles and no script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>{title}: API</title>
<link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/dashboard/dashboard.css"></head>
<body><header><div class="brand"><h1>{title} {version}</h1></div>
<p class="hint">{about} The same for programs: <a href="/openapi.json">/openapi.json</a></p></header><main>
"""


def page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    head = _HEAD.format(
        title=escape(info["title"]), version=escape(info["version"]), about=escape(info["description"])
    )
    sections = (_section(document, tag) for tag in document["tags"])
    return f"{head}{''.join(sections)}{_schemas(document)}</main></body></html>\n"


def _section(document: dict[str, Any], tag: dict[str, str]) -> str:
    told = "".join(_operations(document, tag["name"]))
    title, about = escape(tag["name"]), escape(tag["description"])
    return f'<section><h2>{title}</h2><p class="hint">{about}</p>{told}</section>'


def _operations(document: dict[str, Any], tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield (
                    f"<details><summary><code>{method.upper()} {escape(path)}</code> "
                    f"{escape(operation['summary'])}</summary>{''.join(_details(operation))}</details>"
                )


def _details(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        name, kind = escape(parameter["name"]), _kind(parameter["schema"])
        yield f"<p><code>{name}</code> ({parameter['in']}) {kind}</p>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_kind(next(iter(body['content'].values()))['schema'])}</p>"
    for status, answer in operation["responses"].items():
        kinds = ", ".join(
            f"<code>{escape(kind)}</code> {_kind(content['schema'])}"
            for kind, content in answer.get("content", {}).items()
        )
        yield f"<p><code>{status}</code> {escape(answer['description'])} {kinds}</p>"


def _schemas(document: dict[str, Any]) -> str:
    told = "".join(
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<pre>{escape(json.dumps(schema, indent=2))}</pre></details>"
        for name, schema in document["components"]["schemas"].items()
    )
    return f"<section><h2>schemas</h2>{told}</section>"


def _kind(schema: dict[str, Any]) -> str:
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    return escape(str(schema.get("description") or schema.get("type") or ""))
