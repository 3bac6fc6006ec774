"""The application: paths, methods, and failures."""

from __future__ import annotations

import logging

import pytest
from werkzeug.test import Client

from cortex_actors.errors import GatewayBusy, NoWorkersAvailable, UpstreamRejected
from cortex_actors.web.app import ROUTES
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import GatewayDouble

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
#: What goes on for as long as somebody reads it.
ENDLESS = {"/api/dashboard/feed"}

GETS = [path for path, methods in ROUTES.items() if "GET" in methods and path not in ENDLESS]
POSTS = [path for path, methods in ROUTES.items() if "POST" in methods and path.startswith("/api")]


def test_an_unknown_path_is_a_404_in_json(client: Client) -> None:
    answer = client.get("/api/nothing", headers={"X-Request-Id": "abc"})

    assert answer.status_code == 404
    assert answer.content_type == "application/json"
    assert json_of(answer)["code"] == "not_found"
    assert json_of(answer)["request_id"] == "abc"
    assert set(json_of(answer)) == {"error", "details", "code", "request_id", "timestamp"}


def test_an_unknown_path_is_not_repeated_in_the_answer(client: Client) -> None:
    assert b"script" not in client.get("/<script>alert(1)</script>").data


@pytest.mark.parametrize("path", POSTS)
def test_a_wrong_method_is_a_405_that_names_the_right_one(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert json_of(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", GETS)
def test_head_answers_like_get_without_a_body(client: Client, path: str) -> None:
    got, headed = client.get(path), client.head(path)

    assert headed.status_code == got.status_code == 200
    assert headed.data == b""
    assert abs(int(headed.headers["Content-Length"]) - len(got.data)) < 20  # an uptime may grow a digit


@pytest.mark.parametrize("path", ENDLESS)
def test_head_of_what_never_ends_does(client: Client, path: str) -> None:
    headed = client.head(path)

    assert (headed.status_code, headed.data) == (200, b"")


def test_head_of_what_cannot_be_got_is_a_405(client: Client) -> None:
    assert client.head("/api/chat").status_code == 405


def test_options_lists_the_methods(client: Client) -> None:
    answer = client.options("/api/health")

    assert answer.status_code == 204
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    assert client.get("/api/health/").status_code == 200


def test_a_bug_is_a_500_that_says_nothing_of_the_inside_and_is_logged_with_its_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = client_of(GatewayDouble(error=RuntimeError("secret detail")))

    with caplog.at_level(logging.ERROR, "cortex_actors.web.app"):
        answer = client.post("/api/chat", json=ASK, headers={"X-Request-Id": "find-me"})

    assert answer.status_code == 500
    assert json_of(answer)["error"] == "Internal server error"
    assert b"secret" not in answer.data
    assert {vars(record).get("request_id") for record in caplog.records} == {"find-me"}
    assert "secret detail" in caplog.text


def test_no_worker_is_a_503_with_the_words_of_the_seeds() -> None:
    answer = client_of(GatewayDouble(error=NoWorkersAvailable())).post("/api/chat", json=ASK)

    assert answer.status_code == 503
    assert json_of(answer)["error"] == "No workers available"
    assert json_of(answer)["details"] == (
        "All AI providers are currently unavailable. Please try again later."
    )
    assert answer.headers["Retry-After"] == "5"


def test_a_full_gateway_says_when_to_come_back() -> None:
    answer = client_of(GatewayDouble(error=GatewayBusy(retry_after=2.2))).post("/api/chat", json=ASK)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3"


def test_a_refusal_by_the_provider_keeps_the_providers_status() -> None:
    error = UpstreamRejected("Too long for this model.", provider="groq-primary", upstream_status=422)

    answer = client_of(GatewayDouble(error=error)).post("/api/chat/complete", json=ASK)

    assert answer.status_code == 422
    assert json_of(answer)["provider"] == "groq-primary"
    assert json_of(answer)["details"] == "Too long for this model."
