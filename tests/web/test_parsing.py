"""From JSON to ChatRequest: every option arrives, every mistake is named."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    RecoveryWish,
    RequestLimits,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from cortex_actors.errors import InvalidRequest
from cortex_actors.web.parsing import parse_chat

MESSAGES = [{"role": "user", "content": "Hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def parsed(**body: Any) -> ChatRequest:
    return parse_chat({"messages": MESSAGES, **body})[0]


def refusal(body: dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_chat(body)
    return caught.value


def test_what_is_not_said_stays_unsaid() -> None:
    assert parsed() == ChatRequest(messages=(Message("user", (TextPart("Hi"),)),))


def test_every_option_arrives() -> None:
    request = parsed(
        model="llama-3.1-8b",
        provider="groq-primary",
        fallbacks=["gemini-2.5-flash"],
        temperature="0.7",
        max_tokens="100",
        top_p=0.9,
        stop="END",
        seed=-7,
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        response_format={"type": "json_object"},
        user="u-1",
        limits={"first_token": 5, "idle": 2.5, "total": "60"},
    )

    assert request == ChatRequest(
        messages=request.messages,
        model="llama-3.1-8b",
        provider="groq-primary",
        fallbacks=("gemini-2.5-flash",),
        temperature=0.7,
        max_tokens=100,
        top_p=0.9,
        stop=("END",),
        seed=-7,
        tools=(Tool("weather", parameters={"type": "object"}),),
        tool_choice=NamedTool("weather"),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_object"),
        user="u-1",
        limits=RequestLimits(5, 2.5, 60),
    )


def test_null_is_not_said() -> None:
    nothing = dict.fromkeys(("model", "temperature", "stop", "tools", "limits", "response_format", "seed"))

    assert parsed(**nothing) == parsed()


def test_unknown_fields_are_reported_and_change_nothing() -> None:
    request, ignored = parse_chat({"messages": MESSAGES, "stream": True, "temprature": 1})

    assert request == parsed()
    assert ignored == ("stream", "temprature")


def test_missing_messages_are_refused_in_the_words_of_the_seeds() -> None:
    error = refusal({})

    assert (error.title, error.details) == ("Missing required field", "messages field is required")


@pytest.mark.parametrize("messages", ["invalid", None, {}, 5, True])
def test_messages_that_are_no_list_are_refused_in_the_words_of_the_seeds(messages: Any) -> None:
    error = refusal({"messages": messages})

    assert (error.title, error.details) == ("Invalid messages format", "Messages must be a list")


def test_an_empty_list_of_messages_is_refused() -> None:
    assert refusal({"messages": []}).title == "Invalid messages format"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Hi", "messages[1]"),
        (None, "messages[1]"),
        ({}, "messages[1].role"),
        ({"role": "robot", "content": "Hi"}, "messages[1].role"),
        ({"role": ["user"], "content": "Hi"}, "messages[1].role"),
        ({"role": "user"}, "messages[1].content"),
        ({"role": "user", "content": None}, "messages[1].content"),
        ({"role": "user", "content": 42}, "messages[1].content"),
        ({"role": "user", "content": {}}, "messages[1].content"),
        ({"role": "user", "content": []}, "messages[1].content"),
        ({"role": "user", "content": ["Hi"]}, "messages[1].content[0]"),
        ({"role": "user", "content": [{"type": "video"}]}, "messages[1].content[0].type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[1].content[0].text"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages[1].content[0].image_url"),
        ({"role": "user", "content": "Hi", "name": "a\nb"}, "messages[1].name"),
        ({"role": "tool", "content": "21"}, "messages[1].tool_call_id"),
        ({"role": "assistant"}, "messages[1].content"),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "messages[1].tool_calls[0].function"),
        ({"role": "assistant", "tool_calls": {}}, "messages[1].tool_calls"),
    ],
)
def test_a_bad_message_is_named_by_its_index_and_field(message: Any, field: str) -> None:
    error = refusal({"messages": [*MESSAGES, message]})

    assert error.field == field
    assert error.title == "Invalid messages format"
    assert error.details.startswith(field)


@pytest.mark.parametrize(
    "url", ["http://x/a.png", "file:///etc/passwd", "data:text/html,x", "https://", "", "https://a b"]
)
def test_an_image_must_be_one_that_a_provider_may_fetch(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}

    assert refusal({"messages": [{"role": "user", "content": [part]}]}).field == (
        "messages[0].content[0].image_url.url"
    )


def test_content_may_be_a_list_of_parts() -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": "data:image/png;base64,AAAA"},
    ]
    request, _ = parse_chat({"messages": [{"role": "user", "content": content}]})

    assert request.messages[0].parts == (
        TextPart("What is this?"),
        ImagePart("https://example.org/a.png", "low"),
        ImagePart("data:image/png;base64,AAAA"),
    )


def test_a_round_of_tool_use_arrives_whole() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"at": "Bern"}'}}
    request, _ = parse_chat(
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "Weather?", "name": "ann"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "21 °C"},
            ]
        }
    )

    assert request.messages == (
        Message("developer", (TextPart("Be brief."),)),
        Message("user", (TextPart("Weather?"),), name="ann"),
        Message("assistant", (), (ToolCall("c1", "weather", '{"at": "Bern"}'),)),
        Message("tool", (TextPart("21 °C"),), tool_call_id="c1"),
    )


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("model", 5, "model"),
        ("model", "a\r\nb", "model"),
        ("provider", ["groq"], "provider"),
        ("temperature", 2.5, "temperature"),
        ("temperature", "12abc", "temperature"),
        ("temperature", True, "temperature"),
        ("max_tokens", 0, "max_tokens"),
        ("max_tokens", 1.5, "max_tokens"),
        ("top_p", 1.1, "top_p"),
        ("stop", ["a"] * 17, "stop"),
        ("seed", "x", "seed"),
        ("fallbacks", "", "fallbacks"),
        ("tools", {}, "tools"),
        ("tools", [{"type": "retrieval"}], "tools[0].type"),
        ("tools", [{"type": "function", "function": {"name": "no spaces"}}], "tools[0].function.name"),
        (
            "tools",
            [{"type": "function", "function": {"name": "x", "parameters": []}}],
            "tools[0].function.parameters",
        ),
        ("tool_choice", "always", "tool_choice"),
        ("tool_choice", {"type": "function", "function": {"name": "x"}}, "tool_choice.function.name"),
        ("tool_choice", {"type": "function"}, "tool_choice.function"),
        ("parallel_tool_calls", 1, "parallel_tool_calls"),
        ("response_format", "json", "response_format"),
        ("response_format", {"type": "xml"}, "response_format.type"),
        ("response_format", {"type": "json_schema"}, "response_format.json_schema"),
        ("response_format", {"type": "json_schema", "json_schema": {}}, "response_format.json_schema.schema"),
        ("limits", 5, "limits"),
        ("limits", {"idle": 0}, "limits.idle"),
        ("limits", {"first_tokens": 5}, "limits.first_tokens"),
        ("recovery", "exact", "recovery"),
        ("recovery", 1, "recovery"),
        ("recovery", {"strategy": "guess"}, "recovery.strategy"),
        ("recovery", {"max_retries": 11}, "recovery.max_retries"),
        ("recovery", {"max_retries": -1}, "recovery.max_retries"),
        ("recovery", {"retries": 1}, "recovery.retries"),
    ],
)
def test_a_bad_option_is_named(option: str, value: Any, field: str) -> None:
    assert refusal({"messages": MESSAGES, option: value}).field == field


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_tool_choice_may_be_a_word(choice: str) -> None:
    assert parsed(tool_choice=choice).tool_choice == choice


def test_a_response_may_be_asked_to_fit_a_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}

    assert parsed(response_format=wanted).response_format == ResponseFormat(
        "json_schema", schema, "answer", True
    )


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        (None, RecoveryWish()),
        (False, RecoveryWish(False)),
        (True, RecoveryWish(True)),
        ({}, RecoveryWish(True)),
        ({"strategy": "paragraph"}, RecoveryWish(True, "paragraph")),
        ({"strategy": None, "max_retries": 0}, RecoveryWish(True, None, 0)),
    ],
)
def test_what_is_to_become_of_an_answer_that_breaks_off_may_be_said(said: Any, wish: RecoveryWish) -> None:
    assert parsed(recovery=said).recovery == wish


def test_plain_text_is_no_response_format() -> None:
    assert parsed(response_format={"type": "text"}).response_format is None


def test_stages_are_names() -> None:
    assert parsed(stages=["clean", "no-keys"]).stages == ("clean", "no-keys")
    assert parsed(stages="clean").stages == ("clean",)
    assert parsed().stages == ()
    for wrong in (5, [5], [""], ["clean"] * 17):
        assert refusal({"messages": MESSAGES, "stages": wrong}).field == "stages"
