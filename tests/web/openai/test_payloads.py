"""Completions, usage and models as objects of the OpenAI API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cortex_actors.chat import FinishReason, ToolCall, Usage
from cortex_actors.dispatch.models import KnownModel
from cortex_actors.dispatch.stream import Completion
from cortex_actors.web.openai.payloads import (
    completion_payload,
    finish_reason,
    model_payload,
    usage_payload,
)
from tests.web.gateway_double import COMPLETE, HEAD

HELLO = Completion("Hello", "", (), COMPLETE, HEAD)


def message_of(completion: Completion) -> Any:
    return completion_payload(completion, 1)["choices"][0]["message"]


def test_a_completion_has_every_field_that_clients_expect() -> None:
    assert completion_payload(HELLO, 1) == {
        "id": "chatcmpl-5f2b",
        "object": "chat.completion",
        "created": 1,
        "model": "llama-3.1-8b",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }


def test_reasoning_tool_calls_and_logprobs_are_there_when_there_are_any() -> None:
    call = ToolCall("c1", "weather", '{"city": "Bern"}')
    rich = replace(HELLO, text="", reasoning="hm", tool_calls=(call,), logprobs={"content": []})

    choice = completion_payload(rich, 1)["choices"][0]

    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
            }
        ],
    }
    assert choice["logprobs"] == {"content": []}
    assert choice["finish_reason"] == "tool_calls"


def test_an_answer_without_words_has_empty_content_unless_it_calls_tools() -> None:
    assert message_of(replace(HELLO, text=""))["content"] == ""


@pytest.mark.parametrize("reason", list(FinishReason))
def test_a_reason_is_passed_on_as_it_is_where_no_tool_was_called(reason: FinishReason) -> None:
    assert finish_reason(reason, called_tools=False) == reason


def test_usage_says_what_is_known_and_no_more() -> None:
    assert usage_payload(None) is None
    assert usage_payload(Usage(3, 4)) == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    detailed = usage_payload(Usage(3, 4, cached_tokens=0, reasoning_tokens=1, cache_written_tokens=2))
    assert detailed is not None
    assert detailed["prompt_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 2}
    assert detailed["completion_tokens_details"] == {"reasoning_tokens": 1}


def test_a_model_has_an_owner() -> None:
    assert model_payload(KnownModel("smart", "cortex")) == {
        "id": "smart",
        "object": "model",
        "created": 0,
        "owned_by": "cortex",
    }
