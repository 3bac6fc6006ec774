"""The body of a chat completion becomes a request, or an error that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import RequestLimits
from cortex_actors.errors import InvalidRequest
from cortex_actors.web.openai.parsing import Asked, parse_completion

HELLO = {"role": "user", "content": "Hello"}


def parsed(**fields: Any) -> Asked:
    return parse_completion({"model": "m", "messages": [HELLO], **fields})


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)
    return caught.value


def test_a_body_is_read_as_under_api() -> None:
    request = parsed(temperature=0.5, stop="END", limits={"idle": 3}, provider="groq-primary").request

    assert (request.temperature, request.stop, request.provider) == (0.5, ("END",), "groq-primary")
    assert request.limits == RequestLimits(idle=3.0)
    assert request.surface == "openai"


def test_an_answer_is_not_streamed_unless_asked_for() -> None:
    assert not parsed().stream
    assert not parsed(stream=None).stream
    assert parsed(stream=True).stream


def test_usage_is_included_where_the_options_say_so() -> None:
    assert not parsed(stream=True).include_usage
    assert not parsed(stream=True, stream_options={}).include_usage
    assert parsed(stream=True, stream_options={"include_usage": True}).include_usage


@pytest.mark.parametrize("n", [2, 128, 0, -1, "2"])
def test_more_than_one_answer_is_refused_by_name(n: Any) -> None:
    error = refused(n=n)

    assert error.field == "n"
    assert "must be 1" in error.details


@pytest.mark.parametrize("n", [1, "1", None])
def test_one_answer_may_be_said(n: Any) -> None:
    assert parsed(n=n).request.extra == {}


def test_a_model_must_be_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_completion({"messages": [HELLO]})

    assert caught.value.field == "model"
    assert "`auto`" in caught.value.details


@pytest.mark.parametrize(
    ("fields", "model", "fallbacks"),
    [
        ({"model": "a"}, "a", ()),
        ({"model": "a", "models": ["b", "c"]}, "a", ("b", "c")),
        ({"model": "a", "models": ["a", "b"]}, "a", ("b",)),
        ({"model": None, "models": ["b", "c"]}, "b", ("c",)),
        ({"model": "a", "fallbacks": ["b"]}, "a", ("b",)),
        ({"model": "a", "models": ["b"], "fallbacks": ["c", "b"]}, "a", ("b", "c")),
    ],
)
def test_models_and_fallbacks_are_asked_in_order_each_once(
    fields: dict[str, Any], model: str, fallbacks: tuple[str, ...]
) -> None:
    request = parsed(**fields).request

    assert (request.model, request.fallbacks) == (model, fallbacks)


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 5}, 5),
        ({"max_tokens": None, "max_completion_tokens": 7}, 7),
    ],
)
def test_the_token_limit_has_an_older_and_a_newer_name(fields: dict[str, Any], limit: int | None) -> None:
    asked = parsed(**fields)

    assert asked.request.max_tokens == limit
    assert asked.request.extra == {}


def test_two_token_limits_are_refused() -> None:
    assert refused(max_tokens=5, max_completion_tokens=6).field == "max_tokens"


def test_unknown_fields_go_along_unless_they_say_nothing() -> None:
    asked = parsed(frequency_penalty=0.5, metadata={"a": "b"}, store=None, stream=False)

    assert asked.request.extra == {"frequency_penalty": 0.5, "metadata": {"a": "b"}}
    assert asked.dropped == ()


def test_logprobs_go_along_where_somebody_wants_them() -> None:
    assert parsed(logprobs=True, top_logprobs=2).request.extra == {"logprobs": True, "top_logprobs": 2}
    assert parsed(logprobs=False).request.extra == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"logprobs": "yes"}, "logprobs"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stream": "true"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"models": [1]}, "models"),
        ({"models": [f"m{number}" for number in range(17)]}, "models"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
    ],
)
def test_a_mistake_names_its_field(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields).field == field
