"""The OpenAI-compatible dialect: what it sends, and what it makes of what servers send back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cortex_actors.chat import (
    AnswerInfo,
    Chunk,
    Finish,
    FinishReason,
    Message,
    TextPart,
    ToolCallDelta,
    Usage,
)
from cortex_actors.errors import InvalidRequest, KeyRejected, UpstreamFailure, UpstreamRateLimited
from cortex_actors.providers.openai_compatible import OpenAICompatibleAdapter
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    body_of,
    delta,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
    sse,
)


def adapter(base_url: str = "http://127.0.0.1:8000/v1", **options: object) -> OpenAICompatibleAdapter:
    return OpenAICompatibleAdapter(name="vllm", base_url=base_url, options=options)


def test_everything_a_caller_can_say_reaches_the_wire() -> None:
    request = adapter().build_request(EVERYTHING, model="m", key="k")
    assert body_of(request) == golden("openai_compatible")


def test_what_the_caller_did_not_say_is_not_sent() -> None:
    assert body_of(adapter().build_request(HELLO, model="m", key=None)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_zero_is_something_that_was_said() -> None:
    said = replace(HELLO, temperature=0.0, max_tokens=0, seed=0)
    body = body_of(adapter().build_request(said, model="m", key=None))
    assert (body["temperature"], body["max_tokens"], body["seed"]) == (0.0, 0, 0)


def test_the_key_is_in_a_header_and_nowhere_else() -> None:
    request = adapter().build_request(HELLO, model="m", key="sk-canary")
    assert request.headers["Authorization"] == "Bearer sk-canary"
    assert "sk-canary" not in request.url
    assert b"sk-canary" not in (request.body or b"")


def test_without_a_key_there_is_no_credential() -> None:
    assert "Authorization" not in adapter().build_request(HELLO, model="m", key=None).headers


def test_a_key_may_travel_in_another_header() -> None:
    request = adapter(key_header="api-key").build_request(HELLO, model="m", key="k")
    assert request.headers["api-key"] == "k"
    assert "Authorization" not in request.headers


def test_configured_headers_win_over_ours_but_not_over_the_key() -> None:
    given = {"accept": "text/plain", "authorization": "Bearer other", "X-Team": "a"}
    with_headers = OpenAICompatibleAdapter(name="x", base_url="http://h/v1", headers=given)
    headers = with_headers.build_request(HELLO, model="m", key="k").headers
    assert {name.lower(): value for name, value in headers.items()} == {
        "content-type": "application/json",
        "accept": "text/plain",
        "x-team": "a",
        "authorization": "Bearer k",
    }


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://h:8000/v1", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1/", "http://h:8000/v1/chat/completions"),
        ("http://h:8000", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1/chat/completions", "http://h:8000/v1/chat/completions"),
        ("https://h/openai/v1", "https://h/openai/v1/chat/completions"),
    ],
)
def test_a_base_url_may_be_written_in_the_usual_ways(base_url: str, url: str) -> None:
    assert adapter(base_url).build_request(HELLO, model="m", key=None).url == url


def test_a_chat_path_is_put_behind_the_base_url_as_it_is() -> None:
    request = adapter("https://h", chat_path="/chat?v=2").build_request(HELLO, model="m", key=None)
    assert request.url == "https://h/chat?v=2"


def test_asking_for_usage_can_be_turned_off() -> None:
    request = adapter(include_usage=False).build_request(EVERYTHING, model="m", key=None)
    assert "stream_options" not in body_of(request)


def test_the_field_of_the_token_limit_can_be_chosen() -> None:
    request = adapter(max_tokens_field="max_completion_tokens").build_request(EVERYTHING, model="m", key=None)
    assert body_of(request)["max_completion_tokens"] == 64
    assert "max_tokens" not in body_of(request)


def test_configured_body_fields_are_sent_and_the_caller_wins() -> None:
    configured = adapter(body={"temperature": 1.0, "top_k": 40, "model": "other", "stream": False})
    body = body_of(configured.build_request(replace(HELLO, temperature=0.1), model="m", key=None))
    assert (body["temperature"], body["top_k"], body["model"], body["stream"]) == (0.1, 40, "m", True)


def test_a_developer_message_keeps_its_role_where_that_exists() -> None:
    body = body_of(adapter(developer_role=True).build_request(EVERYTHING, model="m", key=None))
    assert body["messages"][1]["role"] == "developer"


def test_half_a_surrogate_pair_does_not_stop_a_request() -> None:
    said = replace(HELLO, messages=(Message("user", (TextPart("a\ud83d!"),)),))
    assert body_of(adapter().build_request(said, model="m", key=None))["messages"][0]["content"] == "a?!"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(InvalidRequest):
        adapter().build_request(replace(HELLO, temperature=number), model="m", key=None)


def test_several_answers_to_one_request_are_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        adapter().build_request(replace(HELLO, extra={"n": 2}), model="m", key=None)
    assert refused.value.field == "n"


def test_a_recorded_answer_is_read() -> None:
    reading = read(adapter(), recorded("openai/text.sse"))
    assert reading.events == (
        AnswerInfo(model="gpt-4o-mini-2024-07-18", upstream_id="chatcmpl-BxT1"),
        Chunk(text="¡Hola"),
        Chunk(text=", niño 👋"),
        Finish(FinishReason.STOP),
        Usage(prompt_tokens=9, completion_tokens=5, cached_tokens=4, reasoning_tokens=0),
    )
    assert reading.state.finished
    assert reading.state.ended


def test_recorded_tool_calls_are_put_together() -> None:
    reading = read(adapter(), recorded("openai/tools.sse"))
    assert reading.calls == [("call_a", "weather", '{"city": "Málaga"}'), ("call_b", "clock", "{}")]
    assert reading.finish is FinishReason.TOOL_CALLS
    assert reading.state.saw_tool_calls


@pytest.mark.parametrize("name", ["openai/text.sse", "openai/tools.sse"])
def test_a_stream_reads_the_same_however_it_is_cut(name: str) -> None:
    reads_the_same_however_cut(adapter(), recorded(name))
    reads_the_same_however_cut(adapter(), recorded(name).replace(b"\n", b"\r\n"))


def test_an_answer_without_done_is_whole() -> None:
    reading = read(adapter(), sse(delta(content="Hi"), delta("stop")))
    assert reading.state.finished
    assert not reading.state.ended


def test_nothing_need_be_read_after_the_counts_that_follow_the_end() -> None:
    counts = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    assert read(adapter(), sse(delta(content="Hi"), delta("stop"), counts)).state.ended


@pytest.mark.parametrize(
    "body",
    [
        sse(delta(content="Hi")),
        sse(delta(content="Hi"), "[DONE]"),
        sse(delta(content="Hi"), {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
        sse("[DONE]"),
        b"",
        b": only a comment\n\n",
        sse(delta(content="Hi"), delta("stop")).removesuffix(b"\n"),
    ],
    ids=["cut", "done alone", "counts alone", "only done", "nothing", "comment", "unfinished event"],
)
def test_without_a_finish_reason_an_answer_is_not_finished(body: bytes) -> None:
    reading = read(adapter(), body)
    assert not reading.state.finished
    assert not reading.state.ended
    assert reading.finish is None


def test_zero_deltas_and_a_clean_end_are_reported_as_they_are() -> None:
    reading = read(adapter(), sse(delta(role="assistant", content=""), delta("stop"), "[DONE]"))
    assert reading.events == (Finish(FinishReason.STOP),)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("something_new", FinishReason.STOP),
    ],
)
def test_every_finish_reason_has_its_meaning(said: str, meant: FinishReason) -> None:
    assert read(adapter(), sse(delta(said))).finish is meant


@pytest.mark.parametrize("not_yet", [None, "", "null"])
def test_some_finish_reasons_are_none(not_yet: str | None) -> None:
    assert not read(adapter(), sse(delta(not_yet, content="Hi"))).state.finished


def test_finish_reason_error_is_a_failure_behind_the_text() -> None:
    reading = read(adapter(), sse(delta("error", content="Hi")))
    assert isinstance(reading.events[0], Chunk)
    assert isinstance(reading.failure, UpstreamFailure)
    assert not reading.state.finished


def test_an_answer_ends_once_however_often_it_says_so() -> None:
    assert read(adapter(), sse(delta("stop"), delta("length"))).finish is FinishReason.STOP


@pytest.mark.parametrize(
    "counts",
    [
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        {"choices": None, "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        {"usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        {
            "choices": [],
            "usage": {"prompt_tokens": 9.0, "completion_tokens": 2, "prompt_tokens_details": None},
        },
    ],
)
def test_a_usage_chunk_may_have_any_kind_of_no_choices(counts: dict[str, object]) -> None:
    reading = read(adapter(), sse(delta(content="Hi"), delta("stop"), counts))
    assert reading.usage == Usage(prompt_tokens=9, completion_tokens=2)
    assert reading.failure is None


@pytest.mark.parametrize("usage", [None, {}, [], "9", {"total_tokens": 11}, {"prompt_tokens": -1}])
def test_usage_that_counts_nothing_is_none(usage: object) -> None:
    assert read(adapter(), sse({**delta("stop"), "usage": usage})).usage is None


@pytest.mark.parametrize(
    ("fields", "text", "reasoning"),
    [
        ({"role": "assistant", "content": "Hi"}, "Hi", ""),
        ({"content": None}, "", ""),
        ({"content": None, "reasoning_content": "Hm"}, "", "Hm"),
        ({"content": "", "reasoning": "Hm"}, "", "Hm"),
        ({"reasoning": "Hm", "reasoning_content": "Hm"}, "", "Hm"),
        ({"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]}, "Hi", ""),
        ({"content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}]}, "Hi", "Hm"),
        ({"content": [{"type": "reference", "reference_ids": [1]}, None, "x"]}, "", ""),
        ({"content": 7, "reasoning": {"x": 1}, "tool_calls": "no"}, "", ""),
        ({"refusal": "I will not."}, "I will not.", ""),
    ],
)
def test_deltas_are_read_in_all_their_shapes(fields: dict[str, object], text: str, reasoning: str) -> None:
    reading = read(adapter(), sse(delta(**fields)))  # type: ignore[arg-type]
    assert (reading.text, reading.reasoning) == (text, reasoning)


def test_text_of_the_model_is_never_interpreted() -> None:
    words = ['{"content": "x"}', "[DONE]", "data: y", "\x00\x07", "\n\n", "Error: no"]
    assert read(adapter(), sse(*(delta(content=word) for word in words))).text == "".join(words)


def test_only_the_first_choice_is_read() -> None:
    two = {"choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]}
    assert read(adapter(), sse(two)).text == "A"


def test_a_message_beside_a_delta_is_a_repetition() -> None:
    both = {"choices": [{"index": 0, "delta": {"content": "i"}, "message": {"content": "Hi"}}]}
    assert read(adapter(), sse(both)).text == "i"


def test_the_answer_is_described_once() -> None:
    named = {**delta(content="a"), "id": "x", "model": "m"}
    infos = [event for event in read(adapter(), sse(named, named)).events if isinstance(event, AnswerInfo)]
    assert infos == [AnswerInfo(model="m", upstream_id="x")]


@pytest.mark.parametrize(
    "body",
    [
        b'data:{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata:[DONE]\n\n',
        b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n',
        b': keep-alive\n\ndata: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n:\n\n',
        b'\xef\xbb\xbfdata: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n',
        (
            b'event: message\nid: 1\ndata: {"choices":[{"delta":{"content":"Hi"},\n'
            b'data: "finish_reason":"stop"}]}\n\n'
        ),
        b'{"choices":[{"delta":{"content":"Hi"}}]}\n{"choices":[{"delta":{},"finish_reason":"stop"}]}\n[DONE]\n',
        b'{"choices":[{"delta":{"content":"Hi"}}]}\n{"choices":[{"delta":{},"finish_reason":"stop"}]}',
    ],
    ids=["no space", "CRLF", "comments", "BOM", "several fields", "NDJSON", "NDJSON without a last line end"],
)
@pytest.mark.parametrize("content_type", ["text/event-stream; charset=utf-8", "application/json", ""])
def test_framing_may_be_any_of_the_usual_ones_under_any_content_type(body: bytes, content_type: str) -> None:
    reading = read(adapter(), body, content_type=content_type)
    assert (reading.text, reading.state.finished, reading.state.skipped) == ("Hi", True, 0)
    reads_the_same_however_cut(adapter(), body, content_type)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
def test_a_server_that_ignores_stream_is_understood(indent: int | None, content_type: str) -> None:
    whole = {
        "id": "c-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hi 👋",
                    "tool_calls": [
                        {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    body = json.dumps(whole, indent=indent).encode()
    reading = read(adapter(), body, content_type=content_type)
    assert reading.events == (
        AnswerInfo(model="m", upstream_id="c-1"),
        Chunk(text="Hi 👋", tool_calls=(ToolCallDelta(0, "t", "f", "{}"),)),
        Usage(prompt_tokens=1, completion_tokens=2),
        Finish(FinishReason.STOP),
    )
    assert reading.state.finished
    reads_the_same_however_cut(adapter(), body, content_type)


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}},
        {"object": "error", "message": "Slow down", "code": 429},
        [{"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}],
        {
            "error": {"message": "Slow down", "code": 429},
            "choices": [{"finish_reason": "error", "delta": {}}],
        },
    ],
)
def test_an_error_inside_a_stream_is_a_value(error: object) -> None:
    reading = read(adapter(), sse(delta(content="Hi"), error))
    assert isinstance(reading.failure, UpstreamRateLimited)
    assert reading.failure.details == "Slow down"
    assert reading.failure.provider == "vllm"
    assert not reading.state.finished


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_error_body_after_a_200_is_a_value(indent: int | None) -> None:
    body = json.dumps({"error": {"message": "No such thing", "type": "server_error"}}, indent=indent).encode()
    reading = read(adapter(), body, content_type="application/json")
    assert [type(event) for event in reading.events] == [UpstreamFailure]
    assert reading.failure is not None
    assert reading.failure.details == "No such thing"


@pytest.mark.parametrize("data", ['{"message": "Broken"}', "Broken", '"Broken"'])
def test_an_event_named_error_is_an_error_whatever_is_in_it(data: str) -> None:
    reading = read(adapter(), f"event: error\ndata: {data}\n\n".encode())
    assert reading.failure is not None
    assert reading.failure.details == "Broken"


def test_a_null_error_beside_a_good_delta_is_no_error() -> None:
    assert read(adapter(), sse({**delta(content="Hi"), "error": None})).text == "Hi"


@pytest.mark.parametrize("bad", ['{"choices": [', "what?", "7", "null", "[" * 5000, "[]"])
def test_a_bad_event_among_good_ones_is_skipped_and_counted(bad: str) -> None:
    reading = read(adapter(), sse(delta(content="a"), bad, delta(content="b"), delta("stop"), "[DONE]"))
    assert (reading.text, reading.state.finished, reading.state.skipped) == ("ab", True, 1)


def test_a_bad_line_among_good_ones_is_skipped_and_counted() -> None:
    body = b'{"choices":[{"delta":{"content":"a"}}]}\n{"choi\n{"choices":[{"delta":{"content":"b"}}]}\n'
    reading = read(adapter(), body, content_type="application/x-ndjson")
    assert (reading.text, reading.state.skipped) == ("ab", 1)


@pytest.mark.parametrize(
    "odd", [{}, {"choices": {}}, {"choices": [None]}, {"choices": [{"delta": []}]}, {"id": 7}]
)
def test_an_event_of_an_odd_shape_says_nothing(odd: object) -> None:
    assert read(adapter(), sse(odd)).events == ()


def test_a_refusal_is_classified_under_the_name_of_the_provider() -> None:
    error = adapter().classify_failure(401, {}, b'{"error": {"message": "bad key sk-canary123"}}')
    assert isinstance(error, KeyRejected)
    assert error.provider == "vllm"
    assert "sk-canary" not in str(error)


def test_the_health_probe_asks_for_the_model_list() -> None:
    request = adapter().health_request(key="k")
    assert request is not None
    assert (request.method, request.url, request.body) == ("GET", "http://127.0.0.1:8000/v1/models", None)
    assert request.headers["Authorization"] == "Bearer k"


def test_a_provider_without_a_model_list_has_no_health_probe() -> None:
    assert adapter(models_path="").health_request(key=None) is None


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}', ("a", "b")),
        (b'[{"id": "a"}]', ("a",)),
        (b'{"models": [{"name": "a"}]}', ("a",)),
        (b'{"data": [null, {"id": 7}, {}]}', ()),
        (b"<html>", ()),
        (b"", ()),
    ],
)
def test_model_lists_are_read_in_their_usual_shapes(body: bytes, names: tuple[str, ...]) -> None:
    assert adapter().models(body) == names
