"""From a Messages body to a ChatRequest."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import ChatRequest, Message, NamedTool, ResponseFormat, TextPart, Tool
from cortex_actors.errors import InvalidRequest
from cortex_actors.web.anthropic.parsing import Asked, parse_message

HELLO = {"role": "user", "content": "Hello!"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "weather", "description": "The weather.", "input_schema": SCHEMA}


def asked(**fields: Any) -> Asked:
    return parse_message({"model": "m", "max_tokens": 100, "messages": [HELLO], **fields})


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    return caught.value


def test_the_smallest_body_says_nothing_that_it_does_not_say() -> None:
    assert asked() == Asked(
        ChatRequest(
            messages=(Message("user", (TextPart("Hello!"),)),),
            model="m",
            max_tokens=100,
            surface="anthropic",
        ),
        stream=False,
        thinking=True,
        origins=("messages[0]",),
        dropped=(),
    )


def test_everything_a_chat_has_a_place_for_is_carried() -> None:
    request = asked(
        system="Be brief.",
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
        stream=True,
        tools=[{**WEATHER, "type": "custom", "strict": True}],
    ).request

    assert request.messages[0] == Message("system", (TextPart("Be brief."),))
    assert (request.temperature, request.top_p, request.top_k) == (0.5, 0.9, 40)
    assert (request.stop, request.user) == (("END",), "u1")
    assert request.tools == (Tool("weather", "The weather.", SCHEMA, strict=True),)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "auto"}, ("auto", None)),
        ({"type": "any"}, ("required", None)),
        ({"type": "none"}, ("none", None)),
        ({"type": "tool", "name": "weather"}, (NamedTool("weather"), None)),
        ({"type": "auto", "disable_parallel_tool_use": True}, ("auto", False)),
        ({"type": "any", "disable_parallel_tool_use": False}, ("required", None)),
    ],
)
def test_a_tool_choice_is_said_in_our_words(choice: Any, meant: Any) -> None:
    request = asked(tools=[WEATHER], tool_choice=choice).request

    assert (request.tool_choice, request.parallel_tool_calls) == meant


def test_an_output_format_is_a_response_format() -> None:
    request = asked(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}).request

    assert request.response_format == ResponseFormat("json_schema", SCHEMA)
    assert request.extra == {}


def test_what_only_anthropic_knows_goes_along_as_it_is_written() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    said = asked(
        thinking=thinking,
        output_config={"effort": "high"},
        service_tier="auto",
        cache_control={"type": "ephemeral", "ttl": "1h"},
    )

    assert said.request.extra == {
        "thinking": thinking,
        "output_config": {"effort": "high"},
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
    assert said.dropped == ()


def test_a_caller_that_turns_thinking_off_wants_to_hear_none() -> None:
    assert asked(thinking={"type": "disabled"}).thinking is False
    assert asked(thinking={"type": "adaptive"}).thinking is True


def test_every_field_that_nobody_can_be_told_is_named() -> None:
    dropped = asked(
        speed="fast",
        context_management={"edits": []},
        metadata={"user_id": "u1", "team": "x"},
        output_config={"verbosity": 1},
        tools=[{**WEATHER, "defer_loading": True}],
        tool_choice={"type": "auto", "mood": "good"},
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi", "citations": []}], "at": 3}],
    ).dropped

    assert dropped == (
        "speed",
        "context_management",
        "messages.at",
        "messages.content.citations",
        "tools.defer_loading",
        "metadata.team",
        "tool_choice.mood",
        "output_config.verbosity",
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"temperature": "warm"}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"stream": "yes"}, "stream"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"metadata": "u1"}, "metadata"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"output_config": {"effort": "some"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"cache_control": {"type": "for ever"}}, "cache_control.type"),
        ({"tools": [{"name": "weather"}]}, "tools[0].input_schema"),
        ({"tools": [{**WEATHER, "name": "the weather"}]}, "tools[0].name"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "time"}}, "tool_choice.name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers"),
        ({"container": "c1"}, "container"),
        ({"inference_geo": "eu"}, "inference_geo"),
    ],
)
def test_a_mistake_names_its_field(fields: Any, field: str) -> None:
    error = refused(**fields)

    assert error.field == field
    assert field in error.details


def test_an_empty_wish_for_what_cannot_be_carried_is_none() -> None:
    assert asked(mcp_servers=[], container=None).dropped == ()
