"""The Cohere dialect in both its versions: what goes up, what comes down, and what a refusal means."""

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
from cortex_actors.providers.cohere import CohereAdapter
from cortex_actors.streaming.sse import ServerSentEvent
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    IMAGE,
    SCHEMA,
    WEATHER,
    body_of,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
    sse,
)

KEY = "co-a-secret"

#: Everything that v2 can say; it has no way to ask for one tool call at a time.
SAYABLE = replace(EVERYTHING, parallel_tool_calls=None)

LINES = "application/stream+json"


def adapter(base_url: str = "https://api.cohere.com", **options: Any) -> CohereAdapter:
    return CohereAdapter(name="co", base_url=base_url, options=options)


def body(request: ChatRequest, **options: Any) -> Any:
    return body_of(adapter(**options).build_request(request, model="command-a-03-2025", key=KEY))


def said(role: Any, text: str) -> Message:
    return Message(role, (TextPart(text),))


def refused_field(request: ChatRequest, **options: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        body(request, **options)
    return caught.value.field


#: Everything that v1 can say.
IN_V1 = replace(
    SAYABLE,
    messages=(
        said("system", "Be brief."),
        said("developer", "Answer in Spanish."),
        said("user", "What is this?"),
        said("assistant", "A cat."),
        said("user", "And this? 👋"),
    ),
    tools=(),
    tool_choice=None,
)


# --- what goes up ----------------------------------------------------------------------------------------


def test_a_request_with_every_option_has_the_golden_body() -> None:
    assert body(SAYABLE) == golden("cohere")


def test_a_request_to_v1_with_every_option_has_the_golden_body() -> None:
    assert body(IN_V1, api="v1") == golden("cohere_v1")


def test_a_request_says_only_what_the_caller_said() -> None:
    assert body(HELLO) == {
        "model": "command-a-03-2025",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    assert body(HELLO, api="v1") == {"model": "command-a-03-2025", "message": "Hello", "stream": True}


@pytest.mark.parametrize("base_url", ["https://api.cohere.com/", "https://api.cohere.com/v2"])
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_version_is_in_the_path_and_the_key_in_a_header(base_url: str, api: str) -> None:
    request = adapter(base_url, api=api).build_request(HELLO, model="m", key=KEY)
    assert request.method == "POST"
    assert request.url == f"https://api.cohere.com/{api}/chat"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in request.url + (request.body or b"").decode()
    assert "Authorization" not in adapter().build_request(HELLO, model="m", key=None).headers


def test_v1_is_asked_for_lines_and_v2_for_events() -> None:
    assert adapter(api="v1").build_request(HELLO, model="m", key=KEY).headers["Accept"] == LINES
    assert adapter().build_request(HELLO, model="m", key=KEY).headers["Accept"] == "text/event-stream"


def test_a_version_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="api"):
        adapter(api="v3")


def test_the_body_option_adds_fields_beneath_what_the_caller_said() -> None:
    sent = body(replace(HELLO, temperature=0.5), body={"k": 5, "temperature": 1})
    assert (sent["k"], sent["temperature"]) == (5, 0.5)


def test_system_messages_stay_where_they_are_and_developer_ones_become_system_ones() -> None:
    request = ChatRequest((said("system", "One."), said("user", "Hi"), said("developer", "Two.")))
    assert [(turn["role"], turn["content"]) for turn in body(request)["messages"]] == [
        ("system", "One."),
        ("user", "Hi"),
        ("system", "Two."),
    ]


def test_a_turn_that_calls_tools_carries_its_text_as_the_plan() -> None:
    calls = (ToolCall("c1", "weather", '{"city":"Bern"}'),)
    request = ChatRequest(
        (
            said("user", "?"),
            Message("assistant", (TextPart("I look."),), tool_calls=calls),
            Message("tool", (TextPart("sunny"),), tool_call_id="c1"),
            said("assistant", "Sunny."),
            said("assistant", ""),
        )
    )
    function = {"name": "weather", "arguments": '{"city":"Bern"}'}
    assert body(request)["messages"][1:] == [
        {
            "role": "assistant",
            "tool_plan": "I look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "assistant", "content": "Sunny."},
    ]


@pytest.mark.parametrize(("choice", "sent"), [("auto", None), ("none", "NONE"), ("required", "REQUIRED")])
def test_a_tool_choice_is_said_in_the_providers_words(choice: Any, sent: Any) -> None:
    assert body(replace(HELLO, tools=(WEATHER,), tool_choice=choice)).get("tool_choice") == sent


def test_a_named_tool_is_the_only_one_offered_and_a_call_is_required() -> None:
    sent = body(replace(HELLO, tools=(Tool("now"), WEATHER), tool_choice=NamedTool("weather")))
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["weather"]
    assert sent["tool_choice"] == "REQUIRED"


def test_tools_are_strict_together_and_have_a_schema_in_any_case() -> None:
    sent = body(replace(HELLO, tools=(Tool("now"),)))
    empty = {"type": "object", "properties": {}}
    assert sent["tools"] == [{"type": "function", "function": {"name": "now", "parameters": empty}}]
    assert "strict_tools" not in sent
    assert body(replace(HELLO, tools=(Tool("now"), WEATHER)))["strict_tools"] is True


def test_json_is_asked_for_with_and_without_a_schema() -> None:
    any_json, by_schema = ResponseFormat("json_object"), ResponseFormat("json_schema", schema=SCHEMA)
    assert body(replace(HELLO, response_format=any_json))["response_format"] == {"type": "json_object"}
    assert body(replace(HELLO, response_format=by_schema))["response_format"] == {
        "type": "json_object",
        "json_schema": SCHEMA,
    }


def test_what_cannot_be_carried_is_refused_by_its_field() -> None:
    one_at_a_time = replace(HELLO, tools=(WEATHER,), parallel_tool_calls=False)
    image_of_a_model = Message("assistant", (TextPart("See"), ImagePart(IMAGE)))
    assert refused_field(one_at_a_time) == "parallel_tool_calls"
    assert refused_field(replace(HELLO, extra={"n": 2})) == "n"
    assert refused_field(replace(HELLO, tool_choice="required")) == "tool_choice"
    assert refused_field(ChatRequest((image_of_a_model,))) == "messages[0].content[1]"
    assert refused_field(ChatRequest((Message("tool"),))) == "messages[0].tool_call_id"


def test_an_image_is_a_url_of_either_kind_or_is_refused_by_its_place() -> None:
    images = (ImagePart("https://x.example/a.png"), ImagePart("data:image/gif,%47%49", detail="high"))
    assert body(ChatRequest((Message("user", images),)))["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0k=", "detail": "high"}},
    ]
    elsewhere = ChatRequest((Message("user", (ImagePart("http://x.example/a.png"),)),))
    assert refused_field(elsewhere) == "messages[0].content[0].image_url.url"


