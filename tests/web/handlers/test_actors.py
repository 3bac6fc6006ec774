"""GET /api/actors and /api/actors/{name}."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from werkzeug.test import Client

from cortex_actors.otp.actor import Actor, cast, kill, spawn
from cortex_actors.otp.mailbox import MailboxStats
from cortex_actors.otp.reasons import ExitKind
from cortex_actors.otp.tree import LastExit, TreeNode
from cortex_actors.web.operator.actors import node_payload
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import TREE, GatewayDouble

LIMIT = 10.0

WORKER = replace(TREE, id="worker", name="providers/groq/worker", kind="worker", restart="permanent")
GROQ = replace(TREE, id="groq", name="providers/groq", children=(WORKER,), children_count=1)
PROVIDERS = replace(TREE, id="providers", name="providers", children=(GROQ,), children_count=1)
GROWN = replace(TREE, children=(PROVIDERS,), children_count=1)


@pytest.fixture
def client() -> Client:
    return client_of(GatewayDouble(grown=GROWN))


def test_the_tree_is_told_as_it_was_published(client: Client) -> None:
    told = json_of(client.get("/api/actors"))["tree"]

    assert (told["id"], told["state"], told["uptime"], told["children_count"]) == (
        "cortex",
        "running",
        12.346,
        1,
    )
    assert told["children"][0]["children"][0]["children"][0]["name"] == "providers/groq/worker"


def test_an_actor_tells_all_that_is_known_of_it() -> None:
    node = replace(
        WORKER,
        state="restarting",
        generation=3,
        restarts=2,
        last_exit=LastExit(ExitKind.CRASHED, "KeyError: 'x' (in Outcome)", 4.0),
        backoff_until=1.5,
        mailbox=MailboxStats(depth=250, bound=1000, high_water=300, refused=1, received=900, handled=650),
        busy_with="Outcome",
        busy_for=0.75,
    )

    assert node_payload(node, now=100.0) == {
        "id": "worker",
        "name": "providers/groq/worker",
        "class": "Supervisor",
        "kind": "worker",
        "restart": "permanent",
        "state": "restarting",
        "generation": 3,
        "started_at": "1970-01-01T00:01:27.654Z",
        "uptime": 12.346,
        "restarts": 2,
        "restarts_in_period": 0,
        "max_restarts": 3,
        "period": None,
        "last_exit": {
            "kind": "crashed",
            "detail": "KeyError: 'x' (in Outcome)",
            "at": "1970-01-01T00:01:36.000Z",
            "ago": 4.0,
        },
        "backoff": 1.5,
        "backoff_until": "1970-01-01T00:01:41.500Z",
        "mailbox": {
            "depth": 250,
            "bound": 1000,
            "fill": 0.25,
            "high_water": 300,
            "refused": 1,
            "received": 900,
            "handled": 650,
        },
        "busy_with": "Outcome",
        "busy_for": 0.75,
        "children_count": 0,
        "children": [],
    }


def test_the_actors_of_single_requests_can_be_left_out(client: Client) -> None:
    assert json_of(client.get("/api/actors?temporary=false"))["tree"]["children"] == []


def test_one_actor_is_found_by_its_name_with_slashes(client: Client) -> None:
    told = json_of(client.get("/api/actors/providers/groq/worker"))

    assert told["actor"]["name"] == "providers/groq/worker"
    assert told["path"] == ["cortex", "providers", "providers/groq"]
    assert "stack" not in told


def test_a_supervisor_is_told_with_all_below_it(client: Client) -> None:
    told = json_of(client.get("/api/actors/providers/groq"))["actor"]

    assert [child["id"] for child in told["children"]] == ["worker"]


def test_the_root_has_a_name_too(client: Client) -> None:
    assert json_of(client.get("/api/actors/cortex"))["path"] == []


def test_an_unknown_name_is_a_404_with_near_names(client: Client) -> None:
    answer = client.get("/api/actors/providers/grok/worker")

    assert answer.status_code == 404
    assert "providers/groq/worker" in json_of(answer)["details"]


@pytest.fixture
def hung() -> Iterator[TreeNode]:
    """An actor inside of a handler that does not end."""
    inside, go = threading.Event(), threading.Event()

    class Stuck(Actor):
        def handle(self, message: object) -> None:
            inside.set()
            go.wait(LIMIT)

    ref = spawn(Stuck, name="providers/groq/worker")
    cast(ref, "go")
    assert inside.wait(LIMIT)
    yield replace(WORKER, ref=ref)
    go.set()
    kill(ref)


def test_a_stack_is_told_on_demand_and_the_actor_is_not_asked(hung: TreeNode) -> None:
    grown = replace(TREE, children=(hung,))
    client = client_of(GatewayDouble(grown=grown))

    told = json_of(client.get("/api/actors/providers/groq/worker?stack=true"))["stack"]

    assert told["name"] == "providers/groq/worker"
    assert any(
        frame["function"] == "handle" and frame["code"] == "go.wait(LIMIT)" for frame in told["frames"]
    )


def test_an_actor_that_is_away_has_no_stack(client: Client) -> None:
    assert json_of(client.get("/api/actors/providers/groq?stack=true"))["stack"] is None


@pytest.mark.parametrize("query", ["stack=perhaps", "stack=2"])
def test_nonsense_is_a_400_that_names_it(client: Client, query: str) -> None:
    answer = client.get(f"/api/actors/cortex?{query}")

    assert (answer.status_code, json_of(answer)["field"]) == (400, "stack")
