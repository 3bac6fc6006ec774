"""The Gemini dialect: what goes up, what comes down in both framings, and what a refusal means."""

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
from cortex_actors.providers.gemini import GeminiAdapter
from cortex_actors.streaming.sse import ServerSentEvent
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    IMAGE,
    WEATHER,
    Reading,
    body_of,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
    sse,
)

KEY = "AIzaSyA-a-secret-of-ours-0123456789abcd"

HOST = "https://generativelanguage.googleapis.com"

#: Everything that this dialect can say; it has no way to ask for one tool call at a time.
SAYABLE = replace(EVERYTHING, parallel_tool_calls=None)


def adapter(base_url: str = HOST, **options: Any) -> GeminiAdapter:
    return GeminiAdapter(name="gem", base_url=base_url, options=options)


def body(request: ChatRequest, **options: Any) -> Any:
    return body_of(adapter(**options).build_request(request, model="gemini-3.5-flash-lite", key=KEY))


def said(role: Any, text: str) -> Message:
    return Message(role, (TextPart(text),))


def refused_field(request: ChatRequest) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        body(request)
    return caught.value.field


def ended_with(reason: str, *parts: dict[str, Any]) -> Reading:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason}
    return read(adapter(), sse({"candidates": [candidate]}))


# --- what goes up ----------------------------------------------------------------------------------------


def test_a_request_with_every_option_has_the_golden_body() -> None:
    assert body(SAYABLE) == golden("gemini")


def test_a_request_says_only_what_the_caller_said() -> None:
    assert body(HELLO) == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


def test_the_model_is_in_the_path_and_the_key_in_a_header() -> None:
    request = adapter().build_request(HELLO, model="gemini-2.5-pro", key=KEY)
    assert request.method == "POST"
    assert request.url == HOST + "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in request.url + (request.body or b"").decode()
    assert "x-goog-api-key" not in adapter().build_request(HELLO, model="m", key=None).headers


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-2.5-pro", "models/gemini-2.5-pro"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("../../x?key=1#", "models/..%2F..%2Fx%3Fkey%3D1%23"),
        ("a:generateContent", "models/a%3AgenerateContent"),
        ("models/a/b c", "models/a%2Fb%20c"),
    ],
)
def test_a_model_name_is_escaped_into_the_path(model: str, path: str) -> None:
    url = adapter().build_request(HELLO, model=model, key=KEY).url
    assert url == f"{HOST}/v1beta/{path}:streamGenerateContent?alt=sse"


def test_a_base_url_may_name_another_version() -> None:
    url = adapter(HOST + "/v1/").build_request(HELLO, model="m", key=KEY).url
    assert url.startswith(HOST + "/v1/models/m:")


def test_the_json_array_framing_is_asked_for_without_alt() -> None:
    request = adapter(framing="json_array").build_request(HELLO, model="m", key=KEY)
    assert request.url.endswith("/models/m:streamGenerateContent")
    assert request.headers["Accept"] == "application/json"


def test_a_framing_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="framing"):
        adapter(framing="xml")


def test_the_body_option_adds_fields_beneath_what_the_caller_said() -> None:
    configured = {"generationConfig": {"temperature": 1, "thinkingConfig": {"includeThoughts": True}}}
    sent = body(replace(HELLO, temperature=0.5), body=configured)
    assert sent["generationConfig"] == {"temperature": 0.5, "thinkingConfig": {"includeThoughts": True}}


def test_several_system_and_developer_messages_become_one_instruction() -> None:
    request = ChatRequest((said("system", "One."), said("user", "Hi"), said("developer", "Two.")))
    sent = body(request)
    assert sent["systemInstruction"] == {"parts": [{"text": "One.\n\nTwo."}]}
    assert len(sent["contents"]) == 1


def test_neighbouring_turns_of_one_role_are_merged() -> None:
    request = ChatRequest((said("user", "a"), said("user", "b"), said("assistant", "c"), said("user", "d")))
    assert body(request)["contents"] == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}]},
        {"role": "user", "parts": [{"text": "d"}]},
    ]


