"""CORS."""

from __future__ import annotations

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.settings import CorsSettings, Settings
from tests.web.conftest import client_of
from tests.web.gateway_double import GatewayDouble

PAGE = "http://localhost:3000"
ASK = {"messages": [{"role": "user", "content": "Hi"}]}


def preflight(client: Client, origin: str, path: str = "/api/chat") -> TestResponse:
    return client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://localhost:5173"])
def test_the_usual_development_servers_may_call(client: Client, origin: str) -> None:
    answer = preflight(client, origin)

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"*", "Authorization"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000.evil.example", ""])
def test_a_page_from_elsewhere_gets_no_permission(client: Client, origin: str) -> None:
    for answer in (preflight(client, origin), client.post("/api/chat", json=ASK, headers={"Origin": origin})):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["Vary"] == "Origin"


def test_an_answer_may_be_read_with_its_headers(client: Client) -> None:
    answer = client.post("/api/chat", json=ASK, headers={"Origin": PAGE})

    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Expose-Headers"] == "*"


def test_errors_may_be_read_too(client: Client) -> None:
    answer = client.post("/api/chat", json={}, headers={"Origin": PAGE})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (400, PAGE)


def test_credentials_are_never_allowed(client: Client) -> None:
    assert "Access-Control-Allow-Credentials" not in preflight(client, PAGE).headers


def test_a_star_is_everyone() -> None:
    client = client_of(GatewayDouble(), Settings(cors=CorsSettings(origins=("*",))))
    answer = preflight(client, "https://anywhere.example")

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers


def test_an_empty_list_is_nobody() -> None:
    client = client_of(GatewayDouble(), Settings(cors=CorsSettings(origins=())))
    answer = preflight(client, PAGE)

    assert answer.status_code == 204
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_preflight_reaches_no_handler(client: Client, gateway: GatewayDouble) -> None:
    preflight(client, PAGE)

    assert gateway.asked == []
