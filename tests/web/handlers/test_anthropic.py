"""POST /v1/messages and its neighbours through the whole application."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.chat import Chunk, Finish, FinishReason, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import InvalidRequest, NoWorkersAvailable, TruncatedStream
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import HEAD, HELLO, GatewayDouble, failed

ASK = {"model": "smart", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}]}
STREAM = {**ASK, "stream": True}
BOTH = pytest.mark.parametrize("body", [ASK, STREAM], ids=["whole", "stream"])


def kinds(answer: TestResponse) -> list[str]:
    return [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]


def payloads(answer: TestResponse) -> list[Any]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


def test_a_message_is_one_object(client: Client, gateway: GatewayDouble) -> None:
    answer = client.post("/v1/messages", json=ASK)

    assert answer.status_code == 200
    assert json_of(answer) == {
        "id": "msg_5f2b",
        "type": "message",
        "role": "assistant",
        "model": "llama-3.1-8b",
        "content": [{"type": "text", "text": "Hello there!"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }
    assert gateway.asked[0].model == "smart"
    assert gateway.streams[0].closed


def test_a_stream_is_named_events(client: Client) -> None:
    answer = client.post("/v1/messages", json=STREAM)

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert kinds(answer) == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@BOTH
def test_the_headers_say_who_answers_and_under_which_id(client: Client, body: Any) -> None:
    headers = client.post("/v1/messages", json=body, headers={"X-Request-Id": "mine"}).headers

    assert headers["Request-Id"] == headers["X-Request-Id"] == "mine"
    assert headers["X-Cortex-Provider"] == "groq-primary"
    assert headers["X-Cortex-Model"] == "llama-3.1-8b"
    assert headers["X-Cortex-Attempts"] == "1"
    assert "X-Cortex-Dropped" not in headers


@BOTH
def test_what_had_no_effect_is_named_in_the_words_of_the_caller(body: Any) -> None:
    gateway = GatewayDouble(head=replace(HEAD, dropped=("user", "thinking")))

    answer = client_of(gateway).post(
        "/v1/messages",
        json={**body, "speed": "fast", "metadata": {"user_id": "u1"}, "thinking": {"type": "adaptive"}},
        headers={"anthropic-version": "2023-06-01", "anthropic-beta": "a,b", "x-api-key": "sk"},
    )

    assert answer.headers["X-Cortex-Dropped"] == "anthropic-beta, speed, metadata.user_id, thinking"


@BOTH
def test_a_mistake_is_a_400_and_costs_nothing(client: Client, gateway: GatewayDouble, body: Any) -> None:
    answer = client.post("/v1/messages", json={**body, "max_tokens": None}, headers={"X-Request-Id": "mine"})

    assert answer.status_code == 400
    assert json_of(answer) == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "max_tokens is missing.",
            "details": {"error_code": "invalid_request", "field": "max_tokens"},
        },
        "request_id": "mine",
    }
    assert answer.headers["Request-Id"] == "mine"
    assert gateway.asked == []


@BOTH
def test_a_refusal_from_below_names_the_block_of_the_caller(body: Any) -> None:
    error = InvalidRequest("This provider takes no images here.", field="messages[1].content[0]")
    gateway = GatewayDouble(error=error)

    answer = client_of(gateway).post("/v1/messages", json={**body, "system": "Be brief."})

    assert answer.status_code == 400
    assert json_of(answer)["error"]["message"] == "messages[0]: This provider takes no images here."


@BOTH
def test_nobody_to_ask_is_an_overload_that_says_when_to_come_back(body: Any) -> None:
    answer = client_of(GatewayDouble(error=NoWorkersAvailable())).post("/v1/messages", json=body)

    assert answer.status_code == 503
    assert json_of(answer)["error"]["type"] == "overloaded_error"
    assert answer.headers["Retry-After"] == "5"


@BOTH
def test_a_bug_says_nothing_of_the_inside(body: Any) -> None:
    answer = client_of(GatewayDouble(error=RuntimeError("secret"))).post("/v1/messages", json=body)

    assert answer.status_code == 500
    assert json_of(answer)["error"]["type"] == "api_error"
    assert b"secret" not in answer.data


def test_a_failure_in_mid_stream_is_one_error_and_no_stop() -> None:
    end = failed(EndName.TRUNCATED, TruncatedStream("Cut short."))

    answer = client_of(GatewayDouble(end=end)).post("/v1/messages", json=STREAM)

    assert answer.status_code == 200
    assert kinds(answer)[-1] == "error"
    assert "message_stop" not in kinds(answer)
    assert payloads(answer)[-1]["request_id"] == answer.headers["Request-Id"]


def test_half_an_answer_is_no_message() -> None:
    gateway = GatewayDouble(end=failed(EndName.TRUNCATED, TruncatedStream("Cut short.")))

    answer = client_of(gateway).post("/v1/messages", json=ASK)

    assert answer.status_code == 502
    assert json_of(answer)["error"]["type"] == "api_error"
    assert gateway.streams[0].closed


def test_silence_is_filled_with_pings() -> None:
    answer = client_of(GatewayDouble(steps=(HELLO[0], (), *HELLO[1:]))).post("/v1/messages", json=STREAM)

    assert kinds(answer)[3] == "ping"


def test_tool_calls_are_blocks_and_the_reason_to_stop() -> None:
    calls = Chunk(tool_calls=(ToolCallDelta(0, "c0", "weather", '{"city":"Bern"}'),))
    gateway = GatewayDouble(steps=((calls,), (Usage(7, 2), Finish(FinishReason.TOOL_CALLS))))

    message = json_of(client_of(gateway).post("/v1/messages", json=ASK))

    assert message["content"] == [
        {"type": "tool_use", "id": "c0", "name": "weather", "input": {"city": "Bern"}}
    ]
    assert message["stop_reason"] == "tool_use"


def test_a_caller_that_turned_thinking_off_hears_none() -> None:
    gateway = GatewayDouble(steps=((Chunk(text="4", reasoning="Hm."),), (Finish(FinishReason.STOP),)))

    answer = client_of(gateway).post("/v1/messages", json={**STREAM, "thinking": {"type": "disabled"}})

    assert "thinking" not in answer.text


def test_tokens_are_not_counted(client: Client, gateway: GatewayDouble) -> None:
    answer = client.post("/v1/messages/count_tokens", json=ASK)

    assert answer.status_code == 404
    assert json_of(answer)["error"]["type"] == "not_found_error"
    assert gateway.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/messages", 405), ("POST", "/v1/messages/batches", 404)]
)
def test_other_ways_in_are_refused_in_the_same_shape(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert json_of(answer)["type"] == "error"