def test_tool_results_are_known_by_the_name_of_their_tool_and_are_objects() -> None:
    calls = (ToolCall("call_1", "weather", '{"city":"Bern"}'), ToolCall("call_2", "now", ""))
    request = ChatRequest(
        (
            said("user", "?"),
            Message("assistant", (TextPart("I look."),), tool_calls=calls),
            Message("tool", (TextPart('{"sky":"blue"}'),), tool_call_id="call_1"),
            Message("tool", (TextPart("12:00"),), tool_call_id="call_2"),
        )
    )
    sent = body(request)["contents"]
    assert sent[1]["parts"] == [
        {"text": "I look."},
        {
            "functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Bern"}},
            "thoughtSignature": "skip_thought_signature_validator",
        },
        {"functionCall": {"id": "call_2", "name": "now", "args": {}}},
    ]
    assert sent[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "call_1", "name": "weather", "response": {"sky": "blue"}}},
            {"functionResponse": {"id": "call_2", "name": "now", "response": {"output": "12:00"}}},
        ],
    }


def test_the_stand_in_for_thought_signatures_can_be_turned_off() -> None:
    call = Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),))
    sent = body(ChatRequest((said("user", "?"), call)), thought_signature="")
    assert "thoughtSignature" not in sent["contents"][1]["parts"][0]


def test_a_result_whose_call_is_not_in_the_chat_is_known_by_its_own_name_or_refused() -> None:
    result = Message("tool", (TextPart("1"),), tool_call_id="lost", name="f")
    sent = body(ChatRequest((said("user", "?"), result)))
    assert sent["contents"][0]["parts"][1]["functionResponse"]["name"] == "f"
    nameless = replace(result, name=None)
    assert refused_field(ChatRequest((said("user", "?"), nameless))) == "messages[1].tool_call_id"


def test_an_image_is_sent_inside_or_as_a_link() -> None:
    images = (ImagePart(IMAGE), ImagePart("https://x.example/a.jpg?w=1"), ImagePart("https://x.example/a"))
    assert body(ChatRequest((Message("user", images),)))["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.jpg?w=1"}},
        {"fileData": {"fileUri": "https://x.example/a"}},
    ]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NamedTool("weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_a_tool_choice_is_said_in_the_providers_words(choice: Any, config: Any) -> None:
    sent = body(replace(HELLO, tools=(WEATHER,), tool_choice=choice))
    assert sent["toolConfig"] == {"functionCallingConfig": config}


def test_a_tool_without_parameters_has_none_and_several_tools_are_one_entry() -> None:
    tools = (Tool("now"), Tool("f", parameters={"$schema": "http://json-schema.org/x", "type": "object"}))
    assert body(replace(HELLO, tools=tools))["tools"] == [
        {"functionDeclarations": [{"name": "now"}, {"name": "f", "parametersJsonSchema": {"type": "object"}}]}
    ]


def test_any_json_is_asked_for_by_its_media_type() -> None:
    sent = body(replace(HELLO, response_format=ResponseFormat("json_object")))
    assert sent["generationConfig"] == {"responseMimeType": "application/json"}


def test_what_cannot_be_carried_is_refused_by_its_field() -> None:
    one_at_a_time = replace(HELLO, tools=(WEATHER,), parallel_tool_calls=False)
    image_of_a_tool = Message("tool", (ImagePart(IMAGE),), tool_call_id="c", name="f")
    bad_call = Message("assistant", tool_calls=(ToolCall("c", "f", "[]"),))
    bad_image = Message("user", (ImagePart("ftp://x.example/a.png"),))
    assert refused_field(one_at_a_time) == "parallel_tool_calls"
    assert refused_field(replace(HELLO, extra={"n": 2})) == "n"
    assert refused_field(replace(HELLO, tool_choice="required")) == "tool_choice"
    assert refused_field(ChatRequest((image_of_a_tool,))) == "messages[0].content[0]"
    assert refused_field(ChatRequest((bad_call,))) == "messages[0].tool_calls[0].function.arguments"
    assert refused_field(ChatRequest((bad_image,))) == "messages[0].content[0].image_url.url"
    assert refused_field(ChatRequest((said("system", "Be brief."),))) == "messages"
    assert refused_field(ChatRequest((said("user", ""),))) == "messages[0].content"


def test_hints_without_a_place_are_named_and_nothing_else_is() -> None:
    assert adapter().dropped(HELLO) == ()
    assert adapter().dropped(SAYABLE) == (
        "user",
        "tools.function.strict",
        "messages.image_url.detail",
        "messages.name",
        "frequency_penalty",
    )


# --- what comes down -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("gemini/text.sse", "text/event-stream"), ("gemini/text.json", "application/json; charset=UTF-8")],
)
def test_a_text_answer_is_read_whole_in_both_framings(name: str, content_type: str) -> None:
    answer = read(adapter(), recorded(name), content_type=content_type)
    assert answer.events[0] == AnswerInfo(model="gemini-3.5-flash-lite", upstream_id="rsp-1")
    assert answer.text == 'Grüß Gott 🌍 ["]\\},{'
    assert answer.usage == Usage(prompt_tokens=7, completion_tokens=6, cached_tokens=5)
    assert answer.finish is FinishReason.STOP
    assert answer.state.finished


