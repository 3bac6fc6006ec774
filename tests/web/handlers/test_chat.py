"""POST /api/chat and /api/chat/complete through the whole application."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client

from cortex_actors.chat import ToolCall
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import TruncatedStream
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import HEAD, GatewayDouble, failed

ASK = {"messages": [{"role": "user", "content": "Hello!"}]}
BOTH = pytest.mark.parametrize("path", ["/api/chat", "/api/chat/complete"])


def test_an_answer_is_plain_text_by_default(client: Client) -> None:
    answer = client.post("/api/chat", json=ASK)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "Hello there!"
    assert "Content-Length" not in answer.headers
    assert "Connection" not in answer.headers


def test_an_answer_may_be_server_sent_events(client: Client) -> None:
    answer = client.post("/api/chat", json=ASK, headers={"Accept": "text/event-stream"})

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    kinds = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert kinds == ["start", "delta", "delta", "delta", "usage", "end"]


def test_an_answer_may_be_json_lines(client: Client) -> None:
    answer = client.post("/api/chat", json=ASK, headers={"Accept": "application/x-ndjson"})

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "".join(line.get("text", "") for line in lines) == "Hello there!"
    assert lines[0]["request_id"] == answer.headers["X-Request-Id"]


def test_a_caller_who_rules_out_every_framing_gets_a_406_and_costs_nothing(
    client: Client, gateway: GatewayDouble
) -> None:
    answer = client.post("/api/chat", json=ASK, headers={"Accept": "text/plain;q=0"})

    assert answer.status_code == 406
    assert gateway.asked == []


def test_the_headers_of_a_stream_say_who_answers(client: Client) -> None:
    headers = client.post("/api/chat", json=ASK).headers

    assert headers["X-Cortex-Provider"] == "groq-primary"
    assert headers["X-Cortex-Model"] == "llama-3.1-8b"
    assert headers["X-Cortex-Attempts"] == "1"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cache-Control"] == "no-cache"


def test_the_gateway_learns_the_request_and_its_id(client: Client, gateway: GatewayDouble) -> None:
    client.post("/api/chat", json={**ASK, "temperature": "0.2"}, headers={"X-Request-Id": "mine"})

    assert gateway.asked[0].temperature == 0.2
    assert gateway.callers[0].request_id == "mine"


@BOTH
def test_ignored_fields_are_named_in_a_header(client: Client, path: str) -> None:
    answer = client.post(path, json={**ASK, "temprature": 1, "a, b\r\nX: y": 2, "é" * 100: 3})

    assert answer.headers["X-Cortex-Ignored"] == f"temprature, a%2C%20b%0D%0AX%3A%20y, {'%C3%A9' * 40}"


@BOTH
def test_fields_that_the_provider_was_not_told_are_named_in_another(path: str) -> None:
    gateway = GatewayDouble(head=replace(HEAD, dropped=("seed", "user")))

    answer = client_of(gateway).post(path, json={**ASK, "seed": 7, "user": "u-1"})

    assert answer.headers["X-Cortex-Dropped"] == "seed, user"
    assert "X-Cortex-Ignored" not in answer.headers


@BOTH
def test_a_thousand_ignored_fields_are_not_all_named(client: Client, path: str) -> None:
    answer = client.post(path, json={**ASK, **{f"field-{number}": 1 for number in range(1000)}})

    assert len(answer.headers["X-Cortex-Ignored"].split(", ")) == 16


def test_without_ignored_fields_there_is_no_such_header(client: Client) -> None:
    assert "X-Cortex-Ignored" not in client.post("/api/chat", json=ASK).headers


@BOTH
@pytest.mark.parametrize(
    ("body", "error", "details"),
    [
        ({}, "Missing required field", "messages field is required"),
        ({"messages": "invalid"}, "Invalid messages format", "Messages must be a list"),
    ],
)
def test_the_errors_of_the_seeds(client: Client, path: str, body: Any, error: str, details: str) -> None:
    answer = client.post(path, json=body)

    assert answer.status_code == 400
    assert (json_of(answer)["error"], json_of(answer)["details"]) == (error, details)
    assert "timestamp" in json_of(answer)


@BOTH
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"not json", 400, "invalid_request"),
        (b"[" * 100_000, 400, "invalid_request"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}', 400, "invalid_request"),
        (b" " * (10 * 2**20 + 1), 413, "payload_too_large"),
    ],
)
def test_a_bad_body_never_reaches_the_gateway(
    client: Client, gateway: GatewayDouble, path: str, data: bytes, status: int, code: str
) -> None:
    answer = client.post(path, data=data)

    assert (answer.status_code, json_of(answer)["code"]) == (status, code)
    assert gateway.asked == []


def test_curl_may_forget_its_content_type(client: Client) -> None:
    answer = client.post("/api/chat", data=json.dumps(ASK), content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200


def test_a_stream_that_is_over_was_closed_once_it_was_read(client: Client, gateway: GatewayDouble) -> None:
    client.post("/api/chat", json=ASK, buffered=True)

    assert gateway.streams[0].end is not None
    assert gateway.streams[0].end.name == "complete"


def test_a_caller_that_stops_reading_closes_the_stream(client: Client, gateway: GatewayDouble) -> None:
    answer = client.post("/api/chat", json=ASK, buffered=False)
    next(answer.iter_encoded())
    answer.close()

    assert gateway.streams[0].end is not None
    assert gateway.streams[0].end.name == "client_gone"


def test_a_whole_answer_is_one_object(client: Client) -> None:
    answer = client.post("/api/chat/complete", json=ASK, headers={"X-Request-Id": "mine"})

    assert json_of(answer) == {
        "response": "Hello there!",
        "provider": "groq-primary",
        "model": "llama-3.1-8b",
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        "finish_reason": "stop",
        "request_id": "mine",
    }
    assert answer.headers["X-Cortex-Provider"] == "groq-primary"
    assert answer.headers["X-Cortex-Attempts"] == "1"


def test_a_whole_answer_brings_reasoning_and_tool_calls() -> None:
    gateway = GatewayDouble(text="", reasoning="hm", tool_calls=(ToolCall("c1", "weather", "{}"),))

    answer = client_of(gateway).post("/api/chat/complete", json=ASK)

    assert json_of(answer)["reasoning"] == "hm"
    assert json_of(answer)["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ]


def test_half_an_answer_is_no_success() -> None:
    error = TruncatedStream("Cut short.", provider="groq-primary")

    answer = client_of(GatewayDouble(error=error)).post("/api/chat/complete", json=ASK)

    assert answer.status_code == 502
    assert json_of(answer)["code"] == "truncated_stream"


def test_a_failure_in_mid_stream_is_an_error_event() -> None:
    end = failed(EndName.TRUNCATED, TruncatedStream("Cut short."))
    client = client_of(GatewayDouble(end=end))

    answer = client.post("/api/chat", json=ASK, headers={"Accept": "text/event-stream"})

    assert answer.status_code == 200
    assert answer.text.count("event: error\n") == 1
    assert "event: end\n" not in answer.text
