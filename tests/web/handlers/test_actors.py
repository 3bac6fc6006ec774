"""GET /api/actors."""

from __future__ import annotations

from dataclasses import replace

from werkzeug.test import Client

from cortex_actors.web.handlers.actors import node_payload
from tests.web.conftest import json_of
from tests.web.gateway_double import TREE


def test_the_tree_is_told_as_it_was_published(client: Client) -> None:
    told = json_of(client.get("/api/actors"))["tree"]

    assert (told["id"], told["state"], told["uptime"], told["children"]) == ("cortex", "running", 12.346, [])


def test_children_are_told_inside_their_parents() -> None:
    grown = replace(TREE, children=(replace(TREE, id="router", kind="worker"),))

    assert [child["id"] for child in node_payload(grown)["children"]] == ["router"]
