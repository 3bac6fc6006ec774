"""The framing of a Messages stream: named events in the order that clients of Anthropic rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cortex_actors.chat import (
    AnswerEvent,
    Chunk,
    Finish,
    FinishReason,
    Recovered,
    ThoughtSeal,
    ToolCallDelta,
    Usage,
)
from cortex_actors.errors import TruncatedStream, UpstreamTimeout
from cortex_actors.web.anthropic.framing import MessagesFraming
from tests.web.gateway_double import COMPLETE, StreamDouble

STREAM = StreamDouble("r1", (), COMPLETE).stream


def frames(data: bytes) -> list[dict[str, Any]]:
    """The payloads, each of which names itself as its event does."""
    payloads = []
    for block in data.decode().split("\n\n")[:-1]:
        kind, payload = block.split("\n")
        payloads.append(json.loads(payload.removeprefix("data: ")))
        assert kind == f"event: {payloads[-1]['type']}"
    return payloads


def written(*batches: tuple[AnswerEvent, ...]) -> list[dict[str, Any]]:
    """A whole answer."""
    framing = MessagesFraming()
    return frames(framing.start(STREAM) + b"".join(map(framing.batch, batches)) + framing.end(COMPLETE))


def kinds(payloads: list[dict[str, Any]]) -> list[str]:
    return [payload["type"].removeprefix("content_block_") for payload in payloads]


def test_a_seam_is_a_comment_inside_of_its_block() -> None:
    framing = MessagesFraming()
    framing.start(STREAM)
    framing.batch((Chunk(text="Ho"),))

    data = framing.batch((Recovered("spare", "small", 18, 3), Chunk(text="la"))).decode()

    assert data.startswith(": recovered provider=spare offset=18\n\nevent: content_block_delta\n")


def test_an_answer_is_a_message_with_its_blocks() -> None:
    payloads = written((Chunk(text="Ho"), Chunk(text="la")), (Usage(7, 2), Finish(FinishReason.STOP)))

    assert kinds(payloads) == [
        "message_start",
        "start",
        "delta",
        "delta",
        "stop",
        "message_delta",
        "message_stop",
    ]
    assert payloads[0]["message"] == {
        "id": "msg_5f2b",
        "type": "message",
        "role": "assistant",
        "model": "llama-3.1-8b",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    assert payloads[2]["delta"] == {"type": "text_delta", "text": "Ho"}
    assert payloads[3] == {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "la"},
    }
    assert payloads[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }


def test_tokens_that_are_counted_before_the_first_word_are_told_with_the_start() -> None:
    payloads = written((Usage(7, 1), Chunk(text="Hola")))

    assert payloads[0]["message"]["usage"] == {"input_tokens": 7, "output_tokens": 1}


def test_blocks_of_every_kind_are_numbered_in_their_order() -> None:
    payloads = written(
        (Chunk(reasoning="Hm."), ThoughtSeal("s")),
        (Chunk(text="Let me see."),),
        (Chunk(tool_calls=(ToolCallDelta(0, "c0", "f", "{}"), ToolCallDelta(1, "c1", "g", '{"a":1}'))),),
        (Finish(FinishReason.TOOL_CALLS),),
    )

    starts = [payload for payload in payloads if payload["type"] == "content_block_start"]
    assert [(start["index"], start["content_block"]["type"]) for start in starts] == [
        (0, "thinking"),
        (1, "text"),
        (2, "tool_use"),
        (3, "tool_use"),
    ]
    assert payloads[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_tick_is_a_ping() -> None:
    assert frames(MessagesFraming().tick()) == [{"type": "ping"}]


def test_a_failure_is_one_error_and_no_stop() -> None:
    framing = MessagesFraming()
    framing.start(STREAM)
    payloads = frames(
        framing.batch((Chunk(text="Ho"),))
        + (framing.error(TruncatedStream("Cut short."), {"request_id": "r1"}) or b"")
    )

    assert kinds(payloads) == ["message_start", "start", "delta", "error"]
    assert payloads[-1] == {
        "type": "error",
        "error": {
            "type": "api_error",
            "message": "Cut short.",
            "details": {"error_code": "truncated_stream"},
        },
        "request_id": "r1",
    }


def test_a_failure_before_the_first_batch_needs_no_message() -> None:
    framing = MessagesFraming()
    framing.start(STREAM)

    (payload,) = frames(framing.error(UpstreamTimeout("idle", 60), {"request_id": "r1"}) or b"")

    assert payload["error"]["type"] == "timeout_error"


def test_an_answer_without_a_word_is_a_message_without_blocks() -> None:
    payloads = written((Finish(FinishReason.CONTENT_FILTER),))

    assert kinds(payloads) == ["message_start", "message_delta", "message_stop"]
    assert payloads[1]["delta"]["stop_reason"] == "refusal"


def test_what_the_end_knows_of_usage_is_what_is_told() -> None:
    framing = MessagesFraming()
    framing.start(STREAM)

    payloads = frames(framing.batch((Chunk(text="x"),)) + framing.end(replace(COMPLETE, usage=None)))

    assert payloads[-2]["usage"] == {"input_tokens": 0, "output_tokens": 0}


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=())), max_size=3), max_size=4))
def test_any_text_is_valid_and_every_frame_one_event(batches: list[list[str]]) -> None:
    payloads = written(*(tuple(Chunk(text=text) for text in batch) for batch in batches))

    assert payloads[0]["type"] == "message_start"
    assert payloads[-1]["type"] == "message_stop"
