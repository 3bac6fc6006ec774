"""GET /."""

from __future__ import annotations

from werkzeug.test import Client

from cortex_actors import __version__
from cortex_actors.web.app import ROUTES, SUBTREES
from tests.web.conftest import json_of


def test_the_root_lists_every_other_endpoint(client: Client) -> None:
    told = json_of(client.get("/"))

    assert told["name"] == "cortex-actors"
    assert told["version"] == __version__
    whole = {name for name in told["endpoints"] if "{" not in name}
    assert whole == {
        f"{method} {path}" for path, methods in ROUTES.items() for method in methods if path != "/"
    }
    for name in set(told["endpoints"]) - whole:
        assert name.partition("{")[0].partition(" ")[2] in SUBTREES


def test_what_the_root_suggests_works(client: Client) -> None:
    suggested = json_of(client.get("/"))["try"]

    assert client.post(suggested["path"], json=suggested["body"]).text == "Hello there!"
