"""Messages, usage, reasons to stop, and errors in Anthropic's words."""

from __future__ import annotations

from typing import Any

import pytest

from cortex_actors.chat import Finish, FinishReason, Usage
from cortex_actors.errors import (
    CortexError,
    Forbidden,
    GatewayBusy,
    GatewayDraining,
    InternalError,
    InvalidRequest,
    KeyRejected,
    MethodNotAllowed,
    ModelMissing,
    NoWorkersAvailable,
    PayloadTooLarge,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    TruncatedStream,
    Unauthorized,
    UnknownModel,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from cortex_actors.web.anthropic.payloads import error_payload, stop_payload, usage_payload


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.TOOL_CALLS, "tool_use"),
        (FinishReason.CONTENT_FILTER, "refusal"),
    ],
)
def test_every_reason_has_its_word(reason: FinishReason, word: str) -> None:
    assert stop_payload(Finish(reason), called_tools=False) == {"stop_reason": word, "stop_sequence": None}


def test_a_stop_sequence_is_named_where_the_provider_names_it() -> None:
    assert stop_payload(Finish(FinishReason.STOP, "END"), called_tools=False) == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
    }


def test_a_provider_that_says_stop_after_calling_tools_means_them() -> None:
    assert stop_payload(Finish(FinishReason.STOP), called_tools=True)["stop_reason"] == "tool_use"
    assert stop_payload(Finish(FinishReason.LENGTH), called_tools=True)["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("usage", "payload"),
    [
        (None, {"input_tokens": 0, "output_tokens": 0}),
        (Usage(7, 2), {"input_tokens": 7, "output_tokens": 2}),
        (
            Usage(100, 20, cached_tokens=60, reasoning_tokens=5, cache_written_tokens=30),
            {
                "input_tokens": 10,
                "cache_read_input_tokens": 60,
                "cache_creation_input_tokens": 30,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 5},
            },
        ),
        (Usage(5, 1, cached_tokens=9), {"input_tokens": 0, "cache_read_input_tokens": 9, "output_tokens": 1}),
    ],
)
def test_tokens_are_counted_as_anthropic_counts_them(usage: Usage | None, payload: Any) -> None:
    assert usage_payload(usage) == payload


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (InvalidRequest("x"), 400, "invalid_request_error"),
        (UpstreamRejected("x"), 400, "invalid_request_error"),
        (UpstreamRejected("x", upstream_status=422), 422, "invalid_request_error"),
        (MethodNotAllowed(("POST",)), 405, "invalid_request_error"),
        (Unauthorized(), 401, "authentication_error"),
        (Forbidden(), 403, "permission_error"),
        (UnknownModel("x"), 404, "not_found_error"),
        (ModelMissing("x"), 404, "not_found_error"),
        (RequestTimeout(), 408, "timeout_error"),
        (PayloadTooLarge(), 413, "request_too_large"),
        (RateLimited(reset_at=1.0, retry_after=1.0), 429, "rate_limit_error"),
        (InternalError(), 500, "api_error"),
        (KeyRejected("x"), 502, "api_error"),
        (TruncatedStream("x"), 502, "api_error"),
        (QuotaExhausted("x"), 503, "api_error"),
        (UpstreamRateLimited("x"), 503, "overloaded_error"),
        (NoWorkersAvailable(), 503, "overloaded_error"),
        (GatewayBusy(), 503, "overloaded_error"),
        (GatewayDraining(), 503, "overloaded_error"),
        (UpstreamTimeout("first_token", 8.0), 504, "timeout_error"),
    ],
)
def test_every_error_has_its_type(error: CortexError, status: int, word: str) -> None:
    payload = error_payload(error, "r1")

    assert error.http_status == status
    assert payload["type"] == "error"
    assert payload["request_id"] == "r1"
    assert payload["error"]["type"] == word
    assert payload["error"]["message"]
    assert payload["error"]["details"]["error_code"] == error.code


def test_a_mistake_names_its_field_once() -> None:
    named = error_payload(InvalidRequest("max_tokens is missing.", field="max_tokens"), "r1")["error"]
    unnamed = error_payload(InvalidRequest("Cannot be forced.", field="tool_choice"), "r1")["error"]

    assert named["message"] == "max_tokens is missing."
    assert unnamed["message"] == "tool_choice: Cannot be forced."
    assert unnamed["details"]["field"] == "tool_choice"
