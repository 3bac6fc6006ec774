"""The Anthropic dialect: what goes up, what comes down, and what a refusal means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import (
    AnswerInfo,
    ChatRequest,
    FinishReason,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    Usage,
)
from cortex_actors.errors import (
    InvalidRequest,
    KeyRejected,
    ModelMissing,
    QuotaExhausted,
    SettingsError,
    UpstreamError,
    UpstreamFailure,
    UpstreamRateLimited,
    UpstreamRejected,
)
from cortex_actors.providers.adapter import StreamState
from cortex_actors.providers.anthropic import AnthropicAdapter
from cortex_actors.streaming.sse import ServerSentEvent
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    IMAGE,
    WEATHER,
    body_of,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
    sse,
)

KEY = "sk-ant-api03-a-secret"


def adapter(**options: Any) -> AnthropicAdapter:
    return AnthropicAdapter(name="claude", base_url="https://api.anthropic.com", options=options)


def body(request: ChatRequest, **options: Any) -> Any:
    return body_of(adapter(**options).build_request(request, model="claude-sonnet-4-6", key=KEY))


def user(*parts: TextPart | ImagePart) -> Message:
    return Message("user", parts)


def said(role: Any, text: str) -> Message:
    return Message(role, (TextPart(text),))


def refused_field(request: ChatRequest) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        body(request)
    return caught.value.field


# --- what goes up ----------------------------------------------------------------------------------------


def test_a_request_with_every_option_has_the_golden_body() -> None:
    assert body(EVERYTHING) == golden("anthropic")


def test_a_request_says_only_what_the_caller_said_and_the_limit_the_api_wants() -> None:
    assert body(HELLO) == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 4096,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


def test_the_usual_limit_is_an_option_and_the_callers_own_wins() -> None:
    assert body(HELLO, max_tokens=100)["max_tokens"] == 100
    assert body(replace(HELLO, max_tokens=5), max_tokens=100)["max_tokens"] == 5


def test_the_key_is_in_a_header_and_nowhere_else() -> None:
    request = adapter().build_request(HELLO, model="m", key=KEY)
    assert request.method == "POST"
    assert request.url == "https://api.anthropic.com/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert KEY not in request.url + (request.body or b"").decode()


def test_without_a_key_no_key_header_is_sent() -> None:
    assert "x-api-key" not in adapter().build_request(HELLO, model="m", key=None).headers


def test_configured_headers_are_added_and_cannot_replace_the_key() -> None:
    configured = AnthropicAdapter(
        name="claude", base_url="https://x", headers={"anthropic-beta": "b-1", "X-API-Key": "other"}
    )
    headers = configured.build_request(HELLO, model="m", key=KEY).headers
    assert headers["anthropic-beta"] == "b-1"
    assert [value for name, value in headers.items() if name.lower() == "x-api-key"] == [KEY]


@pytest.mark.parametrize(
    "base_url", ["https://x.example/a", "https://x.example/a/", "https://x.example/a/v1"]
)
def test_a_base_url_may_end_with_the_version(base_url: str) -> None:
    configured = AnthropicAdapter(name="claude", base_url=base_url)
    assert configured.build_request(HELLO, model="m", key=KEY).url == "https://x.example/a/v1/messages"


def test_the_body_option_adds_fields_beneath_what_the_caller_said() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    sent = body(replace(HELLO, temperature=0.5), body={"thinking": thinking, "temperature": 1})
    assert sent["thinking"] == thinking
    assert sent["temperature"] == 0.5


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(SettingsError, match="max_tokens"):
        adapter(max_token=5)


def test_several_system_and_developer_messages_become_one_system_text() -> None:
    request = ChatRequest(
        (said("system", "One."), user(TextPart("Hi")), said("developer", "Two."), said("system", ""))
    )
    sent = body(request)
    assert sent["system"] == "One.\n\nTwo."
    assert [message["role"] for message in sent["messages"]] == ["user"]


def test_neighbouring_turns_of_one_role_are_merged() -> None:
    request = ChatRequest(
        (
            said("user", "a"),
            said("user", "b"),
            said("assistant", "c"),
            said("assistant", "d"),
            said("user", "e"),
        )
    )
    assert [
        (turn["role"], [block["text"] for block in turn["content"]]) for turn in body(request)["messages"]
    ] == [
        ("user", ["a", "b"]),
        ("assistant", ["c", "d"]),
        ("user", ["e"]),
    ]


def test_results_of_parallel_calls_are_one_turn_of_the_user() -> None:
    calls = (ToolCall("toolu_1", "weather", '{"city":"Bern"}'), ToolCall("toolu_2", "weather", ""))
    request = ChatRequest(
        (
            said("user", "?"),
            Message("assistant", (TextPart("I look."),), tool_calls=calls),
            Message("tool", (TextPart("sunny"),), tool_call_id="toolu_1"),
            Message("tool", (ImagePart(IMAGE),), tool_call_id="toolu_2"),
            said("user", "And?"),
        )
    )
    sent = body(request)["messages"]
    assert sent[1]["content"] == [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}},
        {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
    ]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [image]},
        {"type": "text", "text": "And?"},
    ]


def test_ids_that_another_provider_made_are_mapped_the_same_way_in_call_and_result() -> None:
    request = ChatRequest(
        (
            said("user", "?"),
            Message("assistant", tool_calls=(ToolCall("functions.f:0", "f", "{}"),)),
            Message("tool", (TextPart("1"),), tool_call_id="functions.f:0"),
        )
    )
    sent = body(request)["messages"]
    mapped = sent[1]["content"][0]["id"]
    assert mapped.replace("_", "").isalnum()
    assert sent[2]["content"][0]["tool_use_id"] == mapped


def test_an_image_is_sent_inside_or_as_a_link() -> None:
    images = (ImagePart("HTTPS://x.example/a.png"), ImagePart("data:image/gif,%47%49"))
    sources = [block["source"] for block in body(ChatRequest((user(*images),)))["messages"][0]["content"]]
    assert sources == [
        {"type": "url", "url": "HTTPS://x.example/a.png"},
        {"type": "base64", "media_type": "image/gif", "data": "R0k="},
    ]


@pytest.mark.parametrize(
    "url", ["http://x.example/a.png", "data:base64,AAAA", "data:image/png", "file:///a", ""]
)
def test_an_image_that_cannot_be_carried_is_refused_by_its_place(url: str) -> None:
    request = ChatRequest((said("user", "?"), user(TextPart("See"), ImagePart(url))))
    assert refused_field(request) == "messages[1].content[1].image_url.url"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (NamedTool("weather"), {"type": "tool", "name": "weather"}),
        (None, None),
    ],
)
def test_a_tool_choice_is_said_in_the_providers_words(choice: Any, sent: Any) -> None:
    assert body(replace(HELLO, tools=(WEATHER,), tool_choice=choice)).get("tool_choice") == sent


def test_one_call_at_a_time_is_part_of_the_tool_choice() -> None:
    one = replace(HELLO, tools=(WEATHER,), parallel_tool_calls=False)
    assert body(one)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert body(replace(one, tool_choice="none"))["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in body(replace(one, parallel_tool_calls=True))


def test_a_tool_choice_without_tools_that_asks_for_nothing_is_not_sent() -> None:
    assert "tool_choice" not in body(replace(HELLO, tool_choice="auto"))


@pytest.mark.parametrize("choice", ["required", NamedTool("absent")])
def test_a_demand_for_a_tool_that_is_not_there_is_refused(choice: Any) -> None:
    assert refused_field(replace(HELLO, tool_choice=choice)) == "tool_choice"


def test_a_tool_without_parameters_gets_an_empty_schema() -> None:
    tools = (Tool("now"),)
    assert body(replace(HELLO, tools=tools))["tools"] == [
        {"name": "now", "input_schema": {"type": "object", "properties": {}}}
    ]


def test_arguments_that_are_no_object_are_refused_by_their_place() -> None:
    for arguments in ("[1]", "{", "null"):
        call = ToolCall("t", "f", arguments)
        request = ChatRequest((said("user", "?"), Message("assistant", tool_calls=(call,))))
        assert refused_field(request) == "messages[1].tool_calls[0].function.arguments"


def test_what_cannot_be_carried_is_refused_by_its_field() -> None:
    any_json = ResponseFormat("json_object")
    image_to_system = Message("system", (ImagePart(IMAGE),))
    assert refused_field(replace(HELLO, response_format=any_json)) == "response_format"
    assert refused_field(replace(HELLO, extra={"n": 2})) == "n"
    assert refused_field(ChatRequest((image_to_system, said("user", "?")))) == "messages[0].content[0]"
    assert refused_field(ChatRequest((said("user", "?"), Message("tool")))) == "messages[1].tool_call_id"
    assert refused_field(ChatRequest((said("user", ""),))) == "messages[0].content"


def test_the_first_turn_must_be_the_users() -> None:
    assert refused_field(ChatRequest((said("assistant", "Welcome."), said("user", "Hi")))) == "messages"
    assert refused_field(ChatRequest((said("system", "Be brief."),))) == "messages"


def test_an_assistant_turn_that_says_nothing_is_left_out() -> None:
    request = ChatRequest((said("user", "a"), said("assistant", ""), Message("assistant"), said("user", "b")))
    assert [message["role"] for message in body(request)["messages"]] == ["user"]


def test_an_answer_to_be_continued_ends_without_space() -> None:
    request = ChatRequest((said("user", "Count."), said("assistant", "One, two, ")))
    assert body(request)["messages"][1]["content"] == [{"type": "text", "text": "One, two,"}]


def test_hints_without_a_place_are_named_and_nothing_else_is() -> None:
    assert adapter().dropped(HELLO) == ()
    assert adapter().dropped(EVERYTHING) == (
        "seed",
        "messages.image_url.detail",
        "messages.name",
        "frequency_penalty",
    )


# --- what comes down -------------------------------------------------------------------------------------


def test_a_text_answer_is_read_whole() -> None:
    answer = read(adapter(), recorded("anthropic/text.sse"))
    assert answer.events[0] == AnswerInfo(model="claude-sonnet-4-6", upstream_id="msg_01A")
    assert answer.text == "Grüß Gott 🌍\n\ndata: not an event"
    assert answer.reasoning == ""
    assert answer.finish is FinishReason.STOP
    assert answer.state.finished
    assert answer.state.ended


def test_usage_adds_what_was_written_to_and_read_from_the_cache() -> None:
    usage = read(adapter(), recorded("anthropic/text.sse")).usage
    assert usage == Usage(142, 9, cached_tokens=100, cache_written_tokens=30)


def test_usage_is_known_before_the_answer_ends() -> None:
    first, *_ = recorded("anthropic/text.sse").partition(b"event: content_block_start")
    assert read(adapter(), first).usage == Usage(142, 1, cached_tokens=100, cache_written_tokens=30)


def test_tool_calls_are_numbered_by_themselves_and_an_empty_call_has_an_empty_object() -> None:
    answer = read(adapter(), recorded("anthropic/tools.sse"))
    assert answer.text == "Let me see."
    assert answer.calls == [
        ("toolu_01", "get_weather", '{"city": "Zürich"}'),
        ("toolu_02", "get_time", "{}"),
    ]
    assert answer.finish is FinishReason.TOOL_CALLS


def test_thinking_is_kept_apart_from_the_text() -> None:
    answer = read(adapter(), recorded("anthropic/thinking.sse"))
    assert (answer.reasoning, answer.text) == ("First, add.", "4")
    assert answer.usage == Usage(20, 50, cached_tokens=0, reasoning_tokens=40)
    assert answer.finish is FinishReason.LENGTH


@pytest.mark.parametrize(
    "name",
    ["anthropic/text.sse", "anthropic/tools.sse", "anthropic/thinking.sse", "anthropic/overloaded.sse"],
)
def test_an_answer_reads_the_same_however_it_is_cut(name: str) -> None:
    reads_the_same_however_cut(adapter(), recorded(name))


def test_crlf_line_ends_change_nothing() -> None:
    plain = recorded("anthropic/text.sse")
    crlf = read(adapter(), plain.replace(b"\n", b"\r\n"))
    assert crlf.events == read(adapter(), plain).events


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("pause_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("a_reason_of_tomorrow", FinishReason.STOP),
    ],
)
def test_every_stop_reason_has_a_finish(reason: str, finish: FinishReason) -> None:
    stream = sse({"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"})
    assert read(adapter(), stream).finish is finish


def test_a_stream_without_its_end_marker_is_not_finished() -> None:
    stream = recorded("anthropic/text.sse")
    for marker in (b"event: content_block_stop", b"event: message_delta", b"event: message_stop"):
        answer = read(adapter(), stream.partition(marker)[0])
        assert answer.text
        assert answer.finish is None
        assert not answer.state.finished


def test_an_error_inside_a_stream_is_a_value_of_the_right_class() -> None:
    answer = read(adapter(), recorded("anthropic/overloaded.sse"))
    assert answer.text == "Half an"
    assert isinstance(answer.failure, UpstreamRateLimited)
    assert answer.failure.provider == "claude"
    assert not answer.state.finished


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("api_error", UpstreamFailure),
        ("timeout_error", UpstreamFailure),
        ("rate_limit_error", UpstreamRateLimited),
        ("authentication_error", KeyRejected),
        ("billing_error", QuotaExhausted),
        ("invalid_request_error", UpstreamRejected),
    ],
)
def test_each_kind_of_error_inside_a_stream_has_its_class(kind: str, error: type[UpstreamError]) -> None:
    failure = read(adapter(), sse({"type": "error", "error": {"type": kind, "message": "m"}})).failure
    assert type(failure) is error


def test_a_200_with_a_json_error_body_tells_the_reason() -> None:
    text = json.dumps({"type": "error", "error": {"type": "api_error", "message": "Try later"}}, indent=2)
    failure = read(adapter(), text.encode(), content_type="application/json").failure
    assert isinstance(failure, UpstreamFailure)
    assert failure.details == "Try later"


def test_an_event_of_broken_json_is_passed_over_and_counted() -> None:
    stream = recorded("anthropic/text.sse").replace(b'{"type": "ping"}', b'{"type": ')
    answer = read(adapter(), stream)
    assert answer.text.startswith("Grüß Gott")
    assert answer.state.finished
    assert answer.state.skipped == 1


@pytest.mark.parametrize(
    "data", ["null", "3", "[]", '{"type": 3}', '{"type": "content_block_delta", "delta": 1}']
)
def test_json_of_no_known_shape_means_nothing(data: str) -> None:
    state = StreamState()
    assert not adapter().parse_event(ServerSentEvent(data=data), state)
    assert not state.finished


# --- what a refusal means --------------------------------------------------------------------------------


def refusal(status: int, kind: str, message: str = "m", **error: Any) -> UpstreamError:
    payload = {"type": "error", "error": {"type": kind, "message": message, **error}, "request_id": "req_1"}
    return adapter().classify_failure(status, {"Retry-After": "7"}, json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", UpstreamRejected),
        (401, "authentication_error", KeyRejected),
        (402, "billing_error", QuotaExhausted),
        (403, "permission_error", KeyRejected),
        (404, "not_found_error", ModelMissing),
        (413, "request_too_large", UpstreamRejected),
        (429, "rate_limit_error", UpstreamRateLimited),
        (500, "api_error", UpstreamFailure),
        (504, "timeout_error", UpstreamFailure),
        (529, "overloaded_error", UpstreamRateLimited),
    ],
)
def test_each_refusal_has_its_class(status: int, kind: str, error: type[UpstreamError]) -> None:
    failure = refusal(status, kind)
    assert type(failure) is error
    assert failure.upstream_status == status
    assert failure.provider == "claude"


def test_a_rate_limit_says_how_long_to_wait() -> None:
    assert refusal(429, "rate_limit_error").retry_after == 7


@pytest.mark.parametrize(
    ("status", "kind", "message", "error"),
    [
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", {}),
        (400, "invalid_request_error", "You have reached your specified API usage limits.", {}),
        (400, "invalid_request_error", "You have reached your specified workspace API usage limits.", {}),
        (429, "rate_limit_error", "You have reached your API usage limits: your organization…", {}),
        (429, "rate_limit_error", "m", {"details": {"error_code": "enforced_spend_limit_reached"}}),
    ],
)
def test_a_spent_limit_is_about_money_whatever_its_status(
    status: int, kind: str, message: str, error: dict[str, Any]
) -> None:
    assert type(refusal(status, kind, message, **error)) is QuotaExhausted


def test_a_prompt_that_is_too_long_has_the_code_for_it() -> None:
    failure = refusal(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    assert type(failure) is UpstreamRejected
    assert failure.upstream_code == "context_length_exceeded"


def test_a_refused_key_is_told_in_our_own_words() -> None:
    assert KEY not in refusal(401, "authentication_error", f"invalid x-api-key {KEY}").details


def test_a_body_that_is_not_json_is_classified_by_its_status() -> None:
    failure = adapter().classify_failure(502, {}, b"<html>Bad gateway</html>")
    assert type(failure) is UpstreamFailure


# --- whether it is there ---------------------------------------------------------------------------------


def test_health_is_asked_for_free_with_the_model_list() -> None:
    request = adapter().health_request(key=KEY)
    assert (request.method, request.body) == ("GET", None)
    assert request.url == "https://api.anthropic.com/v1/models?limit=1000"
    assert request.headers["x-api-key"] == KEY


def test_the_model_list_is_read() -> None:
    listed = {
        "data": [{"type": "model", "id": "claude-a"}, {"id": ""}, 7, {"id": "claude-b"}],
        "has_more": False,
    }
    assert adapter().models(json.dumps(listed).encode()) == ("claude-a", "claude-b")
    assert adapter().models(b"<html>") == ()
