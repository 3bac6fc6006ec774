"""Ollama's own dialect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import (
    AnswerInfo,
    ChatRequest,
    Chunk,
    Finish,
    FinishReason,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    ToolCall,
    Usage,
)
from cortex_actors.errors import InvalidRequest, ModelMissing, QuotaExhausted, UpstreamFailure
from cortex_actors.providers.ollama import OllamaAdapter
from tests.providers.reading import (
    EVERYTHING,
    HELLO,
    WEATHER,
    body_of,
    golden,
    read,
    reads_the_same_however_cut,
    recorded,
)

NDJSON = "application/x-ndjson"


def adapter(**options: Any) -> OllamaAdapter:
    return OllamaAdapter(name="ollama-local", base_url="http://localhost:11434", options=options)


def body(request: ChatRequest, **options: Any) -> Any:
    return body_of(adapter(**options).build_request(request, model="m", key=None))


def test_everything_that_ollama_can_be_told_reaches_the_wire() -> None:
    possible = replace(EVERYTHING, tool_choice="auto", parallel_tool_calls=None)
    assert body(possible) == golden("ollama")


def test_what_the_caller_did_not_say_is_not_sent() -> None:
    assert body(HELLO) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }


def test_the_request_goes_to_the_chat_api_without_a_key() -> None:
    request = adapter().build_request(HELLO, model="m", key=None)
    assert (request.method, request.url) == ("POST", "http://localhost:11434/api/chat")
    assert "Authorization" not in request.headers


def test_a_key_is_sent_where_there_is_one() -> None:
    request = adapter().build_request(HELLO, model="m", key="k")
    assert request.headers["Authorization"] == "Bearer k"


def test_configured_options_are_sent_and_the_caller_wins() -> None:
    sent = body(
        replace(HELLO, temperature=0.1),
        model_options={"num_ctx": 8192, "temperature": 1.0},
        keep_alive="10m",
        think=True,
    )
    assert sent["options"] == {"num_ctx": 8192, "temperature": 0.1}
    assert (sent["keep_alive"], sent["think"]) == ("10m", True)


def test_keep_alive_zero_is_sent() -> None:
    assert body(HELLO, keep_alive=0)["keep_alive"] == 0


def test_any_json_object_is_a_format_too() -> None:
    assert body(replace(HELLO, response_format=ResponseFormat("json_object")))["format"] == "json"


def test_tools_that_may_not_be_called_are_not_sent() -> None:
    assert "tools" not in body(replace(HELLO, tools=(WEATHER,), tool_choice="none"))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (replace(HELLO, tools=(WEATHER,), tool_choice="required"), "tool_choice"),
        (replace(HELLO, tools=(WEATHER,), tool_choice=NamedTool("weather")), "tool_choice"),
        (replace(HELLO, tools=(WEATHER,), parallel_tool_calls=False), "parallel_tool_calls"),
        (
            ChatRequest((Message("user", (TextPart("?"), ImagePart("https://h/cat.png"))),)),
            "messages[0].content[1].image_url.url",
        ),
        (
            ChatRequest((Message("assistant", tool_calls=(ToolCall("a", "f", "{"),)),)),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_ollama_cannot_carry_is_refused_by_its_field(request_: ChatRequest, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        adapter().build_request(request_, model="m", key=None)
    assert refused.value.field == field


def test_a_recorded_answer_is_read() -> None:
    reading = read(adapter(), recorded("ollama/tools.ndjson"), content_type=NDJSON)
    assert reading.events[:4] == (
        AnswerInfo(model="gemma3:4b"),
        Chunk(reasoning="Hm… "),
        Chunk(text="Grüße"),
        Chunk(text=" 🌍"),
    )
    assert reading.events[-2:] == (
        Usage(prompt_tokens=26, completion_tokens=298),
        Finish(FinishReason.TOOL_CALLS),
    )
    assert reading.state.finished
    assert reading.state.ended


def test_tool_calls_come_whole_with_ids_made_up_the_same_way_each_time() -> None:
    first = read(adapter(), recorded("ollama/tools.ndjson"), content_type=NDJSON).calls
    again = read(adapter(), recorded("ollama/tools.ndjson"), content_type=NDJSON).calls
    assert [(name, arguments) for _, name, arguments in first] == [
        ("weather", '{"city": "Zürich"}'),
        ("clock", "{}"),
    ]
    assert first == again
    assert len({id for id, _, _ in first}) == 2


@pytest.mark.parametrize("content_type", [NDJSON, "application/json", "text/plain", ""])
def test_a_stream_reads_the_same_however_it_is_cut(content_type: str) -> None:
    reads_the_same_however_cut(adapter(), recorded("ollama/tools.ndjson"), content_type)
    reads_the_same_however_cut(
        adapter(), recorded("ollama/tools.ndjson").replace(b"\n", b"\r\n"), content_type
    )


def test_the_last_line_may_lack_its_end() -> None:
    reading = read(adapter(), recorded("ollama/tools.ndjson").rstrip(b"\n"), content_type=NDJSON)
    assert reading.state.finished


def test_a_stream_without_done_is_not_finished() -> None:
    lines = recorded("ollama/tools.ndjson").splitlines(keepends=True)
    reading = read(adapter(), *lines[:-1], content_type=NDJSON)
    assert reading.text == "Grüße 🌍"
    assert not reading.state.finished


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('"done_reason":"stop",', FinishReason.STOP),
        ('"done_reason":"length",', FinishReason.LENGTH),
        ('"done_reason":"load",', FinishReason.STOP),
        ("", FinishReason.STOP),
    ],
)
def test_every_done_reason_has_its_meaning(said: str, meant: FinishReason) -> None:
    line = f'{{"model":"m",{said}"message":{{"content":"Hi"}},"done":true}}\n'.encode()
    assert read(adapter(), line, content_type=NDJSON).finish is meant


def test_the_count_of_a_cached_prompt_may_be_missing() -> None:
    line = b'{"done":true,"done_reason":"stop","eval_count":3}\n'
    assert read(adapter(), line, content_type=NDJSON).usage == Usage(completion_tokens=3)


@pytest.mark.parametrize("content_type", [NDJSON, "application/json"])
def test_an_error_line_is_a_value_and_never_text(content_type: str) -> None:
    body = b'{"message":{"content":"Hi"},"done":false}\n{"error":"llama runner process has terminated"}\n'
    reading = read(adapter(), body, content_type=content_type)
    assert reading.text == "Hi"
    assert isinstance(reading.failure, UpstreamFailure)
    assert reading.failure.details == "llama runner process has terminated"
    assert not reading.state.finished


def test_an_error_laid_out_over_many_lines_is_a_value_too() -> None:
    reading = read(adapter(), b'{\n  "error": "boom"\n}', content_type="application/json")
    assert [type(event) for event in reading.events] == [UpstreamFailure]


def test_a_bad_line_among_good_ones_is_skipped_and_counted() -> None:
    body = b'{"message":{"content":"a"}}\n{"mess\n{"message":{"content":"b"},"done":true}\n'
    reading = read(adapter(), body, content_type=NDJSON)
    assert (reading.text, reading.state.finished, reading.state.skipped) == ("ab", True, 1)


@pytest.mark.parametrize(
    "line",
    [b"7", b"[]", b'{"message":7}', b'{"message":{"content":7,"tool_calls":7}}', b'{"done":"yes"}'],
)
def test_a_line_of_an_odd_shape_says_nothing(line: bytes) -> None:
    reading = read(adapter(), line, content_type=NDJSON)
    assert reading.events == ()
    assert not reading.state.finished


@pytest.mark.parametrize(
    ("status", "kind"), [(404, ModelMissing), (402, QuotaExhausted), (500, UpstreamFailure)]
)
def test_refusals_are_classified_by_their_status(status: int, kind: type[Exception]) -> None:
    error = adapter().classify_failure(status, {}, b'{"error": "model \'x\' not found"}')
    assert type(error) is kind
    assert error.details == "model 'x' not found"


def test_the_health_probe_asks_for_the_local_models() -> None:
    request = adapter().health_request(key=None)
    assert (request.method, request.url) == ("GET", "http://localhost:11434/api/tags")


def test_the_model_list_is_read() -> None:
    assert adapter().models(b'{"models": [{"name": "gemma3:4b", "size": 1}, {"model": "x"}, {}]}') == (
        "gemma3:4b",
        "x",
    )
    assert adapter().models(b"nonsense") == ()


def test_ollama_says_what_it_is_good_at() -> None:
    words = ("chat_completion", "streaming", "local", "offline", "unlimited", "embeddings")
    assert adapter().capabilities == words
