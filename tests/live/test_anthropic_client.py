"""The `anthropic` package, unmodified, with nothing changed but its base URL, in front of every dialect."""

from __future__ import annotations

import asyncio
import base64
import re
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, APIStatusError, AsyncAnthropic
from anthropic.types import Message

from tests.live.daemon import Daemon
from tests.live.settings_file import provider, settings
from tests.upstream import Answer as Script
from tests.upstream import (
    Gate,
    Hang,
    Reset,
    ScriptedUpstream,
    Stream,
    json_answer,
    openai_stream,
    sse_stream,
)
from tests.upstream.dialects import DIALECTS, Call, Dialect, Said

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
HELLO = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": name, "description": f"The {name}.", "input_schema": PLACE} for name in ("weather", "time")]
CALLS = (
    Call("weather", {"city": "Zürich", "days": [1, 2]}, "call000001"),
    Call("time", {"city": "Bern"}, "call000002"),
)


@pytest.fixture(scope="module")
def configured(upstream: ScriptedUpstream) -> str:
    """One provider of each type that this file asks, named after it, all behind the same upstream."""
    return settings(
        *(provider(type, upstream.url, type) for type in DIALECTS),
        provider("hasty", upstream.url, limits={"connect": 0.2, "first_token": 0.4, "idle": 0.4}),
        server={"heartbeat": 0.2},
    )


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return {
        f"{type.upper()}_API_KEYS": "key" for type in DIALECTS if type not in ("ollama", "openai_compatible")
    }


