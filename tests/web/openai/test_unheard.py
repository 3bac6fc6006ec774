"""What nothing is made of is named."""

from __future__ import annotations

from typing import Any

from cortex_actors.web.openai.unheard import unheard

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "odd": 1}, "strict": True},
}


def test_an_ordinary_body_is_heard_to_its_last_field() -> None:
    body = {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
            {"role": "tool", "content": "x", "tool_call_id": "c", "name": "f"},
        ],
        "tools": [TOOL],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"any": "thing"}}},
        "unknown_field": {"any": "thing"},
    }

    assert unheard(body) == ()


def test_an_answer_may_be_sent_back_as_it_came() -> None:
    message = {
        "role": "assistant", "content": "Hi", "refusal": None, "annotations": [], "audio": None, "name": "",
        "function_call": None, "tool_calls": None, "provider_specific_fields": {},
    }  # fmt: skip

    assert unheard({"messages": [message]}) == ()


def test_what_says_something_is_named_once_with_its_place() -> None:
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    body: dict[str, Any] = {
        "messages": [
            {"role": "user", "content": [part, part]},
            {"role": "assistant", "content": "b", "reasoning_content": "hm"},
        ],
        "tools": [{**TOOL, "cache": True}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": "d"}},
        "stream_options": {"include_obfuscation": True},
    }

    assert unheard(body) == (
        "messages.content.cache_control",
        "messages.reasoning_content",
        "tools.cache",
        "response_format.json_schema.description",
        "stream_options.include_obfuscation",
    )


def test_any_shape_can_be_looked_through() -> None:
    assert unheard({"messages": "x", "tools": [1, [2]], "tool_choice": None, "response_format": [None]}) == ()
