"""GET /."""

from __future__ import annotations

from werkzeug.test import Client

from cortex_actors import __version__
from cortex_actors.web.app import ROUTES
from tests.web.conftest import json_of


def test_the_root_lists_every_other_endpoint(client: Client) -> None:
    told = json_of(client.get("/"))

    assert told["name"] == "cortex-actors"
    assert told["version"] == __version__
    assert set(told["endpoints"]) == {
        f"{method} {path}" for path, methods in ROUTES.items() for method in methods if path != "/"
    }


def test_what_the_root_suggests_works(client: Client) -> None:
    suggested = json_of(client.get("/"))["try"]

    assert client.post(suggested["path"], json=suggested["body"]).text == "Hello there!"
