"""GET /api/streams and /api/streams/{id}."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.test import Client

from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import STREAM, GatewayDouble, Running

OTHER = replace(STREAM, id="77aa", provider="gemini", slow=("silent",))


@pytest.fixture
def client() -> Client:
    return client_of(GatewayDouble(running=Running((STREAM, OTHER))))


def ids(client: Client, query: str = "") -> list[str]:
    return [stream["id"] for stream in json_of(client.get(f"/api/streams{query}"))["streams"]]


def test_a_stream_tells_who_answers_and_how_far_it_is(client: Client) -> None:
    told = json_of(client.get("/api/streams"))

    assert told["total"] == 2
    assert told["streams"][0] == {
        "id": "5f2b",
        "request_id": "r-1",
        "actor": "dispatchers/5f2b",
        "caller": "team-a",
        "provider": "groq-primary",
        "model": "llama-3.1-8b",
        "key": "0a1b2c3d",
        "state": "streaming",
        "started_at": "1970-01-01T00:00:00.000Z",
        "age": 3.5,
        "ttft": 0.25,
        "attempt": 2,
        "attempts": [
            {
                "number": 1,
                "provider": "groq-primary",
                "model": "llama-3.1-8b",
                "outcome": "upstream_failure",
                "status": 503,
                "milliseconds": 42,
            }
        ],
        "chunks": 7,
        "bytes": 1234,
        "recoveries": 0,
        "window": {"fill": 512, "limit": 262_144},
        "since_chunk_ms": 40,
        "slow": [],
    }


def test_streams_can_be_chosen_by_provider_and_slowness(client: Client) -> None:
    assert ids(client) == ["5f2b", "77aa"]
    assert ids(client, "?provider=gemini") == ["77aa"]
    assert ids(client, "?slow=true") == ["77aa"]
    assert ids(client, "?provider=groq-primary&slow=true") == []
    assert ids(client, "?limit=1") == ["5f2b"]


def test_one_stream_is_found_by_its_id(client: Client) -> None:
    assert json_of(client.get("/api/streams/77aa"))["stream"]["slow"] == ["silent"]


def test_a_stream_that_does_not_run_is_a_404(client: Client) -> None:
    assert client.get("/api/streams/none").status_code == 404


@pytest.mark.parametrize("limit", ["-1", "many", "1e3", "9" * 40, "²"])
def test_a_limit_that_is_no_number_is_a_400_that_names_it(client: Client, limit: str) -> None:
    answer = client.get(f"/api/streams?limit={limit}")

    assert (answer.status_code, json_of(answer)["field"]) == (400, "limit")
