"""A request names one host."""

from __future__ import annotations

import pytest
from werkzeug.test import Client


@pytest.mark.parametrize(
    "name",
    ["localhost", "localhost:4000", "127.0.0.1:4000", "[::1]:4000", "cortex.example.com", "a_b.local", "x:"],
)
def test_any_name_of_a_host_will_do(client: Client, name: str) -> None:
    assert client.get("/livez", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "name", ["", "a,b", "a b", "a/b", "http://a", "user@a", "[::1", "a:b", "a:123456", "x" * 300, "a\tb"]
)
def test_what_is_no_host_is_refused(client: Client, name: str) -> None:
    answer = client.get("/livez", environ_overrides={"HTTP_HOST": name})
    assert (answer.status_code, answer.get_json()["field"]) == (400, "Host")


def test_http_1_1_must_name_one(client: Client) -> None:
    answer = client.post("/v1/chat/completions", environ_overrides={"HTTP_HOST": None})
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, "Host")


def test_http_1_0_need_not(client: Client) -> None:
    environ = {"HTTP_HOST": None, "SERVER_PROTOCOL": "HTTP/1.0"}
    assert client.get("/livez", environ_overrides=environ).status_code == 200
