"""CORS."""

from __future__ import annotations

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.settings import CorsSettings, Settings
from tests.web.conftest import client_of
from tests.web.gateway_double import GatewayDouble
from tests.web.keys import ADMIN, bearer, with_keys

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
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"*", "X-Request-Id", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"} <= exposed
    assert {"X-RateLimit-Reset", "X-Cortex-Provider", "X-Cortex-Model", "X-Should-Retry"} <= exposed


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


def test_every_header_of_ours_is_exposed_by_its_name(client: Client) -> None:
    """Not every browser knows the star."""
    answer = client.post("/v1/chat/completions", json={"model": "auto", **ASK}, headers={"Origin": PAGE})
    exposed = {name.lower() for name in answer.headers["Access-Control-Expose-Headers"].split(", ")}
    ours = {name.lower() for name, _ in answer.headers if name.lower().startswith(("x-cortex", "x-request"))}
    assert ours
    assert ours <= exposed


def test_methods_headers_and_their_time_are_settings() -> None:
    chosen = CorsSettings(origins=(PAGE,), methods=("POST",), headers=("X-One", "X-Two"), max_age=5.0)
    answer = preflight(client_of(GatewayDouble(), Settings(cors=chosen)), PAGE)

    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert answer.headers["Access-Control-Allow-Headers"] == "X-One, X-Two"
    assert answer.headers["Access-Control-Max-Age"] == "5"


def test_a_preflight_carries_no_key_and_needs_none() -> None:
    answer = preflight(client_of(GatewayDouble(), with_keys()), PAGE)

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, PAGE)


def test_refusals_may_be_read_so_that_a_page_can_say_what_is_wrong() -> None:
    answer = client_of(GatewayDouble(), with_keys()).post("/api/chat", json=ASK, headers={"Origin": PAGE})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


def test_no_page_of_another_origin_may_administer() -> None:
    client = client_of(GatewayDouble(), with_keys(cors=CorsSettings(origins=("*",))))
    for answer in (
        preflight(client, PAGE, "/api/admin/reload"),
        client.post("/api/admin/reload", headers={"Origin": PAGE, **bearer(ADMIN)}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_reload_changes_who_may_call() -> None:
    gateway = GatewayDouble()
    client = client_of(gateway)
    gateway.settings = Settings(cors=CorsSettings(origins=("https://new.example",)))

    assert "Access-Control-Allow-Origin" not in preflight(client, PAGE).headers
    assert "Access-Control-Allow-Origin" in preflight(client, "https://new.example").headers