def test_v1_refuses_all_but_text_by_its_field() -> None:
    image = ChatRequest((Message("user", (ImagePart(IMAGE),)),))
    call = Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),))
    result = Message("tool", (TextPart("1"),), tool_call_id="c")
    assert refused_field(replace(HELLO, tools=(WEATHER,)), api="v1") == "tools"
    assert refused_field(image, api="v1") == "messages[0].content[0]"
    assert refused_field(ChatRequest((said("user", "?"), call)), api="v1") == "messages[1].tool_calls"
    assert refused_field(ChatRequest((said("user", "?"), result)), api="v1") == "messages[1].role"


def test_v1_wants_the_user_to_speak_last() -> None:
    assert refused_field(ChatRequest((said("user", "?"), said("assistant", "!"))), api="v1") == "messages"
    assert refused_field(ChatRequest((said("system", "Be brief."),)), api="v1") == "messages"


def test_hints_without_a_place_are_named_and_nothing_else_is() -> None:
    assert adapter().dropped(HELLO) == ()
    assert adapter().dropped(SAYABLE) == ("user", "messages.name", "frequency_penalty")


# --- what comes down -------------------------------------------------------------------------------------


def test_a_text_answer_is_read_whole() -> None:
    answer = read(adapter(), recorded("cohere/text.sse"))
    assert answer.events[0] == AnswerInfo(upstream_id="29f14a5a")
    assert answer.text == "Grüß Gott 🌍"
    assert answer.usage == Usage(prompt_tokens=71, completion_tokens=6, cached_tokens=64)
    assert answer.finish is FinishReason.STOP
    assert answer.state.ended


