"""The document and the routes say the same."""

from __future__ import annotations

import json
import re

import pytest
from werkzeug.test import Client

from cortex_actors.web.app import ROUTES, SUBTREES
from cortex_actors.web.openapi.document import DOCUMENT
from tests.web.conftest import json_of

#: The page under its older name, and what it is made of: no part of the API.
_NOT_TOLD = {"/dev/dashboard", "/dashboard/"}

_OPERATIONS = [(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods]


def test_every_route_is_described() -> None:
    told = {path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()}
    for path, methods in ROUTES.items():
        if path not in _NOT_TOLD:
            assert told.get(path) == set(methods), path
    for beginning, methods in SUBTREES.items():
        if beginning not in _NOT_TOLD:
            below = {method for path, there in told.items() if path.startswith(beginning) for method in there}
            assert below == set(methods), beginning


@pytest.mark.parametrize(("path", "method"), _OPERATIONS)
def test_what_is_described_is_there(path: str, method: str) -> None:
    plain = path.partition("{")[0]
    methods = ROUTES.get(path) or next(
        there for beginning, there in SUBTREES.items() if plain.startswith(beginning)
    )
    assert method in methods


@pytest.mark.parametrize(("path", "method"), _OPERATIONS)
def test_every_part_of_a_path_is_a_parameter(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method.lower()]
    told = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
    assert told == set(re.findall(r"{(\w+)}", path))


def test_every_name_that_is_referred_to_is_among_the_schemas() -> None:
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert wanted <= set(DOCUMENT["components"]["schemas"])


def test_programs_get_the_document_and_people_a_page_of_it(client: Client) -> None:
    assert json_of(client.get("/openapi.json")) == json.loads(json.dumps(DOCUMENT))
    page = client.get("/docs")
    assert page.content_type == "text/html; charset=utf-8"
    for path, method in _OPERATIONS:
        assert f"<code>{method} {path}</code>" in page.text
    assert "<script" not in page.text
