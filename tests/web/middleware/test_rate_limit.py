"""Rate limits, as callers see them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.chat import ChatRequest, Chunk, Finish, FinishReason, Usage
from cortex_actors.dispatch.messages import Caller, EndName
from cortex_actors.errors import InvalidRequest
from cortex_actors.settings import AuthSettings, RateLimitSettings, ServerSettings, Settings
from tests.web.conftest import client_of
from tests.web.gateway_double import COMPLETE, GatewayDouble, StreamDouble, failed
from tests.web.keys import ADMIN, ALICE, bearer, caller, with_keys

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
SURFACES = {
    "/api/chat": ASK,
    "/v1/chat/completions": {"model": "auto", **ASK},
    "/v1/messages": {"model": "auto", "max_tokens": 9, **ASK},
}


def limits(**changes: int | bool) -> RateLimitSettings:
    return replace(RateLimitSettings(local=True), **changes)  # type: ignore[arg-type]


@pytest.fixture
def limited(gateway: GatewayDouble) -> Client:
    """A gateway that lets each caller ask three times a minute."""
    return client_of(gateway, Settings(rate_limits=limits(requests_per_minute=3)))


def ask(client: Client, path: str = "/api/chat", **options: object) -> TestResponse:
    return client.post(path, json=SURFACES[path], **options)  # type: ignore[arg-type]


def statuses(client: Client, times: int, **options: object) -> list[int]:
    return [ask(client, **options).status_code for _ in range(times)]


def from_address(address: str, forwarded: str | None = None) -> dict[str, object]:
    """The options of a request that comes from there."""
    options: dict[str, object] = {"environ_base": {"REMOTE_ADDR": address}}
    return options | ({"headers": {"X-Forwarded-For": forwarded}} if forwarded else {})


# -- requests


def test_a_caller_is_let_in_as_often_as_it_may(limited: Client, gateway: GatewayDouble) -> None:
    assert statuses(limited, 5) == [200, 200, 200, 429, 429]
    assert len(gateway.asked) == 3


def test_every_answer_says_where_the_caller_stands(limited: Client) -> None:
    answers = [ask(limited) for _ in range(4)]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["3"] * 4
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    for answer in answers:
        assert 0 <= int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 62


def test_an_error_says_so_too(limited: Client) -> None:
    answer = limited.post("/api/chat", json={})
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (400, "2")


@pytest.mark.parametrize("path", SURFACES)
def test_a_refusal_has_the_shape_of_its_api_and_says_when_to_come_again(limited: Client, path: str) -> None:
    for _ in range(3):
        ask(limited, path)
    answer = ask(limited, path)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 62
    body = answer.get_json()
    if path == "/api/chat":
        assert body["code"] == "rate_limit_exceeded"
        assert abs(body["reset_at"] - int(answer.headers["X-RateLimit-Reset"])) <= 1
    elif path == "/v1/messages":
        assert body["error"]["type"] == "rate_limit_error"
    else:
        assert (body["error"]["type"], body["error"]["code"]) == ("rate_limit_error", "rate_limit_exceeded")


def test_looking_is_not_asking(limited: Client) -> None:
    for _ in range(10):
        answer = limited.get("/v1/models")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, "3")


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/api/actors"])
def test_probes_and_views_are_never_limited(limited: Client, path: str) -> None:
    statuses(limited, 5)
    answer = limited.get(path)
    assert answer.status_code == 200
    assert "X-RateLimit-Limit" not in answer.headers


def test_nothing_is_limited_where_the_settings_say_so(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(rate_limits=limits(requests_per_minute=0)))
    answers = [ask(client) for _ in range(100)]
    assert {answer.status_code for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[0].headers


def test_whoever_is_not_let_in_is_not_counted(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(callers=(caller("alice", ALICE, requests_per_minute=3),)))
    assert set(statuses(client, 10, headers=bearer("wrong"))) == {401}
    assert statuses(client, 4, headers=bearer(ALICE)) == [200, 200, 200, 429]


# -- who counts as one


def test_each_key_has_a_share_of_its_own_wherever_it_comes_from(gateway: GatewayDouble) -> None:
    callers = (caller("a", "key-a", requests_per_minute=2), caller("b", "key-b", requests_per_minute=3))
    client = client_of(gateway, Settings(callers=callers))
    at = {"environ_base": {"REMOTE_ADDR": "10.0.0.1"}}
    assert statuses(client, 3, headers=bearer("key-a")) == [200, 200, 429]
    assert statuses(client, 1, headers={"x-api-key": "key-a"}, **at) == [429]
    assert statuses(client, 4, headers=bearer("key-b"), **at) == [200, 200, 200, 429]


def test_each_address_has_a_share_of_its_own(limited: Client) -> None:
    assert statuses(limited, 4, **from_address("198.51.100.1")) == [200, 200, 200, 429]
    assert statuses(limited, 4, **from_address("198.51.100.2")) == [200, 200, 200, 429]


def test_a_header_that_anybody_can_write_makes_nobody_another(limited: Client) -> None:
    said = [ask(limited, **from_address("198.51.100.1", f"10.0.0.{n}")).status_code for n in range(4)]
    assert said == [200, 200, 200, 429]


def test_behind_a_trusted_proxy_callers_are_told_apart(gateway: GatewayDouble) -> None:
    settings = Settings(rate_limits=limits(requests_per_minute=2), server=ServerSettings(trusted_proxies=1))
    client = client_of(gateway, settings)
    assert statuses(client, 3, **from_address("10.0.0.1", "198.51.100.1")) == [200, 200, 429]
    assert statuses(client, 3, **from_address("10.0.0.1", "198.51.100.2")) == [200, 200, 429]
    spoofed = [
        ask(client, **from_address("10.0.0.1", f"6.6.6.{n}, 198.51.100.1")).status_code for n in range(3)
    ]
    assert spoofed == [429, 429, 429]


def test_the_admin_is_not_limited(gateway: GatewayDouble) -> None:
    client = client_of(gateway, with_keys(rate_limits=limits(requests_per_minute=1)))
    assert statuses(client, 5, headers=bearer(ADMIN)) == [200] * 5


def test_sixty_a_minute_is_what_strangers_have_unless_told_otherwise(gateway: GatewayDouble) -> None:
    settings = Settings(server=ServerSettings(host="0.0.0.0"), auth=AuthSettings(allow_anonymous=True))
    client = client_of(gateway, settings)
    assert statuses(client, 62, **from_address("198.51.100.1")) == [200] * 60 + [429] * 2


def test_programs_of_this_machine_are_not_held_back_unless_told_otherwise(client: Client) -> None:
    assert set(statuses(client, 100, **from_address("127.0.0.1"))) == {200}


def test_a_proxy_on_this_machine_is_not_a_program_of_it(client: Client) -> None:
    said = statuses(client, 62, **from_address("127.0.0.1", "198.51.100.1"))
    assert said == [200] * 60 + [429] * 2


# -- streams


def test_so_many_requests_run_at_once(gateway: GatewayDouble) -> None:
    client = client_of(gateway, Settings(rate_limits=limits(requests_per_minute=0, streams=2)))
    running = [client.post("/api/chat", json=ASK, buffered=False) for _ in range(2)]
    refused = ask(client)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.get_json()["details"] == "More than 2 requests at once."
    running[0].close()
    assert ask(client).status_code == 200
    running[1].close()


@pytest.mark.parametrize("body", [b"no json", b"{}"])
def test_a_request_that_fails_leaves_its_place(gateway: GatewayDouble, body: bytes) -> None:
    client = client_of(gateway, Settings(rate_limits=limits(streams=1)))
    for _ in range(3):
        assert client.post("/api/chat", data=body).status_code == 400


# -- tokens


def remaining(client: Client) -> int:
    return int(client.get("/v1/models").headers["X-RateLimit-Remaining-Tokens"])


@pytest.fixture
def metered(gateway: GatewayDouble) -> Client:
    return client_of(gateway, Settings(rate_limits=limits(requests_per_minute=0, tokens_per_minute=1000)))


@pytest.mark.parametrize("path", SURFACES)
def test_an_answer_costs_the_tokens_that_its_provider_counted(metered: Client, path: str) -> None:
    ask(metered, path)
    assert remaining(metered) == 1000 - 9


def test_a_stream_costs_the_same(metered: Client) -> None:
    metered.post("/v1/chat/completions", json={"model": "auto", "stream": True, **ASK})
    assert remaining(metered) == 1000 - 9


def test_whoever_used_its_tokens_up_is_refused(gateway: GatewayDouble, metered: Client) -> None:
    gateway.end = replace(COMPLETE, usage=Usage(900, 200))
    assert ask(metered, "/v1/chat/completions").status_code == 200
    answer = ask(metered)
    assert answer.status_code == 429
    assert answer.get_json()["details"] == "More than 1000 tokens in a minute."
    assert answer.headers["X-RateLimit-Remaining-Tokens"] == "0"
    assert 1 <= int(answer.headers["Retry-After"]) <= 121


def pieces(number: int) -> Iterable[tuple[Chunk | Finish, ...]]:
    return [*((Chunk(text="word "),) for _ in range(number)), (Finish(FinishReason.STOP),)]


def test_an_answer_that_nobody_counted_costs_what_its_size_tells(
    gateway: GatewayDouble, metered: Client
) -> None:
    gateway.steps = pieces(50)
    gateway.end = replace(COMPLETE, usage=None)
    ask(metered)
    assert 1000 - 100 <= remaining(metered) <= 1000 - 50


def test_an_answer_that_its_caller_left_costs_what_it_got(gateway: GatewayDouble, metered: Client) -> None:
    gateway.steps = pieces(500)
    gateway.end = failed(EndName.CLIENT_GONE, None)
    answer = metered.post("/api/chat", json=ASK, buffered=False)
    taken = iter(answer.response)
    for _ in range(20):
        next(taken)
    answer.close()
    assert 1000 - 60 <= remaining(metered) < 1000


def test_a_request_that_was_refused_costs_nothing(gateway: GatewayDouble, metered: Client) -> None:
    gateway.error = InvalidRequest("no")
    assert ask(metered).status_code == 400
    assert remaining(metered) == 1000


def test_a_reload_changes_the_share_at_once(gateway: GatewayDouble, limited: Client) -> None:
    assert statuses(limited, 4)[-1] == 429
    gateway.settings = Settings(rate_limits=limits(requests_per_minute=5))
    assert ask(limited).headers["X-RateLimit-Limit"] == "5"


# -- streams that run on without their caller


class RunsOn(GatewayDouble):
    """A gateway whose streams do not mind that their callers leave."""

    def open_stream(self, request: ChatRequest, caller: Caller) -> StreamDouble:
        stream = super().open_stream(request, caller)
        stream.close = lambda: None  # type: ignore[method-assign]
        return stream


def left_alone(client: Client) -> None:
    """Asks, takes a piece, and leaves."""
    answer = client.post("/api/chat", json=ASK, buffered=False)
    next(iter(answer.response))
    answer.close()


def test_a_stream_that_runs_on_keeps_its_place_until_it_is_over() -> None:
    gateway = RunsOn(steps=pieces(50))
    client = client_of(gateway, Settings(rate_limits=limits(streams=1)))
    left_alone(client)
    assert ask(client).status_code == 429
    gateway.streams[0].end = COMPLETE
    left_alone(client)
    assert len(gateway.streams) == 2


def test_a_stream_that_ran_on_costs_what_it_used_in_the_end() -> None:
    gateway = RunsOn(steps=pieces(50))
    client = client_of(gateway, Settings(rate_limits=limits(requests_per_minute=0, tokens_per_minute=1000)))
    left_alone(client)
    assert remaining(client) == 1000
    gateway.streams[0].end = replace(COMPLETE, usage=Usage(100, 400))
    assert remaining(client) == 500