def test_the_done_behind_an_answer_is_no_event() -> None:
    state = StreamState()
    assert not adapter().parse_event(ServerSentEvent(data="[DONE]"), state)
    assert state == StreamState()


def test_a_v1_answer_is_read_once_though_its_end_repeats_it() -> None:
    answer = read(adapter(api="v1"), recorded("cohere/v1.ndjson"), content_type=LINES)
    assert answer.events[0] == AnswerInfo(upstream_id="c14c80c3")
    assert answer.text == "Grüß Gott 🌍"
    assert answer.usage == Usage(prompt_tokens=67, completion_tokens=6)
    assert answer.finish is FinishReason.STOP
    assert answer.state.ended


def test_a_v1_answer_may_come_as_events() -> None:
    lines = recorded("cohere/v1.ndjson").splitlines()
    events = b"".join(b"event: message\ndata: " + line + b"\n\n" for line in lines)
    plain = read(adapter(api="v1"), recorded("cohere/v1.ndjson"), content_type=LINES)
    assert read(adapter(api="v1"), events).events == plain.events


def test_a_tool_plan_is_reasoning_and_calls_are_fragments() -> None:
    answer = read(adapter(), recorded("cohere/tools.sse"))
    assert (answer.reasoning, answer.text) == ("I will look it up.", "")
    assert answer.calls == [
        ("get_weather_p1", "get_weather", '{"city": "Zürich"}'),
        ("get_time_p2", "get_time", "{}"),
    ]
    assert answer.finish is FinishReason.TOOL_CALLS


def test_billed_units_stand_in_for_tokens() -> None:
    assert read(adapter(), recorded("cohere/tools.sse")).usage == Usage(40, 20)


def test_thinking_is_kept_apart_from_the_text() -> None:
    answer = read(adapter(), recorded("cohere/thinking.sse"))
    assert (answer.reasoning, answer.text) == ("First, add.", "4")
    assert answer.finish is FinishReason.LENGTH


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("cohere/text.sse", "text/event-stream"),
        ("cohere/tools.sse", "text/event-stream"),
        ("cohere/thinking.sse", "text/event-stream"),
        ("cohere/v1.ndjson", LINES),
        ("cohere/v1.ndjson", "application/json"),
    ],
)
def test_an_answer_reads_the_same_however_it_is_cut(name: str, content_type: str) -> None:
    reads_the_same_however_cut(adapter(), recorded(name), content_type)


FINISHES = [
    ("COMPLETE", FinishReason.STOP),
    ("STOP_SEQUENCE", FinishReason.STOP),
    ("MAX_TOKENS", FinishReason.LENGTH),
    ("ERROR_LIMIT", FinishReason.LENGTH),
    ("TOOL_CALL", FinishReason.TOOL_CALLS),
    ("ERROR_TOXIC", FinishReason.CONTENT_FILTER),
    ("A_REASON_OF_TOMORROW", FinishReason.STOP),
]


@pytest.mark.parametrize(("reason", "finish"), FINISHES)
def test_every_finish_reason_has_a_finish(reason: str, finish: FinishReason) -> None:
    v2 = sse({"type": "message-end", "delta": {"finish_reason": reason}})
    v1 = sse({"event_type": "stream-end", "is_finished": True, "finish_reason": reason})
    assert read(adapter(), v2).finish is finish
    assert read(adapter(api="v1"), v1).finish is finish


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT", "USER_CANCEL"])
def test_a_reason_that_is_no_end_is_a_failure(reason: str) -> None:
    v2 = read(adapter(), sse({"type": "message-end", "delta": {"finish_reason": reason}}))
    v1 = read(adapter(api="v1"), sse({"event_type": "stream-end", "finish_reason": reason}))
    for answer in (v2, v1):
        assert type(answer.failure) is UpstreamFailure
        assert answer.finish is None
        assert not answer.state.finished


def test_a_failure_at_the_end_tells_the_providers_reason_and_what_it_cost() -> None:
    delta = {"finish_reason": "ERROR", "error": "generation failed", "usage": {"tokens": {"input_tokens": 3}}}
    answer = read(adapter(), sse({"type": "message-end", "delta": delta}))
    assert answer.failure is not None
    assert answer.failure.details == "generation failed"
    assert answer.usage == Usage(3, 0)