def test_the_framing_is_the_configured_one_where_the_server_does_not_say() -> None:
    configured = adapter(framing="json_array")
    assert read(configured, recorded("gemini/text.json"), content_type="").finish is FinishReason.STOP
    assert read(adapter(), recorded("gemini/text.sse"), content_type="").finish is FinishReason.STOP


def test_items_of_an_array_are_read_as_they_arrive() -> None:
    decoder = adapter().new_decoder("application/json")
    first, _, _ = recorded("gemini/text.json").partition(b"\n,\n")
    assert len(decoder.decode(first)) == 1


def test_thoughts_are_kept_apart_from_the_text() -> None:
    answer = read(adapter(), recorded("gemini/thoughts.sse"))
    assert (answer.reasoning, answer.text) == ("First, add.", "4")
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=31, reasoning_tokens=30)
    assert answer.finish is FinishReason.LENGTH


def test_usage_is_told_only_when_it_changed() -> None:
    answer = read(adapter(), recorded("gemini/thoughts.sse"))
    assert sum(isinstance(event, Usage) for event in answer.events) == 2


def test_function_calls_are_tool_calls_with_ids_and_end_the_answer_as_such() -> None:
    answer = read(adapter(), recorded("gemini/tools.sse"))
    assert answer.text == "Let me see."
    assert [call[1:] for call in answer.calls] == [
        ("get_weather", '{"city": "Zürich"}'),
        ("get_weather", '{"city": "Bern"}'),
        ("get_time", "{}"),
    ]
    ids = [call[0] for call in answer.calls]
    assert ids[2] == "fc-3"
    assert len(set(ids)) == 3
    assert answer.finish is FinishReason.TOOL_CALLS


def test_invented_ids_differ_between_answers_and_not_between_readings() -> None:
    stream = recorded("gemini/tools.sse")
    ids = [call[0] for call in read(adapter(), stream).calls]
    other = [call[0] for call in read(adapter(), stream.replace(b"rsp-1", b"rsp-2")).calls]
    assert ids == [call[0] for call in read(adapter(), stream).calls]
    assert not {*ids[:2]} & {*other[:2]}


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("gemini/text.sse", "text/event-stream"),
        ("gemini/text.json", "application/json"),
        ("gemini/thoughts.sse", "text/event-stream"),
        ("gemini/tools.sse", "text/event-stream"),
        ("gemini/error.sse", "text/event-stream"),
        ("gemini/error.json", "application/json"),
    ],
)
def test_an_answer_reads_the_same_however_it_is_cut(name: str, content_type: str) -> None:
    reads_the_same_however_cut(adapter(), recorded(name), content_type)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("LANGUAGE", FinishReason.CONTENT_FILTER),
        ("BLOCKLIST", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("SPII", FinishReason.CONTENT_FILTER),
        ("IMAGE_SAFETY", FinishReason.CONTENT_FILTER),
    ],
)
def test_every_finish_reason_has_a_finish(reason: str, finish: FinishReason) -> None:
    answer = ended_with(reason, {"text": "a"})
    assert answer.finish is finish
    assert answer.state.finished


