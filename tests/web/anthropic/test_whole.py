"""Whole messages."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import AnswerEvent, Chunk, Finish, FinishReason, ThoughtSeal, ToolCallDelta, Usage
from cortex_actors.dispatch.messages import EndName
from cortex_actors.errors import CortexError, MalformedStream, TruncatedStream
from cortex_actors.web.anthropic.whole import whole_message
from tests.web.gateway_double import COMPLETE, StreamDouble, failed


def message(*events: AnswerEvent, thinking: bool = True) -> dict[str, Any]:
    return whole_message(StreamDouble("r1", (events,), COMPLETE).stream, thinking=thinking)


def call(index: int, arguments: str) -> Chunk:
    return Chunk(tool_calls=(ToolCallDelta(index, f"c{index}", "weather", arguments),))


def test_a_message_has_all_blocks_and_the_reason_it_stopped() -> None:
    assert message(
        Chunk(reasoning="H"),
        Chunk(reasoning="m."),
        ThoughtSeal("s"),
        ThoughtSeal(encrypted="x"),
        Chunk(text="Let me"),
        Chunk(text=" see."),
        call(0, '{"city":"Málaga"}'),
        call(1, ""),
        Usage(7, 2),
        Finish(FinishReason.TOOL_CALLS),
    ) == {
        "id": "msg_5f2b",
        "type": "message",
        "role": "assistant",
        "model": "llama-3.1-8b",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "c0", "name": "weather", "input": {"city": "Málaga"}},
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }


def test_a_caller_that_turned_thinking_off_gets_none() -> None:
    assert message(Chunk("4", "Hm."), thinking=False)["content"] == [{"type": "text", "text": "4"}]


def test_a_call_that_the_token_limit_cut_short_is_left_out() -> None:
    cut = message(Chunk(text="So:"), call(0, "{}"), call(1, '{"ci'), Finish(FinishReason.LENGTH))

    assert [block["type"] for block in cut["content"]] == ["text", "tool_use"]
    assert cut["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("arguments", ['{"ci', "[1]", "null"])
def test_arguments_that_are_no_object_are_a_failure(arguments: str) -> None:
    with pytest.raises(MalformedStream):
        message(call(0, arguments), Finish(FinishReason.TOOL_CALLS))


def test_half_an_answer_is_no_message() -> None:
    error = TruncatedStream("Cut short.")
    stream = StreamDouble("r1", ((Chunk(text="Ho"),),), failed(EndName.TRUNCATED, error)).stream

    with pytest.raises(CortexError) as caught:
        whole_message(stream, thinking=True)

    assert caught.value is error