@pytest.mark.parametrize(
    ("name", "marker", "content_type"),
    [
        ("cohere/text.sse", b"event: message-end", "text/event-stream"),
        ("cohere/v1.ndjson", b'{"is_finished":true', LINES),
    ],
)
def test_a_stream_without_its_end_marker_is_not_finished(name: str, marker: bytes, content_type: str) -> None:
    answer = read(adapter(), recorded(name).partition(marker)[0], content_type=content_type)
    assert answer.text == "Grüß Gott 🌍"
    assert answer.finish is None
    assert not answer.state.finished


def test_a_200_with_a_json_error_body_tells_the_reason() -> None:
    failure = read(
        adapter(), b'{"message": "internal server error"}', content_type="application/json"
    ).failure
    assert isinstance(failure, UpstreamFailure)
    assert failure.details == "internal server error"


@pytest.mark.parametrize(
    "data",
    [
        "null",
        "{}",
        '{"type": 3}',
        '{"type": "content-delta"}',
        '{"type": "content-delta", "delta": {"message": {"content": null}}}',
        '{"type": "tool-call-delta", "index": 7, "delta": {"message": {"tool_calls": {"function": {}}}}}',
        '{"type": "debug", "text": "x"}',
        '{"event_type": "text-generation", "text": 1}',
    ],
)
def test_json_of_no_known_shape_means_nothing(data: str) -> None:
    state = StreamState()
    assert not adapter().parse_event(ServerSentEvent(data=data), state)
    assert not state.finished


# --- what a refusal means --------------------------------------------------------------------------------


def refusal(status: int, message: str) -> UpstreamError:
    return adapter().classify_failure(status, {"retry-after": "3"}, json.dumps({"message": message}).encode())


TRIAL = "You are using a Trial key, which is limited to "


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "invalid request: message must be at least 1 token long", UpstreamRejected),
        (401, "no api key supplied", KeyRejected),
        (401, "invalid api token", KeyRejected),
        (402, "Please add or update your payment method to continue", QuotaExhausted),
        (404, "model 'command-x' not found", ModelMissing),
        (422, "unprocessable entity", UpstreamRejected),
        (429, TRIAL + "10 API calls / minute.", UpstreamRateLimited),
        (429, TRIAL + "1000 API calls / month.", QuotaExhausted),
        (498, "blocked input: please adjust your prompt", UpstreamRejected),
        (499, "request cancelled", UpstreamFailure),
        (500, "internal server error", UpstreamFailure),
        (503, "service unavailable", UpstreamFailure),
    ],
)
def test_each_refusal_has_its_class(status: int, message: str, error: type[UpstreamError]) -> None:
    failure = refusal(status, message)
    assert type(failure) is error
    assert failure.upstream_status == status
    assert failure.provider == "co"


def test_a_rate_limit_says_how_long_to_wait() -> None:
    assert refusal(429, "too many requests").retry_after == 3


def test_a_prompt_that_is_too_long_has_the_code_for_it() -> None:
    failure = refusal(400, "too many tokens: total number of tokens in the prompt cannot exceed 4081")
    assert type(failure) is UpstreamRejected
    assert failure.upstream_code == "context_length_exceeded"


# --- whether it is there ---------------------------------------------------------------------------------


def test_health_is_asked_for_free_with_the_model_list() -> None:
    request = adapter().health_request(key=KEY)
    assert (request.method, request.body) == ("GET", None)
    assert request.url == "https://api.cohere.com/v1/models?page_size=1000"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


def test_the_model_list_is_read_without_models_that_callers_cannot_reach() -> None:
    listed = {
        "models": [
            {"name": "command-a", "endpoints": ["generate", "chat"]},
            {"name": None},
            {"name": "command-r"},
            {"name": "embed-v4.0", "endpoints": ["embed"]},
            {"name": "rerank-v4.0", "endpoints": ["rerank", {}]},
        ]
    }
    assert adapter().models(json.dumps(listed).encode()) == ("command-a", "command-r", "embed-v4.0")
    assert adapter().models(b"[]") == ()
