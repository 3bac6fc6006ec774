"""Request ids."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from cortex_actors.dispatch.messages import ProviderView
from cortex_actors.settings import RoutingSettings, Settings
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import GatewayDouble


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/api/chat"])
def test_every_answer_has_an_id(client: Client, path: str) -> None:
    assert len(client.get(path).headers["X-Request-Id"]) == 32


def test_no_two_requests_get_the_same_id(client: Client) -> None:
    assert len({client.get("/livez").headers["X-Request-Id"] for _ in range(100)}) == 100


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
def test_a_harmless_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/livez", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "x" * 129, "a\r\nSet-Cookie: b", "a\n", "é", "<b>", "a;b", "\x00"]
)
def test_any_other_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/livez", environ_overrides={"HTTP_X_REQUEST_ID": given})

    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32


def test_the_id_in_an_error_is_the_id_in_the_header(client: Client) -> None:
    answer = client.get("/nowhere")

    assert json_of(answer)["request_id"] == answer.headers["X-Request-Id"]


def test_a_request_keeps_the_settings_that_it_came_under() -> None:
    class Reloading(GatewayDouble):
        def providers(self) -> tuple[ProviderView, ...]:
            self.settings = Settings(routing=RoutingSettings("random"))
            return super().providers()

    client = client_of(Reloading(settings=Settings(routing=RoutingSettings("fastest"))))

    told = [json_of(client.get("/api/providers"))["default_strategy"] for _ in range(2)]

    assert told == ["fastest", "random"]
