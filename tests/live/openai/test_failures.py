"""Failures as the `openai` package tells them: the right exception, with the right word in it."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import APIError, APIStatusError, OpenAI

from tests.live.openai.setup import HELLO, cut
from tests.upstream import Answer as Script
from tests.upstream import Hang, ScriptedUpstream, json_answer, openai_stream, sse_stream
from tests.upstream.dialects import Dialect

#: What happens upstream, the exception that the package has for our answer, and the word in it.
FAILURES: dict[str, tuple[Script, type[APIStatusError], str]] = {
    "400": (json_answer(400), openai.BadRequestError, "scripted"),
    "400 too long": (
        json_answer(400, {"error": {"message": "Too long.", "code": "context_length_exceeded"}}),
        openai.BadRequestError,
        "context_length_exceeded",
    ),
    "400 policy": (
        json_answer(400, {"error": {"message": "No.", "code": "content_policy_violation"}}),
        openai.BadRequestError,
        "content_policy_violation",
    ),
    "401": (json_answer(401), openai.InternalServerError, "upstream_key_rejected"),
    "402": (json_answer(402), openai.InternalServerError, "upstream_quota_exhausted"),
    "404": (json_answer(404), openai.NotFoundError, "model_not_found"),
    "413": (json_answer(413), APIStatusError, "scripted"),
    "422": (json_answer(422), openai.UnprocessableEntityError, "scripted"),
    "429": (
        json_answer(429, headers={"Retry-After": "60"}),
        openai.InternalServerError,
        "upstream_rate_limited",
    ),
    "429 quota": (
        json_answer(429, {"error": {"message": "Pay.", "code": "insufficient_quota"}}),
        openai.InternalServerError,
        "upstream_quota_exhausted",
    ),
    "500": (json_answer(500), openai.InternalServerError, "upstream_failure"),
    "HTML": (
        json_answer(200, "<html>", {"Content-Type": "text/html"}),
        openai.InternalServerError,
        "truncated_stream",
    ),
    "nothing": (openai_stream([]), openai.InternalServerError, "malformed_stream"),
    "an error after a 200": (
        sse_stream({"error": {"message": "Sorry.", "type": "server_error"}}),
        openai.InternalServerError,
        "upstream_failure",
    ),
    "a cut": (openai_stream(["Ho"]).cut(0), openai.InternalServerError, "truncated_stream"),
}


@pytest.mark.parametrize(("script", "exception", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_the_exception_that_the_package_has_for_it(
    ask: Any,
    upstream: ScriptedUpstream,
    model: str,
    script: Script,
    exception: type[APIStatusError],
    code: str,
) -> None:
    upstream.on_model(model, script)

    with pytest.raises(exception) as caught:
        ask(model=f"openai_compatible/{model}")

    assert caught.value.code == code
    assert caught.value.request_id
    assert set(caught.value.body) == {"message", "type", "param", "code"}
    assert "secret-key" not in str(caught.value.body)


def test_a_refusal_of_the_request_itself_is_told_by_every_dialect(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, json_answer(400, dict(dialect.refusal)))

    with pytest.raises(openai.BadRequestError, match=r"No\."):
        ask(model=f"{dialect.type}/{model}")


def test_an_overload_says_when_to_come_back(client: OpenAI, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, json_answer(429, headers={"Retry-After": "60"}))

    with pytest.raises(APIStatusError) as caught:
        client.chat.completions.create(model=f"openai_compatible/{model}", **HELLO)

    assert caught.value.status_code == 503
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_nobody_there_is_a_bad_gateway(ask: Any) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(model="nowhere/m")

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_connect_error")


@pytest.mark.parametrize(
    ("fields", "exception", "param", "code"),
    [
        ({"model": "usul"}, openai.NotFoundError, "model", "model_not_found"),
        ({"model": "usual", "n": 2}, openai.BadRequestError, "n", "invalid_request"),
        ({"model": "usual", "temperature": 9}, openai.BadRequestError, "temperature", "invalid_request"),
        ({"model": "usual", "messages": []}, openai.BadRequestError, "messages", "invalid_request"),
        ({"model": "usual", "user": "x" * 100_001}, APIStatusError, None, "payload_too_large"),
    ],
)
def test_a_mistake_of_the_caller_is_told_by_name(
    ask: Any, fields: dict[str, Any], exception: type[APIStatusError], param: str | None, code: str
) -> None:
    with pytest.raises(exception) as caught:
        ask(**fields)

    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_name_that_is_nearly_right_is_told_the_right_one(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"Near names: .*usual"):
        client.chat.completions.create(model="usul", **HELLO)


def test_a_failure_in_mid_stream_raises_after_the_words_that_came(
    client: OpenAI, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, cut(dialect))
    heard: list[Any] = []

    with pytest.raises(APIError) as caught:
        heard.extend(client.chat.completions.create(model=f"{dialect.type}/{model}", stream=True, **HELLO))

    assert [chunk.choices[0].delta.content for chunk in heard] == ["", "Ho"]
    assert [chunk.choices[0].finish_reason for chunk in heard] == [None, None]
    assert caught.value.code == "truncated_stream"


def test_half_an_answer_is_an_exception_where_a_whole_one_was_asked_for(
    client: OpenAI, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"], finish=None, done=False))

    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model=f"openai_compatible/{model}", **HELLO)


@pytest.mark.parametrize(("limit", "silent_at"), [("first_token", 0), ("idle", 1), ("total", 1)])
def test_a_limit_that_passes_is_told_by_its_name(
    ask: Any, upstream: ScriptedUpstream, model: str, limit: str, silent_at: int
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(silent_at, Hang()))

    with pytest.raises(APIError) as caught:
        ask(model=f"openai_compatible/{model}", extra_body={"limits": {limit: 0.3}})

    assert caught.value.code == f"{limit}_timeout"