@pytest.fixture(params=DIALECTS.values(), ids=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Who answers."""
    asked: Dialect = request.param
    return asked


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=f"http://127.0.0.1:{daemon.port}", api_key="sk-any", max_retries=0, timeout=20.0
    ) as client:
        yield client


@pytest.fixture(params=["whole", "stream"])
def ask(request: pytest.FixtureRequest, client: Anthropic) -> Any:
    """Asks for a message in both ways, which must not make a difference."""

    def whole(**fields: Any) -> Message:
        return client.messages.create(**{**HELLO, **fields})

    def streamed(**fields: Any) -> Message:
        with client.messages.stream(**{**HELLO, **fields}) as stream:
            return stream.get_final_message()

    return whole if request.param == "whole" else streamed


def test_a_message_is_the_same_whole_and_streamed(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("Año", " 新年", " 🎉"), usage=(9, 3))))

    message = ask(model=f"{dialect.type}/{model}")

    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Año 新年 🎉"}]
    assert (message.role, message.stop_reason, message.stop_sequence) == ("assistant", "end_turn", None)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (9, 3)
    assert message.id.startswith("msg_")


def test_words_arrive_one_by_one(
    client: Anthropic, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    gate = threading.Event()
    answer = dialect.answer(Said(("Ho", "la")))
    second = next(number for number, event in enumerate(answer.events) if b'"la"' in event)
    dialect.script(upstream, model, answer.pause(second, Gate(gate)))

    with client.messages.stream(model=f"{dialect.type}/{model}", **HELLO) as stream:
        words = stream.text_stream
        assert next(words) == "Ho"
        gate.set()
        assert list(words) == ["la"]


def test_the_events_of_a_stream_come_in_their_order(
    client: Anthropic, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("Ho", "la"), CALLS)))

    stream = client.messages.create(model=f"{dialect.type}/{model}", stream=True, **HELLO)
    events = list(stream)

    places = [(event.type, getattr(event, "index", None)) for event in events]
    assert list(dict.fromkeys(places)) == [
        ("message_start", None),
        *((f"content_block_{step}", index) for index in range(3) for step in ("start", "delta", "stop")),
        ("message_delta", None),
        ("message_stop", None),
    ]


def test_two_tool_calls_and_their_results_are_the_same_everywhere(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    first, last = Said(("Let me see.",), CALLS), Said(("Sunny, noon.",))
    dialect.script(upstream, model, dialect.answer(first), dialect.answer(last))
    asked = {"model": f"{dialect.type}/{model}", "system": "Be brief.", "tools": TOOLS}
    question = {"role": "user", "content": "Weather and time?"}

    message = ask(messages=[question], **asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": content}
        for call, content in zip(calls, ("sunny", "noon"), strict=True)
    ]
    turns = [
        question,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results},
    ]
    answer = ask(messages=turns, **asked)

    assert message.stop_reason == "tool_use"
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert [(call.name, call.input) for call in calls] == [(call.name, call.arguments) for call in CALLS]
    assert len({call.id for call in calls}) == 2
    assert answer.content[0].text == "Sunny, noon."
    _, request = dialect.requests(upstream, model)
    assert dialect.heard(request.json) == [
        ("system", "Be brief."),
        ("user", "Weather and time?"),
        ("assistant", "Let me see."),
        *(("call", call.name, call.arguments) for call in CALLS),
        ("result", "weather", "sunny"),
        ("result", "time", "noon"),
    ]


def test_an_image_reaches_whoever_answers(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("A pixel.",))))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    question = [{"type": "text", "text": "What is this?"}, image]

    ask(model=f"{dialect.type}/{model}", messages=[{"role": "user", "content": question}])

    (request,) = dialect.requests(upstream, model)
    assert dialect.heard(request.json) == [("user", "What is this?"), ("image", PIXEL)]


def test_thinking_comes_with_its_signature_and_goes_back_with_it(
    ask: Any, upstream: ScriptedUpstream, model: str
) -> None:
    thoughts = Stream(
        tuple(
            f"data: {event}\n\n".encode()
            for event in (
                '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}',
                '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}',
                '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s1"}}',
                '{"type":"content_block_stop","index":0}',
                '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"4"}}',
                '{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"}}',
                '{"type":"message_stop"}',
            )
        ),
        "text/event-stream",
    )
    DIALECTS["anthropic"].script(upstream, model, thoughts)
    asked = {"model": f"anthropic/{model}", "thinking": {"type": "adaptive"}, "stop_sequences": ["END"]}

    message = ask(**asked)
    ask(messages=[*HELLO["messages"], {"role": "assistant", "content": message.content}], **asked)

    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s1"}
    assert message.content[0].to_dict() == thought
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
    _, request = DIALECTS["anthropic"].requests(upstream, model)
    assert request.json["thinking"] == {"type": "adaptive"}
    assert request.json["messages"][1]["content"] == [thought, {"type": "text", "text": "4"}]


def test_what_a_provider_is_not_told_is_in_a_header(
    client: Anthropic, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, dialect.answer(Said(("4",))))

    answer = client.messages.with_raw_response.create(
        model=f"{dialect.type}/{model}",
        thinking={"type": "adaptive"},
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        **HELLO,
    )

    told = [] if dialect.type == "anthropic" else ["thinking", "cache_control"]
    assert answer.headers.get("x-cortex-dropped", "") == ", ".join(told)
    assert answer.headers["x-cortex-provider"] == dialect.type
    assert answer.parse()._request_id == answer.headers["x-request-id"]


LATER = {"Retry-After": "60"}
ERROR = {"error": {"message": "The engine fell over.", "type": "server_error", "code": None}}

#: What happens upstream, and what the package makes of our answer.
FAILURES: tuple[tuple[str, Script, type[APIStatusError], str], ...] = (
    ("400", json_answer(400), anthropic.BadRequestError, "invalid_request_error"),
    ("401", json_answer(401), anthropic.InternalServerError, "api_error"),
    ("402", json_answer(402), anthropic.InternalServerError, "api_error"),
    ("404", json_answer(404), anthropic.NotFoundError, "not_found_error"),
    ("413", json_answer(413), APIStatusError, "request_too_large"),
    ("422", json_answer(422), anthropic.UnprocessableEntityError, "invalid_request_error"),
    (
        "429",
        json_answer(429, headers={"Retry-After": "60"}),
        anthropic.InternalServerError,
        "overloaded_error",
    ),
    ("500", json_answer(500), anthropic.InternalServerError, "api_error"),
    (
        "529",
        json_answer(529, headers={"Retry-After": "60"}),
        anthropic.InternalServerError,
        "overloaded_error",
    ),
    ("reset", [Reset()], anthropic.InternalServerError, "api_error"),
    ("cut", openai_stream(["Ho"]).cut(0), anthropic.InternalServerError, "api_error"),
    ("nothing", openai_stream([]), anthropic.InternalServerError, "api_error"),
    ("an error instead of words", sse_stream(ERROR), anthropic.InternalServerError, "api_error"),
    ("an error in a good status", json_answer(200, ERROR), anthropic.InternalServerError, "api_error"),
    ("no JSON", sse_stream("<html>"), anthropic.InternalServerError, "api_error"),
)


@pytest.mark.parametrize(
    ("script", "error", "word"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failure_is_the_exception_that_the_package_has_for_it(
    ask: Any, upstream: ScriptedUpstream, model: str, script: Script, error: type[APIStatusError], word: str
) -> None:
    upstream.on_model(model, script)

    with pytest.raises(error) as caught:
        ask(model=f"openai_compatible/{model}")

    assert caught.value.body["error"]["type"] == word
    assert caught.value.request_id


def test_an_overload_says_when_to_come_back(
    client: Anthropic, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, json_answer(429, headers=LATER))

    with pytest.raises(APIStatusError) as caught:
        client.messages.create(model=f"openai_compatible/{model}", **HELLO)

    assert caught.value.status_code == 503
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60
    assert caught.value.response.headers["x-cortex-provider"] == "openai_compatible"


def test_a_silent_provider_is_a_timeout(ask: Any, upstream: ScriptedUpstream, model: str) -> None:
    upstream.on_model(model, [Hang()])

    with pytest.raises(anthropic.InternalServerError) as caught:
        ask(model=f"hasty/{model}")

    assert caught.value.status_code == 504
    assert caught.value.body["error"]["type"] == "timeout_error"
    assert caught.value.body["error"]["details"]["error_code"] == "first_token_timeout"


def test_a_refusal_of_the_request_itself_is_told_by_every_dialect(
    ask: Any, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    dialect.script(upstream, model, json_answer(400, dict(dialect.refusal)))

    with pytest.raises(anthropic.BadRequestError, match=r"No\."):
        ask(model=f"{dialect.type}/{model}")


def test_a_model_that_nobody_has_is_not_found(ask: Any) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(model="nobody/nothing")

    assert caught.value.body["error"]["type"] == "not_found_error"


def test_a_mistake_is_a_bad_request_that_names_the_field(ask: Any) -> None:
    with pytest.raises(anthropic.BadRequestError, match=re.escape("messages[0].content[0].type")):
        ask(model="any", messages=[{"role": "user", "content": [{"type": "document", "source": {}}]}])


def test_what_a_provider_cannot_be_told_names_the_field_of_the_caller(ask: Any, model: str) -> None:
    choice = {"type": "any", "disable_parallel_tool_use": True}
    with pytest.raises(anthropic.BadRequestError, match="tool_choice"):
        ask(model=f"ollama/{model}", tools=TOOLS, tool_choice=choice)


def test_a_failure_in_mid_stream_raises_after_the_words_that_came(
    client: Anthropic, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    answer = dialect.answer(Said(("Ho", "la")))
    second = next(number for number, event in enumerate(answer.events) if b'"la"' in event)
    dialect.script(upstream, model, answer.cut(sum(map(len, answer.events[:second]))))
    words: list[str] = []

    with (
        pytest.raises(APIStatusError) as caught,
        client.messages.stream(model=f"{dialect.type}/{model}", **HELLO) as stream,
    ):
        words.extend(stream.text_stream)

    assert words == ["Ho"]
    assert caught.value.body["error"]["details"]["error_code"] == "truncated_stream"


def test_a_stall_in_mid_stream_is_a_timeout(
    client: Anthropic, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Hang()))

    with (
        pytest.raises(APIStatusError) as caught,
        client.messages.stream(model=f"hasty/{model}", **HELLO) as stream,
    ):
        stream.until_done()

    assert caught.value.body["error"]["type"] == "timeout_error"


def test_half_an_answer_is_an_exception_where_a_whole_one_was_asked_for(
    client: Anthropic, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"], finish=None, done=False))

    with pytest.raises(anthropic.InternalServerError):
        client.messages.create(model=f"openai_compatible/{model}", **HELLO)


def test_pings_through_a_long_silence_disturb_nobody(
    client: Anthropic, upstream: ScriptedUpstream, model: str
) -> None:
    gate = threading.Event()
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Gate(gate)))

    with client.messages.with_streaming_response.create(
        model=f"openai_compatible/{model}", stream=True, **HELLO
    ) as answer:
        lines = answer.iter_lines()
        assert any(line == "event: ping" for line in lines)
        gate.set()
        assert "event: message_stop" in list(lines)


def test_a_caller_that_leaves_a_stream_frees_the_upstream(
    client: Anthropic, upstream: ScriptedUpstream, dialect: Dialect, model: str
) -> None:
    answer = dialect.answer(Said(("Ho", "la")))
    second = next(number for number, event in enumerate(answer.events) if b'"la"' in event)
    dialect.script(upstream, model, answer.pause(second, Hang()))

    with client.messages.stream(model=f"{dialect.type}/{model}", **HELLO) as stream:
        assert next(stream.text_stream) == "Ho"

    (request,) = dialect.requests(upstream, model)
    assert request.closed.wait(2)


def test_a_caller_that_gives_up_on_a_whole_answer_frees_the_upstream(
    client: Anthropic, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]).pause(1, Hang()))

    with pytest.raises(anthropic.APITimeoutError):
        client.messages.create(model=f"openai_compatible/{model}", timeout=0.5, **HELLO)

    (request,) = DIALECTS["openai_compatible"].requests(upstream, model)
    assert request.closed.wait(2)


def test_the_asynchronous_client_streams_as_well(
    daemon: Daemon, upstream: ScriptedUpstream, model: str
) -> None:
    upstream.on_model(model, openai_stream(["Ho", "la"]))

    async def words() -> list[str]:
        async with (
            AsyncAnthropic(
                base_url=f"http://127.0.0.1:{daemon.port}", api_key="sk-any", max_retries=0
            ) as client,
            client.messages.stream(model=f"openai_compatible/{model}", **HELLO) as stream,
        ):
            return [word async for word in stream.text_stream]

    assert asyncio.run(words()) == ["Ho", "la"]


def test_tokens_are_not_counted(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model="any", messages=HELLO["messages"])