@pytest.mark.parametrize("reason", ["OTHER", "MALFORMED_FUNCTION_CALL", "A_REASON_OF_TOMORROW"])
def test_a_reason_that_is_no_end_is_a_failure(reason: str) -> None:
    answer = ended_with(reason, {"text": "a"})
    assert isinstance(answer.failure, UpstreamFailure)
    assert answer.failure.upstream_code == reason.lower()
    assert answer.finish is None
    assert not answer.state.finished


def test_a_function_call_that_was_cut_by_the_limit_ends_by_length() -> None:
    assert ended_with("MAX_TOKENS", {"functionCall": {"name": "f"}}).finish is FinishReason.LENGTH


def test_a_reason_with_every_part_ends_the_answer_once_and_last() -> None:
    parts = [
        {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]} for text in "abc"
    ]
    answer = read(adapter(), sse(*parts))
    assert answer.text == "abc"
    assert answer.finish is FinishReason.STOP
    assert not answer.state.ended


def test_a_blocked_prompt_ends_as_filtered() -> None:
    answer = read(adapter(), recorded("gemini/blocked.sse"))
    assert answer.finish is FinishReason.CONTENT_FILTER
    assert answer.usage == Usage(prompt_tokens=5)
    assert answer.state.finished


def test_a_stream_without_a_finish_reason_is_not_finished() -> None:
    whole = recorded("gemini/text.sse")
    answer = read(adapter(), whole[: whole.rindex(b"data:")])
    assert answer.text
    assert answer.finish is None
    assert not answer.state.finished


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("gemini/error.sse", "text/event-stream"), ("gemini/error.json", "application/json")],
)
def test_an_error_inside_a_stream_is_a_value_of_the_right_class(name: str, content_type: str) -> None:
    answer = read(adapter(), recorded(name), content_type=content_type)
    assert answer.text == "Half an"
    assert isinstance(answer.failure, UpstreamFailure)
    assert answer.failure.upstream_status == 503
    assert not answer.state.finished


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("in_list", [False, True])
def test_a_200_with_a_json_error_body_tells_the_reason(content_type: str, in_list: bool) -> None:
    error = {"error": {"code": 500, "message": "An internal error has occurred.", "status": "INTERNAL"}}
    text = json.dumps([error] if in_list else error, indent=2)
    failure = read(adapter(), text.encode(), content_type=content_type).failure
    assert isinstance(failure, UpstreamFailure)
    assert failure.details == "An internal error has occurred."


def test_an_error_that_is_wrapped_in_a_list_inside_an_event_is_read() -> None:
    error = {"error": {"code": 429, "message": "Too fast.", "status": "RESOURCE_EXHAUSTED"}}
    assert isinstance(read(adapter(), sse([error])).failure, UpstreamRateLimited)


@pytest.mark.parametrize(
    "data",
    [
        "null",
        "3",
        "[1]",
        "{}",
        '{"error": null}',
        '{"candidates": 3}',
        '{"candidates": [null]}',
        '{"candidates": []}',
    ],
)
def test_json_of_no_known_shape_means_nothing(data: str) -> None:
    state = StreamState()
    assert not adapter().parse_event(ServerSentEvent(data=data), state)
    assert not state.finished


# --- what a refusal means --------------------------------------------------------------------------------


def refusal(
    status: int, word: str, message: str = "m", *details: dict[str, Any], in_list: bool = False
) -> UpstreamError:
    error = {"error": {"code": status, "message": message, "status": word, "details": details}}
    return adapter().classify_failure(status, {}, json.dumps([error] if in_list else error).encode())


