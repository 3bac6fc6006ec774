"""What a caller of Anthropic's API says, in the words of every dialect, and what Anthropic answers to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cortex_actors.chat import (
    ChatRequest,
    Chunk,
    Finish,
    FinishReason,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Thought,
    ThoughtSeal,
    Tool,
    ToolCall,
)
from cortex_actors.providers.adapter import Adapter
from cortex_actors.providers.catalog import TYPES, create
from tests.providers.reading import body_of, read, recorded, sse

LINK = "https://example.com/a.png"

#: Everything that only this surface can say.
SAID = ChatRequest(
    messages=(
        Message("system", (TextPart("Be brief.", "1h"),)),
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Weather?", "5m"),)),
        Message(
            "assistant",
            tool_calls=(ToolCall("t1", "weather", "{}"),),
            thoughts=(Thought("Hm.", "s1"), Thought(encrypted="x1")),
        ),
        Message("tool", (TextPart("no such city"),), tool_call_id="t1", failed=True),
    ),
    max_tokens=100,
    top_k=40,
    tools=(Tool("weather", parameters={"type": "object"}, cache="5m"),),
    surface="anthropic",
    extra={"thinking": {"type": "adaptive"}, "service_tier": "auto"},
)


def adapter(type: str) -> Adapter:
    return create("x", type, "http://provider.test")


def body(type: str, request: ChatRequest = SAID) -> Any:
    return body_of(adapter(type).build_request(request, model="m", key="k"))


def test_anthropic_is_told_everything() -> None:
    mark = {"type": "ephemeral"}

    assert body("anthropic") == {
        "model": "m",
        "max_tokens": 100,
        "stream": True,
        "top_k": 40,
        "thinking": {"type": "adaptive"},
        "service_tier": "auto",
        "system": [
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": "Be kind."},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?", "cache_control": mark}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s1"},
                    {"type": "redacted_thinking", "data": "x1"},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": "no such city",
                        "is_error": True,
                    }
                ],
            },
        ],
        "tools": [{"name": "weather", "input_schema": {"type": "object"}, "cache_control": mark}],
    }
    assert adapter("anthropic").dropped(SAID) == ()


def test_marks_on_images_and_results_are_kept() -> None:
    marked = ChatRequest(
        (
            Message("user", (ImagePart(LINK, cache="5m"),)),
            Message("assistant", tool_calls=(ToolCall("t1", "weather", "{}"),)),
            Message("tool", (TextPart("sunny", "5m"),), tool_call_id="t1"),
        )
    )
    mark = {"cache_control": {"type": "ephemeral"}}

    first, _, last = body("anthropic", marked)["messages"]

    assert first["content"] == [{"type": "image", "source": {"type": "url", "url": LINK}, **mark}]
    assert last["content"][0]["content"] == [{"type": "text", "text": "sunny", **mark}]


def test_an_effort_and_a_format_are_one_output_config() -> None:
    request = ChatRequest(
        (Message("user", (TextPart("Hi"),)),),
        response_format=ResponseFormat("json_schema", {"type": "object"}),
        surface="anthropic",
        extra={"output_config": {"effort": "high"}},
    )

    assert body("anthropic", request)["output_config"] == {
        "effort": "high",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize("type", [type for type in TYPES if type != "anthropic"])
def test_every_other_dialect_names_what_it_leaves_out(type: str) -> None:
    carries = {
        "gemini": {"top_k", "messages.content.is_error"},
        "cohere": {"top_k"},
        "ollama": {"top_k"},
    }.get(type, set())
    hints = (
        "top_k",
        "service_tier",
        "thinking",
        "cache_control",
        "messages.content.thinking",
        "messages.content.is_error",
    )

    assert adapter(type).dropped(SAID) == tuple(hint for hint in hints if hint not in carries)
    sent = json.dumps(body(type))
    for word in ("thinking", "service_tier", "cache_control", "s1", "x1", "Hm."):
        assert word not in sent


@pytest.mark.parametrize(
    ("type", "path"),
    [("gemini", ("generationConfig", "topK")), ("cohere", ("k",)), ("ollama", ("options", "top_k"))],
)
def test_top_k_has_a_place_in_other_dialects_too(type: str, path: tuple[str, ...]) -> None:
    sent = body(type)
    for key in path:
        sent = sent[key]

    assert sent == 40


@pytest.mark.parametrize(
    ("result", "told"),
    [("no such city", {"error": "no such city"}), ('{"code": 404}', {"error": {"code": 404}})],
)
def test_gemini_is_told_that_a_tool_failed(result: str, told: Any) -> None:
    call = Message("assistant", tool_calls=(ToolCall("t1", "weather", "{}"),))
    failed = Message("tool", (TextPart(result),), tool_call_id="t1", failed=True)
    request = ChatRequest((Message("user", (TextPart("Weather?"),)), call, failed))

    assert body("gemini", request)["contents"][-1]["parts"][0]["functionResponse"]["response"] == told


def test_fields_of_one_api_are_not_for_providers_that_speak_another() -> None:
    request = ChatRequest((Message("user", (TextPart("Hi"),)),), extra={"store": True})

    assert adapter("anthropic").dropped(request) == ("store",)
    assert "store" not in body("anthropic", request)
    assert body("openai", request)["store"] is True


def test_thinking_comes_with_its_seals() -> None:
    events = read(adapter("anthropic"), recorded("anthropic/thinking.sse")).events

    told = [event for event in events if isinstance(event, Chunk | ThoughtSeal)]
    assert told == [
        Chunk(reasoning="First, "),
        Chunk(reasoning="add."),
        ThoughtSeal("EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pki"),
        ThoughtSeal(encrypted="EmwKAhgBEgy3va3pzix"),
        Chunk(text="4"),
    ]


def test_the_stop_sequence_that_ended_an_answer_is_named() -> None:
    stream = sse(
        {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"}},
        {"type": "message_stop"},
    )

    assert read(adapter("anthropic"), stream).events == (Finish(FinishReason.STOP, "END"),)
