"""The conversation of a Messages body."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import ImagePart, Message, TextPart, Thought, ToolCall
from cortex_actors.errors import InvalidRequest
from cortex_actors.web.anthropic.turns import Turns
from cortex_actors.web.fields import Fields

PIXEL = "iVBORw0KGgo="
MARK = {"type": "ephemeral"}


def turns_of(*messages: Any, system: Any = None) -> Turns:
    turns = Turns()
    turns.system(Fields({"system": system}))
    for index, message in enumerate(Fields({"messages": list(messages)}).children("messages")):
        turns.turn(message, f"messages[{index}]")
    return turns


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t1", **fields}


def field_refused(*messages: Any, system: Any = None) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        turns_of(*messages, system=system)
    return caught.value.field


def test_system_blocks_are_one_message() -> None:
    turns = turns_of(system=[text("Be brief."), text("Be kind.")])

    assert turns.messages == [Message("system", (TextPart("Be brief.\n\nBe kind."),))]


def test_system_blocks_are_cut_after_each_mark_of_the_cache() -> None:
    turns = turns_of(
        system=[
            text("a"),
            text("b", cache_control=MARK),
            text("c", cache_control={**MARK, "ttl": "1h"}),
            text("d"),
        ]
    )

    assert [message.parts for message in turns.messages] == [
        (TextPart("a\n\nb", "5m"),),
        (TextPart("c", "1h"),),
        (TextPart("d"),),
    ]


@pytest.mark.parametrize("system", [None, "", []])
def test_no_system_text_is_no_message(system: Any) -> None:
    assert turns_of(system=system).messages == []


def test_texts_and_images_of_a_user_are_parts() -> None:
    turns = turns_of(
        user(
            text("What is this?"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
            {
                "type": "image",
                "source": {"type": "url", "url": "https://example.com/a.png"},
                "cache_control": MARK,
            },
        )
    )

    assert turns.messages == [
        Message(
            "user",
            (
                TextPart("What is this?"),
                ImagePart(f"data:image/png;base64,{PIXEL}"),
                ImagePart("https://example.com/a.png", cache="5m"),
            ),
        )
    ]


def test_tool_calls_of_an_assistant_keep_their_input() -> None:
    turns = turns_of(
        assistant(
            text("Let me see."),
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Málaga"}},
        )
    )

    assert turns.messages == [
        Message(
            "assistant",
            (TextPart("Let me see."),),
            tool_calls=(ToolCall("t1", "weather", '{"city":"Málaga"}'),),
        )
    ]


def test_each_tool_result_is_a_message_and_remembers_where_it_came_from() -> None:
    turns = turns_of(
        {"role": "user", "content": "Weather?"},
        user(
            result(content="sunny"), result(content=[text("a"), text("b")], is_error=True), text("And now?")
        ),
    )

    assert turns.messages[1:] == [
        Message("tool", (TextPart("sunny"),), tool_call_id="t1"),
        Message("tool", (TextPart("a"), TextPart("b")), tool_call_id="t1", failed=True),
        Message("user", (TextPart("And now?"),)),
    ]
    assert turns.origins == ["messages[0]", "messages[1]", "messages[1]", "messages[1]"]


def test_a_tool_result_may_be_empty_or_an_image() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}

    turns = turns_of(user(result(), result(content=[image], cache_control=MARK)))

    assert [message.parts for message in turns.messages] == [
        (TextPart(""),),
        (ImagePart("https://example.com/a.png", cache="5m"),),
    ]


def test_sealed_thoughts_go_back_and_others_are_named() -> None:
    turns = turns_of(
        assistant(
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "thinking", "thinking": "Of another provider.", "signature": ""},
            text("Hi"),
        )
    )

    assert turns.messages[0].thoughts == (Thought("Hm.", "s"), Thought(encrypted="x"))
    assert list(turns.dropped) == ["messages.content.thinking"]


def test_what_has_no_place_is_named_once_however_often_it_comes() -> None:
    call = {
        "type": "tool_use",
        "id": "t1",
        "name": "weather",
        "input": {},
        "cache_control": MARK,
        "caller": {},
    }

    turns = turns_of(assistant(call, call), system=[text("a", citations=[])])

    assert list(turns.dropped) == [
        "system.citations",
        "messages.content.cache_control",
        "messages.content.caller",
    ]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"role": "robot", "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": 1}, "messages[0].content"),
        (user({"type": "document", "source": {}}), "messages[0].content[0].type"),
        (user({"type": "tool_use", "id": "t", "name": "n", "input": {}}), "messages[0].content[0].type"),
        (assistant(result()), "messages[0].content[0].type"),
        (assistant({"type": "tool_use", "id": "t", "name": "n"}), "messages[0].content[0].input"),
        (user({"type": "tool_result"}), "messages[0].content[0].tool_use_id"),
        (user(result(content=[{"type": "document"}])), "messages[0].content[0].content[0].type"),
        (user({"type": "text"}), "messages[0].content[0].text"),
        (user(text("a", cache_control={**MARK, "ttl": "2h"})), "messages[0].content[0].cache_control.ttl"),
        (user({"type": "image"}), "messages[0].content[0].source"),
        (user({"type": "image", "source": {"type": "file"}}), "messages[0].content[0].source.type"),
        (
            user({"type": "image", "source": {"type": "url", "url": "http://x/a.png"}}),
            "messages[0].content[0].source.url",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": "x"}}),
            "messages[0].content[0].source.media_type",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "<"}}),
            "messages[0].content[0].source.data",
        ),
    ],
)  # fmt: skip
def test_a_mistake_names_its_block(message: Any, field: str) -> None:
    assert field_refused(message) == field


def test_a_mistake_in_the_system_text_is_named() -> None:
    assert field_refused(system=[{"type": "image"}]) == "system[0].type"
    assert field_refused(system=7) == "system"