def quota(quota_id: str, value: str = "15") -> dict[str, Any]:
    violation = {"quotaMetric": "requests", "quotaId": quota_id, "quotaValue": value}
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}

PLAN = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("status", "word", "error"),
    [
        (400, "INVALID_ARGUMENT", UpstreamRejected),
        (402, "FAILED_PRECONDITION_OF_MONEY", QuotaExhausted),
        (403, "PERMISSION_DENIED", KeyRejected),
        (404, "NOT_FOUND", ModelMissing),
        (429, "RESOURCE_EXHAUSTED", UpstreamRateLimited),
        (499, "CANCELLED", UpstreamFailure),
        (500, "INTERNAL", UpstreamFailure),
        (503, "UNAVAILABLE", UpstreamFailure),
        (504, "DEADLINE_EXCEEDED", UpstreamFailure),
    ],
)
@pytest.mark.parametrize("in_list", [False, True])
def test_each_refusal_has_its_class(
    status: int, word: str, error: type[UpstreamError], in_list: bool
) -> None:
    failure = refusal(status, word, in_list=in_list)
    assert type(failure) is error
    assert failure.upstream_status == status
    assert failure.provider == "gem"


@pytest.mark.parametrize("message", ["API key not valid.", "API key expired.", "API Key not found."])
def test_a_bad_key_is_a_400_and_is_told_in_our_own_words(message: str) -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    failure = refusal(400, "INVALID_ARGUMENT", f"{message} {KEY}", reason)
    assert type(failure) is KeyRejected
    assert KEY not in failure.details


def test_a_limit_by_the_minute_says_how_long_to_wait() -> None:
    by_the_minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
    failure = refusal(429, "RESOURCE_EXHAUSTED", PLAN, by_the_minute, RETRY)
    assert type(failure) is UpstreamRateLimited
    assert failure.retry_after == 34.5


@pytest.mark.parametrize(
    "details",
    [
        (quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), RETRY),
        (quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0"), RETRY),
        (),
    ],
    ids=["by the day", "nothing at all", "no delay named"],
)
def test_a_quota_that_no_waiting_refills_is_exhausted(details: tuple[dict[str, Any], ...]) -> None:
    failure = refusal(429, "RESOURCE_EXHAUSTED", PLAN, *details)
    assert type(failure) is QuotaExhausted
    assert failure.retry_after is None


def test_credits_that_are_used_up_are_about_money() -> None:
    failure = refusal(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")
    assert type(failure) is QuotaExhausted


def test_a_plan_that_is_missing_is_about_money_and_a_place_is_not() -> None:
    billing = refusal(400, "FAILED_PRECONDITION", "The free tier is not available. Please enable billing.")
    place = refusal(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")
    assert type(billing) is QuotaExhausted
    assert type(place) is UpstreamFailure


def test_a_prompt_that_is_too_long_has_the_code_for_it() -> None:
    message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    assert refusal(400, "INVALID_ARGUMENT", message).upstream_code == "context_length_exceeded"


# --- whether it is there ---------------------------------------------------------------------------------


def test_health_is_asked_for_free_with_the_model_list_and_the_key_in_a_header() -> None:
    request = adapter().health_request(key=KEY)
    assert (request.method, request.body) == ("GET", None)
    assert request.url == HOST + "/v1beta/models?pageSize=1000"
    assert request.headers["x-goog-api-key"] == KEY


def test_the_model_list_is_read_without_models_that_callers_cannot_reach() -> None:
    chats = ["generateContent", "countTokens"]
    listed = {
        "models": [
            {"name": "models/gemini-a", "supportedGenerationMethods": chats},
            {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/painter", "supportedGenerationMethods": ["predict", {}]},
            {"name": "tunedModels/mine", "supportedGenerationMethods": chats},
            3,
        ]
    }
    assert adapter().models(json.dumps(listed).encode()) == ("gemini-a", "embedding", "tunedModels/mine")
    assert adapter().models(b"") == ()
