"""The OpenAI API through the whole application."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from cortex_actors.chat import Chunk
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import (
    CortexError,
    GatewayDraining,
    NoWorkersAvailable,
    RateLimited,
    TruncatedStream,
    UpstreamRejected,
)
from tests.web.conftest import client_of, json_of
from tests.web.gateway_double import HEAD, GatewayDouble, failed

CHAT = "/v1/chat/completions"
ASK = {"model": "auto", "messages": [{"role": "user", "content": "Hello!"}]}
VECTORS = {"model": "m", "input": "Hello!"}
POSTS = pytest.mark.parametrize(("path", "body"), [(CHAT, ASK), ("/v1/embeddings", VECTORS)])


def chunks(answer: TestResponse) -> list[Any]:
    """The payloads of a stream; `[DONE]` and comments as they are."""
    frames = answer.text.split("\n\n")
    assert frames.pop() == ""
    texts = [frame.removeprefix("data: ") for frame in frames]
    return [json.loads(text) if text.startswith("{") else text for text in texts]


def test_an_answer_is_one_object_by_default(client: Client) -> None:
    answer = client.post(CHAT, json=ASK)

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert json_of(answer)["choices"][0]["message"]["content"] == "Hello there!"


def test_a_stream_is_chunks_from_the_role_to_the_mark(client: Client) -> None:
    answer = client.post(CHAT, json={**ASK, "stream": True})

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    *pieces, last, mark = chunks(answer)
    assert pieces[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(piece["choices"][0]["delta"]["content"] for piece in pieces) == "Hello there!"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert mark == "[DONE]"


def test_usage_comes_before_the_mark_where_it_was_asked_for(client: Client) -> None:
    answer = client.post(CHAT, json={**ASK, "stream": True, "stream_options": {"include_usage": True}})

    usage = chunks(answer)[-2]
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 9


def test_silence_is_filled_with_comments() -> None:
    gateway = GatewayDouble(steps=((Chunk("Hello"),), (), (Chunk("!"),)))

    assert ": keep-alive" in chunks(client_of(gateway).post(CHAT, json={**ASK, "stream": True}))


def test_a_failure_in_mid_stream_is_one_error_with_neither_reason_nor_mark() -> None:
    gateway = GatewayDouble(end=failed(EndName.TRUNCATED, TruncatedStream("Cut short.")))

    answer = client_of(gateway).post(CHAT, json={**ASK, "stream": True})

    assert answer.status_code == 200
    *pieces, error = chunks(answer)
    assert error["error"]["code"] == "truncated_stream"
    assert [piece["choices"][0]["finish_reason"] for piece in pieces] == [None] * len(pieces)
    assert "[DONE]" not in answer.text


def test_a_bug_in_mid_stream_is_an_error_that_says_nothing_of_the_inside() -> None:
    def bug() -> tuple[Chunk, ...]:
        raise RuntimeError("secret detail")

    answer = client_of(GatewayDouble(steps=((Chunk("Hello"),), bug))).post(CHAT, json={**ASK, "stream": True})

    assert chunks(answer)[-1]["error"]["code"] == "internal_error"
    assert "secret" not in answer.text


def test_a_caller_that_stops_reading_closes_the_stream(client: Client, gateway: GatewayDouble) -> None:
    answer = client.post(CHAT, json={**ASK, "stream": True}, buffered=False)
    next(answer.iter_encoded())
    answer.close()

    assert gateway.streams[0].end is not None
    assert gateway.streams[0].end.name == "client_gone"


@pytest.mark.parametrize("body", [ASK, {**ASK, "stream": True}, VECTORS], ids=["whole", "stream", "vectors"])
def test_headers_tell_who_answers_how_and_at_what_cost(body: dict[str, Any]) -> None:
    head = replace(
        HEAD, attempts=2, overhead=0.0314, dropped=("seed",), rate_limits={"remaining-tokens": "5999"}
    )
    path = CHAT if "messages" in body else "/v1/embeddings"

    answer = client_of(GatewayDouble(head=head)).post(path, json=body, headers={"X-Request-Id": "mine"})

    assert answer.headers["X-Request-Id"] == "mine"
    assert answer.headers["X-Cortex-Provider"] == "groq-primary"
    assert answer.headers["X-Cortex-Model"] == "llama-3.1-8b"
    assert answer.headers["X-Cortex-Attempts"] == "2"
    assert answer.headers["X-Cortex-Overhead-Ms"] == "31.4"
    assert answer.headers["X-Cortex-Dropped"] == "seed"
    assert answer.headers["X-Upstream-Ratelimit-Remaining-Tokens"] == "5999"


@pytest.mark.parametrize("stream", [True, False])
def test_what_no_provider_could_be_told_is_named_beside_what_this_one_was_not(stream: bool) -> None:
    gateway = GatewayDouble(head=replace(HEAD, dropped=("seed",)))
    message = {"role": "user", "content": "Hi", "mood": "bright", "a, b": 1}

    answer = client_of(gateway).post(CHAT, json={**ASK, "stream": stream, "messages": [message]})

    assert answer.headers["X-Cortex-Dropped"] == "messages.mood, messages.a%2C%20b, seed"


def test_the_gateway_learns_what_was_asked(client: Client, gateway: GatewayDouble) -> None:
    client.post(CHAT, json={**ASK, "frequency_penalty": 1})
    client.post("/v1/embeddings", json=VECTORS)

    assert gateway.asked[0].model == "auto"
    assert gateway.asked[0].extra == {"frequency_penalty": 1}
    assert gateway.embedded[0].inputs == ("Hello!",)


def test_vectors_come_in_a_list(client: Client) -> None:
    answer = client.post("/v1/embeddings", json=VECTORS)

    assert json_of(answer)["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]


def test_models_are_listed(client: Client) -> None:
    answer = client.get("/v1/models")

    assert json_of(answer)["object"] == "list"
    assert [model["id"] for model in json_of(answer)["data"]] == ["auto", "meta/llama"]


@pytest.mark.parametrize("path", ["/v1/models/meta/llama", "/v1/models/meta%2Fllama"])
def test_a_model_may_have_a_slash_in_its_name(client: Client, path: str) -> None:
    assert json_of(client.get(path)) == {
        "id": "meta/llama",
        "object": "model",
        "created": 0,
        "owned_by": "groq-primary",
    }


def test_a_model_can_be_headed_and_nothing_else_done_to_it(client: Client) -> None:
    assert client.head("/v1/models/auto").status_code == 200
    assert client.delete("/v1/models/auto").status_code == 405
    assert client.delete("/v1/models/auto").headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/v1/completions", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("PUT", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/nobody", 404, "model_not_found"),
        ("GET", "/v1/models/", 200, ""),
    ],
)
def test_what_is_not_there_is_an_openai_error(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert answer.content_type == "application/json"
    if code:
        assert set(json_of(answer)) == {"error"}
        assert set(json_of(answer)["error"]) == {"message", "type", "param", "code"}
        assert json_of(answer)["error"]["code"] == code


def test_only_what_is_under_v1_has_openai_errors(client: Client) -> None:
    assert "code" in json_of(client.get("/v1x"))
    assert "code" in json_of(client.get("/api/nothing"))


@POSTS
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"<html>", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b" " * (10 * 2**20 + 1), 413, "payload_too_large"),
    ],
)
def test_a_bad_body_is_an_openai_error(
    client: Client, path: str, body: object, data: bytes, status: int, code: str
) -> None:
    answer = client.post(path, data=data)

    assert answer.status_code == status
    assert json_of(answer)["error"]["type"] == "invalid_request_error"
    assert json_of(answer)["error"]["code"] == code


@POSTS
def test_a_bug_is_a_500_in_the_same_shape(path: str, body: object, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(GatewayDouble(error=RuntimeError("secret detail")))

    with caplog.at_level(logging.ERROR, "cortex_actors.web.app"):
        answer = client.post(path, json=body)

    assert answer.status_code == 500
    assert json_of(answer)["error"]["type"] == "server_error"
    assert b"secret" not in answer.data


@POSTS
@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [
        (NoWorkersAvailable(), 503, "5"),
        (GatewayDraining(retry_after=3), 503, "3"),
        (RateLimited(reset_at=1.0, retry_after=7.5), 429, "8"),
        (UpstreamRejected("No.", upstream_status=422), 422, None),
    ],
)
def test_an_early_failure_has_a_true_status(
    path: str, body: object, error: CortexError, status: int, wait: str | None
) -> None:
    answer = client_of(GatewayDouble(error=error)).post(path, json=body)

    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == wait
    assert json_of(answer)["error"]["code"] == error.code


def test_a_stream_that_fails_before_it_begins_has_a_true_status_too() -> None:
    answer = client_of(GatewayDouble(error=NoWorkersAvailable())).post(CHAT, json={**ASK, "stream": True})

    assert answer.status_code == 503
    assert answer.content_type == "application/json"
