"""What is made from a manifest for people and for other tools: Markdown, OpenAPI."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cortex_actors.client import load_manifest, shipped
from cortex_actors.client.docs import markdown
from cortex_actors.client.openapi import openapi
from cortex_actors.client.shipped import NAMES
from tests.client import PLAIN, STREAM, manifest
from tests.client.test_manifest import EVERYTHING


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_names_everything_of_a_manifest(name: str) -> None:
    read = shipped(name)
    text = markdown(read)
    for endpoint in read.endpoints.values():
        assert f"### {endpoint.id}\n\n`{endpoint.method} {endpoint.path}`" in text
    for spec in read.types.values():
        assert f"### {spec.name}\n" in text
    for error in read.error_types.values():
        assert f"| {error.status} | {error.name} |" in text


def test_the_documentation_tells_what_has_no_other_effect() -> None:
    # P-15: tags, deprecated and event_types are at least told.
    text = markdown(load_manifest(EVERYTHING))
    assert "**Deprecated.**" in text
    assert "* Tags: long" in text
    assert "* Events: delta (Piece), end (map)" in text
    assert "* Retry some: up to 4 attempts, linear from 0.1 s" in text
    assert "* Rate limit slow: 10 calls in 1.5 s" in text
    assert "Python: `jobs.run(kind, size)`, `jobs.run_async(kind, size)`" in text


def test_a_table_of_the_documentation_survives_any_description() -> None:
    types = {"T": {"fields": {"a": {"description": "one | two\nthree"}}}}
    text = markdown(manifest(PLAIN, types=types))
    assert "| a | any |  | one \\| two three |" in text


@pytest.mark.parametrize("document", [*(shipped(name).document for name in NAMES), EVERYTHING])
def test_every_reference_of_an_openapi_document_leads_somewhere(document: Any) -> None:
    made = json.loads(json.dumps(openapi(load_manifest(document))))
    assert made["openapi"] == "3.1.0"
    schemas = made["components"]["schemas"]
    for reference in _references(made):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for path, operations in made["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            for requirement in operation.get("security", []):
                assert set(requirement) <= set(made["components"]["securitySchemes"])


def test_an_openapi_document_says_what_the_manifest_says() -> None:
    made = openapi(load_manifest(EVERYTHING))
    run = made["paths"]["/jobs/{kind}"]["post"]
    assert (run["operationId"], run["deprecated"], run["tags"]) == ("run_jobs", True, ["jobs", "long"])
    assert run["security"] == [{"key": []}]
    assert list(run["requestBody"]["content"]) == ["multipart/form-data"]
    assert run["responses"]["404"]["description"] == "No."
    assert {"name": "Idem", "in": "header", "schema": {"type": "string"}} in run["parameters"]
    assert made["paths"]["/jobs/{id}"]["get"]["security"] == []
    assert list(made["paths"]["/talk"]["post"]["responses"]["200"]["content"]) == ["application/x-ndjson"]
    assert made["servers"] == [{"url": "https://eu.test"}]
    schemas = made["components"]["schemas"]
    assert schemas["Work"]["properties"]["size"] == {"type": "integer", "exclusiveMinimum": 0}
    assert schemas["Work"]["required"] == ["size"]
    assert schemas["Piece"]["discriminator"]["mapping"]["a"] == "#/components/schemas/Receipt"
    assert schemas["Size"] == {"type": "string", "enum": ["s", "m"]}


def test_endpoints_in_one_place_become_one_operation_with_several_answers() -> None:
    made = openapi(shipped("cortex"))
    content = made["paths"]["/api/chat"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"text/plain", "text/event-stream", "application/x-ndjson"}


def test_the_query_of_a_get_becomes_parameters() -> None:
    types = {"T": {"fields": {"limit": {"type": "integer", "required": True, "alias": "max"}}}}
    made = openapi(manifest({**PLAIN, "request": "T"}, STREAM, types=types))
    parameters = made["paths"]["/things/{id}"]["get"]["parameters"]
    assert parameters[1] == {"name": "max", "in": "query", "required": True, "schema": {"type": "integer"}}
