"""Chunks of a stream, as OpenAI's clients read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cortex_actors.chat import (
    AnswerEvent,
    AnswerInfo,
    Chunk,
    Finish,
    FinishReason,
    Recovered,
    ThoughtSeal,
    ToolCallDelta,
    Usage,
)
from cortex_actors.errors import TruncatedStream
from cortex_actors.web.framing import Framing
from cortex_actors.web.openai.framing import CompletionFraming
from tests.web.gateway_double import COMPLETE, StreamDouble

HEAD = {
    "id": "chatcmpl-5f2b",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "llama-3.1-8b",
}


def started(*, include_usage: bool = False) -> tuple[CompletionFraming, bytes]:
    framing = CompletionFraming(include_usage=include_usage, created=1)
    return framing, framing.start(StreamDouble("r1", (), COMPLETE).stream)


def objects(data: bytes) -> list[Any]:
    """The payloads of a stream; `[DONE]` as it is."""
    frames = data.decode().split("\n\n")
    assert frames.pop() == ""
    texts = [frame.removeprefix("data: ") for frame in frames]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def deltas(*events: AnswerEvent) -> list[Any]:
    framing, _ = started()
    return [chunk["choices"][0]["delta"] for chunk in objects(framing.batch(events))]


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**HEAD, "choices": [choice], **more}


def test_a_seam_is_a_comment() -> None:
    framing, _ = started()

    data = framing.batch((Recovered("spare", "small", 18, 3), Chunk(text="x"))).decode()

    assert data.startswith(": recovered provider=spare offset=18\n\ndata: {")


def test_the_role_comes_first() -> None:
    _, data = started()

    assert objects(data) == [chunk({"role": "assistant", "content": ""})]


def test_text_is_content_in_a_chunk_of_its_own() -> None:
    framing, _ = started()

    assert objects(framing.batch((Chunk("Hé\n"), Chunk('"'), Chunk()))) == [
        chunk({"content": "Hé\n"}),
        chunk({"content": '"'}),
    ]


def test_reasoning_is_apart_from_content() -> None:
    assert deltas(Chunk(reasoning="hm"), Chunk("a", "b")) == [
        {"reasoning_content": "hm"},
        {"reasoning_content": "b", "content": "a"},
    ]


def test_a_tool_call_is_named_in_its_first_fragment_alone() -> None:
    fragments = (ToolCallDelta(0, "c1", "weather", ""), ToolCallDelta(0, arguments='{"a":1}'))

    assert deltas(
        Chunk(tool_calls=fragments), Chunk(tool_calls=(ToolCallDelta(1, None, "clock", "{}"),))
    ) == [
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": ""},
                },
                {"index": 0, "function": {"arguments": '{"a":1}'}},
            ]
        },
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "clock", "arguments": "{}"},
                }
            ]
        },
    ]


def test_logprobs_stand_beside_their_text() -> None:
    framing, _ = started()
    logprobs = {"content": [{"token": "a", "logprob": -0.5}]}

    (payload,) = objects(framing.batch((Chunk("a", logprobs=logprobs),)))

    assert payload["choices"][0]["logprobs"] == logprobs


def test_what_is_not_said_to_callers_makes_no_chunk() -> None:
    assert deltas(AnswerInfo(model="m"), Usage(1, 1), Finish(FinishReason.STOP), ThoughtSeal("s")) == []


def test_a_whole_answer_ends_with_its_reason_and_the_mark() -> None:
    framing, _ = started()

    assert objects(framing.end(COMPLETE)) == [chunk({}, "stop"), "[DONE]"]


def test_usage_is_a_chunk_without_choices_before_the_mark_and_null_before_that() -> None:
    framing, start = started(include_usage=True)
    counted = replace(COMPLETE, usage=Usage(7, 2, cached_tokens=4, reasoning_tokens=1))
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "total_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }

    assert objects(start + framing.batch((Chunk("a"),)) + framing.end(counted)) == [
        chunk({"role": "assistant", "content": ""}, usage=None),
        chunk({"content": "a"}, usage=None),
        chunk({}, "stop", usage=None),
        {**HEAD, "choices": [], "usage": usage},
        "[DONE]",
    ]


def test_usage_that_nobody_counted_is_not_made_up() -> None:
    framing, _ = started(include_usage=True)

    assert objects(framing.end(replace(COMPLETE, usage=None))) == [chunk({}, "stop", usage=None), "[DONE]"]


def test_an_answer_that_calls_tools_ends_for_them_even_if_its_provider_says_stop() -> None:
    framing, _ = started()
    framing.batch((Chunk(tool_calls=(ToolCallDelta(0, "c1", "f", "{}"),)),))

    assert objects(framing.end(COMPLETE))[0]["choices"][0]["finish_reason"] == "tool_calls"
    assert (
        objects(framing.end(replace(COMPLETE, finish=FinishReason.LENGTH)))[0]["choices"][0]["finish_reason"]
        == "length"
    )


def test_a_failure_is_one_error_and_no_mark() -> None:
    framing, _ = started()

    told = framing.error(TruncatedStream("Cut short.", provider="p"), {"error": "never read"})

    assert told is not None
    assert objects(told) == [
        {
            "error": {
                "message": "Cut short.",
                "type": "upstream_error",
                "param": None,
                "code": "truncated_stream",
            }
        }
    ]


def test_a_tick_is_a_comment() -> None:
    framing, _ = started()

    assert framing.tick() == b": keep-alive\n\n"


def test_it_is_a_framing_like_any_other() -> None:
    framing: Framing = CompletionFraming()
    events: Sequence[AnswerEvent] = ()

    assert framing.content_type.startswith("text/event-stream")
    assert framing.batch(events) == b""
